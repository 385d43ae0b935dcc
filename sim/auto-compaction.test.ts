/** Auto-compaction of a whole member on a simulated clock. */
import { expect, test } from "vitest";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { createPutRequest, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const KEY = bytesFromLatin1("key");

async function started(overrides: object): Promise<SimulatedMember> {
  const member = new SimulatedMember(new SimulatedDisk({ random: new Prng(2) }), 1_000_000);
  expect(await member.start(new Prng(1), overrides)).toBe(true);
  return member;
}

async function put(member: SimulatedMember): Promise<void> {
  let isDone = false;
  member.propose(Operation.put, encodePutRequest(createPutRequest({ key: KEY })), () => {
    isDone = true;
  });
  expect(await member.until(() => isDone)).toBe(true);
}

test("a periodic one compacts to what was newest a period ago, and says so", async () => {
  const member = await started({ autoCompactionMode: "periodic", autoCompactionRetention: "2s" });
  const { store } = member.host.member.applier;
  for (let count = 0; count < 10; count++) await put(member);
  expect(await member.until(() => store.compactRevision > 0)).toBe(true);
  // The first one reaches back to the start, when there was nothing.
  expect(store.compactRevision).toBe(1);
  await put(member);
  expect(await member.until(() => store.compactRevision > 1)).toBe(true);
  expect(store.compactRevision).toBe(11);
  expect(await member.until(() => !store.compactionPending)).toBe(true);
  const said = member.log.lines.filter(({ message }) => message.includes("auto"));
  expect(said.map(({ message }) => message)).toEqual([
    "starting auto periodic compaction",
    "completed auto periodic compaction",
    "starting auto periodic compaction",
    "completed auto periodic compaction",
  ]);
  expect(said[2].fields).toEqual({ revision: 11, "compact-period": "2s" });
  expect(await member.stop()).toBe(true);
});

test("nothing is compacted by default", async () => {
  const member = await started({});
  const { store } = member.host.member.applier;
  for (let count = 0; count < 10; count++) await put(member);
  let turns = 0;
  expect(await member.until(() => ++turns > 1000)).toBe(true);
  expect(store.compactRevision).toBe(-1);
  expect(await member.stop()).toBe(true);
});
