/** A downgrade that has arrived is ended by the leader, and what is left of one survives a restart. */
import { expect, test } from "vitest";
import { Prng } from "../src/stdx/prng.ts";
import {
  createDowngradeInfoSetRequest,
  encodeDowngradeInfoSetRequest,
} from "../src/wire/gen/membership.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

async function started(disk: SimulatedDisk, downgradeCheckMs = 5000): Promise<SimulatedMember> {
  const member = new SimulatedMember(disk, 1_000_000);
  expect(await member.start(new Prng(1), { downgradeCheckMs })).toBe(true);
  return member;
}

function setDowngrade(member: SimulatedMember, ver: string): Promise<boolean> {
  const request = createDowngradeInfoSetRequest({ enabled: true, ver });
  let isDone = false;
  member.propose(Operation.downgradeInfoSet, encodeDowngradeInfoSetRequest(request), () => {
    isDone = true;
  });
  return member.until(() => isDone);
}

test("the leader ends a downgrade when the cluster version is the target", async () => {
  const disk = new SimulatedDisk({ random: new Prng(2) });
  let member = await started(disk);
  expect(await member.until(() => member.host.member.applier.cluster.version === "3.5.0")).toBe(
    true,
  );
  expect(await setDowngrade(member, "3.5.0")).toBe(true);
  expect(member.host.member.applier.cluster.downgrade.enabled).toBe(true);
  expect(await member.stop()).toBe(true);

  member = await started(disk);
  const { cluster } = member.host.member.applier;
  expect(cluster.downgrade).toEqual({ enabled: true, targetVersion: "3.5.0" });
  expect(await member.until(() => !cluster.downgrade.enabled)).toBe(true);
  const said = member.log.lines.filter(({ message }) => message.includes("downgraded"));
  expect(said).toEqual([
    {
      level: "info",
      message: "the cluster has been downgraded",
      fields: { "cluster-version": "3.5.0" },
    },
  ]);
  expect(await member.stop()).toBe(true);
});

test("one that has not arrived goes on, and keeps this version from starting", async () => {
  const disk = new SimulatedDisk({ random: new Prng(3) });
  const member = await started(disk);
  expect(await setDowngrade(member, "3.4.0")).toBe(true);
  const mismatch = (): boolean =>
    member.log.lines.some(
      ({ message }) => message === "remotes server has mismatching etcd version",
    );
  expect(await member.until(mismatch)).toBe(true);
  expect(member.host.member.applier.cluster.downgrade.enabled).toBe(true);
  expect(await member.stop()).toBe(true);
  await expect(started(disk)).rejects.toThrow("not allowed to join when downgrade is enabled");
});

test.each([
  [0, true],
  [100, false],
])(
  "looks every %d milliseconds, or never: whether one goes on after 3 seconds",
  async (ms, goesOn) => {
    const member = await started(new SimulatedDisk({ random: new Prng(4) }), ms);
    const { cluster } = member.host.member.applier;
    expect(await member.until(() => cluster.version === "3.5.0")).toBe(true);
    expect(await setDowngrade(member, "3.5.0")).toBe(true);
    expect(await member.pass(3000)).toBe(true);
    expect(cluster.downgrade.enabled).toBe(goesOn);
    expect(await member.stop()).toBe(true);
  },
);
