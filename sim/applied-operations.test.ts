/**
 * Operations that logs may hold: leases, alarms, attributes and versions, as
 * etcd writes them. Applied by a whole member, and still there after a restart.
 */
import { describe, expect, test } from "vitest";
import type { ApplyResult } from "../src/apply/result.ts";
import type { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import { bytesFromUtf8 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  AlarmAction,
  AlarmType,
  createAlarmRequest,
  createLeaseGrantRequest,
  createLeaseRevokeRequest,
  createPutRequest,
  encodeAlarmRequest,
  encodeLeaseGrantRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import {
  createClusterMemberAttrSetRequest,
  createClusterVersionSetRequest,
  encodeClusterMemberAttrSetRequest,
  encodeClusterVersionSetRequest,
} from "../src/wire/gen/membership.ts";
import { SimulatedDisk } from "./disk.ts";
import { dumpStore } from "./kv-model.ts";
import { SimulatedMember } from "./simulated-member.ts";

async function started(disk: SimulatedDisk, quotaBackendBytes = -1): Promise<SimulatedMember> {
  const member = new SimulatedMember(disk, 1_000_000);
  expect(await member.start(new Prng(1), { quotaBackendBytes })).toBe(true);
  return member;
}

async function restarted(member: SimulatedMember): Promise<SimulatedMember> {
  expect(await member.stop()).toBe(true);
  return started(member.disk);
}

async function apply(
  member: SimulatedMember,
  field: number,
  body: Uint8Array,
): Promise<ApplyResult | EtcdError> {
  let result: ApplyResult | EtcdError | undefined;
  member.propose(field, body, (answer) => {
    result = answer;
  });
  await member.until(() => result !== undefined);
  if (result === undefined) throw new Error("No answer");
  return result;
}

const putBody = (key: string, lease: bigint): Uint8Array =>
  encodePutRequest(createPutRequest({ key: bytesFromUtf8(key), lease }));

const freshDisk = (): SimulatedDisk => new SimulatedDisk({ random: new Prng(3) });

describe("leases in the log", () => {
  const grant = encodeLeaseGrantRequest(createLeaseGrantRequest({ id: 7n, ttl: 60 }));
  const revoke = encodeLeaseRevokeRequest(createLeaseRevokeRequest({ id: 7n }));

  test("grant, attach and revoke: the keys go in one revision", async () => {
    const first = await started(freshDisk());
    expect(await apply(first, Operation.put, putBody("a", 7n))).toBe(Errors.LeaseNotFound);
    expect(await apply(first, Operation.leaseGrant, grant)).toMatchObject({ kind: "leaseGrant" });
    expect(await apply(first, Operation.leaseGrant, grant)).toBe(Errors.LeaseExist);
    await apply(first, Operation.put, putBody("a", 7n));
    await apply(first, Operation.put, putBody("b", 7n));
    const second = await restarted(first);
    expect([...(second.host.member.applier.lessor.lease(7n)?.keys ?? [])].sort()).toEqual([
      "a",
      "b",
    ]);
    await apply(second, Operation.leaseRevoke, revoke);
    expect(dumpStore(second.host.member.applier.store)).toBe("revision 4");
    expect(await apply(second, Operation.leaseRevoke, revoke)).toBe(Errors.LeaseNotFound);
    const third = await restarted(second);
    expect(third.host.member.applier.lessor.size).toBe(0);
  });
});

describe("the space quota", () => {
  test("refuses what needs room, raises the alarm for good, and lets deletions through", async () => {
    const member = await started(freshDisk(), 30_000);
    const big = encodePutRequest(
      createPutRequest({ key: bytesFromUtf8("big"), value: new Uint8Array(40_000) }),
    );
    expect(await apply(member, Operation.put, big)).toBe(Errors.NoSpace);
    const { alarms } = member.host.member.applier;
    await member.until(() => alarms.isRaised(AlarmType.NOSPACE));
    expect(await apply(member, Operation.put, putBody("small", 0n))).toBe(Errors.NoSpace);
    const again = await restarted(member);
    expect(again.host.member.applier.alarms.list(AlarmType.NONE)).toHaveLength(1);
    expect(await apply(again, Operation.put, putBody("small", 0n))).toBe(Errors.NoSpace);
    const { id } = again.host.member;
    const disarm = createAlarmRequest({
      action: AlarmAction.DEACTIVATE,
      memberId: id,
      alarm: AlarmType.NOSPACE,
    });
    await apply(again, Operation.alarm, encodeAlarmRequest(disarm));
    expect(await apply(again, Operation.put, putBody("small", 0n))).toMatchObject({ kind: "put" });
  });
});

describe("what members of 3.6 write about the cluster", () => {
  test("attributes and version are taken over and kept", async () => {
    const first = await started(freshDisk());
    const { id } = first.host.member;
    const memberAttributes = { name: "renamed", clientUrls: ["http://elsewhere:2379"] };
    const attributes = createClusterMemberAttrSetRequest({ memberId: id, memberAttributes });
    const version = createClusterVersionSetRequest({ ver: "3.4.0" });
    await apply(
      first,
      Operation.clusterMemberAttrSet,
      encodeClusterMemberAttrSetRequest(attributes),
    );
    await apply(first, Operation.clusterVersionSet, encodeClusterVersionSetRequest(version));
    const { cluster, records } = first.host.member.applier;
    expect(cluster.member(id)).toMatchObject(memberAttributes);
    expect(cluster.version).toBe("3.4.0");
    expect(records.members()).toMatchObject([memberAttributes]);
    const again = await restarted(first);
    expect(again.host.member.applier.cluster.member(id)).toMatchObject({ name: "default" });
    expect(again.host.member.applier.cluster.version).toBe("3.4.0");
  });
});
