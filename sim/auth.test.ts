/**
 * Authentication in whole members on simulated disks: what is left of users and roles by crashes, how they come
 * by snapshot, and what a member does by itself while nobody may do anything without a name.
 */
import { describe, expect, test } from "vitest";
import type { ApplyResult } from "../src/apply/result.ts";
import { AuthStore } from "../src/auth/auth-store.ts";
import { MemoryAuthStorage } from "../src/auth/testing/open-auth-store.ts";
import { NO_TOKENS } from "../src/auth/token-table.ts";
import { AuthRecords } from "../src/backend/auth-records.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import { base64FromBytes } from "../src/stdx/base64.ts";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { createPermission, PermissionType } from "../src/wire/gen/auth.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createAuthUserAddRequest,
  createLeaseGrantRequest,
  createPutRequest,
  encodeAuthEnableRequest,
  encodeAuthRoleAddRequest,
  encodeAuthRoleGrantPermissionRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserGrantRoleRequest,
  encodeLeaseGrantRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { dumpAuth } from "./auth-dump.ts";
import { SimulatedDisk } from "./disk.ts";
import { LaggingWorld } from "./lagging-world.ts";
import { MemoryLog } from "./memory-log.ts";
import { SimulatedMember } from "./simulated-member.ts";

type Proposal = readonly [field: number, body: Uint8Array];

const user = (name: string): Proposal => {
  const hashedPassword = base64FromBytes(bytesFromLatin1(`hash of ${name}`));
  const request = createAuthUserAddRequest({ name, hashedPassword });
  return [Operation.authUserAdd, encodeAuthUserAddRequest(request)];
};
const role = (name: string): Proposal => [
  Operation.authRoleAdd,
  encodeAuthRoleAddRequest({ name }),
];
const granted = (name: string, given: string): Proposal => [
  Operation.authUserGrantRole,
  encodeAuthUserGrantRoleRequest({ user: name, role: given }),
];
const permitted = (name: string, key: string): Proposal => {
  const perm = createPermission({ permType: PermissionType.READWRITE, key: bytesFromLatin1(key) });
  return [Operation.authRoleGrantPermission, encodeAuthRoleGrantPermissionRequest({ name, perm })];
};
const ENABLE: Proposal = [Operation.authEnable, encodeAuthEnableRequest({})];

/** Root, a user who may touch one key, and authentication. */
const SET_UP: readonly Proposal[] = [
  user("root"),
  granted("root", "root"),
  user("alice"),
  role("role"),
  permitted("role", "key"),
  granted("alice", "role"),
  ENABLE,
];

const LEASES = Array.from({ length: 12 }, (_, index) => BigInt(index + 1));
const TTL_SECONDS = 2;

async function started(disk: SimulatedDisk, overrides = {}): Promise<SimulatedMember> {
  const member = new SimulatedMember(disk, 1_000_000);
  expect(await member.start(new Prng(1), overrides)).toBe(true);
  return member;
}

/** Proposes one after the other; how many were acknowledged until the member crashed. */
async function proposeAll(
  member: SimulatedMember,
  proposals: readonly Proposal[],
): Promise<number> {
  for (const [at, [field, body]] of proposals.entries()) {
    let answer: ApplyResult | EtcdError | undefined;
    member.propose(field, body, (result) => {
      answer = result;
    });
    if (!(await member.until(() => answer !== undefined))) return at;
    expect(answer).toMatchObject({ kind: "authChange" });
  }
  return proposals.length;
}

/** Texts of the store after each number of the proposals. */
async function statesOf(proposals: readonly Proposal[]): Promise<string[]> {
  const member = await started(new SimulatedDisk({ random: new Prng(3) }));
  const states = [dumpAuth(member.host.member.applier.auth)];
  for (const proposal of proposals) {
    await proposeAll(member, [proposal]);
    states.push(dumpAuth(member.host.member.applier.auth));
  }
  return states;
}

/** What the database alone holds. */
function stored({ host }: SimulatedMember): string {
  const storage = new AuthRecords(host.member.applier.backend);
  const parts = { storage: new MemoryAuthStorage(), tokens: NO_TOKENS, log: new MemoryLog() };
  return dumpAuth(new AuthStore(parts, storage.load()));
}

describe("users and roles", () => {
  test("are as far as they were acknowledged, or one step farther, after a crash at any point", async () => {
    const extra = Array.from({ length: 12 }, (_, at) => [
      user(`u${at}`),
      granted(`u${at}`, "role"),
    ]);
    const proposals = [...SET_UP, ...extra.flat()];
    const states = await statesOf(proposals);
    let crashes = 0;
    for (let point = 20; ; point += 3) {
      const disk = new SimulatedDisk({ random: new Prng(point) });
      disk.crashAt(point);
      const member = new SimulatedMember(disk, 1_000_000);
      let acknowledged = 0;
      if (await member.start(new Prng(1))) acknowledged = await proposeAll(member, proposals);
      if (acknowledged === proposals.length) break;
      crashes++;
      const again = await started(disk.crash(new Prng(point)));
      await again.until(() => again.host.member.isLeader());
      const now = dumpAuth(again.host.member.applier.auth);
      expect(states.slice(acknowledged, acknowledged + 2)).toContain(now);
      expect(stored(again)).toBe(now);
    }
    expect(crashes).toBeGreaterThan(20);
  }, 60_000);

  test("come with a snapshot, to a member that runs and to one that starts", async () => {
    const world = await LaggingWorld.start(7);
    const { follower } = world;
    world.isolate(follower, true);
    for (const [field, body] of SET_UP) await world.propose(field, body);
    await world.write(40);
    const before = follower.host?.member.applier.auth;
    expect(before?.enabled).toBe(false);
    world.isolate(follower, false);
    await world.caughtUp(follower);
    expect(world.cluster.network.counts.snapshotsDelivered).toBe(1);
    const after = follower.host?.member.applier.auth;
    expect(after).not.toBe(before);
    expect(after?.enabled).toBe(true);
    const alice = { username: "alice", revision: after?.revision ?? 0 };
    expect(after?.checkPut(alice, bytesFromLatin1("key"))).toBeUndefined();
    expect(after?.checkPut(alice, bytesFromLatin1("other"))).toBe(Errors.PermissionDenied);
    follower.stop();
    await world.until(() => follower.state === "down");
    follower.start();
    await world.caughtUp(follower);
    expect(follower.host?.member.applier.auth.enabled).toBe(true);
  });
});

describe("with authentication", () => {
  async function withLeases(overrides = {}): Promise<SimulatedMember> {
    const member = await started(new SimulatedDisk({ random: new Prng(3) }), overrides);
    await proposeAll(member, SET_UP);
    let answers = 0;
    const told = (result: ApplyResult | EtcdError): void => {
      expect(result).not.toBeInstanceOf(EtcdError);
      answers++;
    };
    for (const id of LEASES) {
      const grant = createLeaseGrantRequest({ id, ttl: TTL_SECONDS });
      member.propose(Operation.leaseGrant, encodeLeaseGrantRequest(grant), told);
      const put = createPutRequest({ key: bytesFromLatin1(`key${id}`), lease: id });
      member.propose(Operation.put, encodePutRequest(put), told);
    }
    expect(await member.until(() => answers === 2 * LEASES.length)).toBe(true);
    return member;
  }

  test.each([
    ["many at a time", {}],
    ["one by one", { maxRequestBytes: 250 }],
  ])("leases that expire go, %s", async (_, overrides) => {
    const member = await withLeases(overrides);
    const { applier } = member.host.member;
    await member.pass(TTL_SECONDS * 1000 + 300);
    expect(applier.lessor.size).toBe(0);
    expect(applier.store.index.get("key1")?.live).toBe(false);
  });

  test("leases go soon, too, when users change at that very time", async () => {
    const member = await withLeases();
    const { applier } = member.host.member;
    await member.pass(TTL_SECONDS * 1000 - 300);
    const [field, body] = user("bob");
    member.propose(field, body, () => undefined);
    // Its entry comes first, and that of the leases is from before.
    member.host.member.tick(member.nowMs + 300);
    await member.pass(600);
    expect(applier.auth.user("bob")).toBeDefined();
    expect(JSON.stringify(member.log.lines)).toContain("revision of auth store is old");
    expect(applier.lessor.size).toBe(0);
  });
});
