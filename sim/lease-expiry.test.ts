/**
 * Leases that expire, in a whole member on a simulated disk and clock: when they go, what goes with them, and
 * what a crash at any point of it leaves.
 */
import { describe, expect, test } from "vitest";
import type { ApplyResult } from "../src/apply/result.ts";
import type { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import type { Applier } from "../src/apply/applier.ts";
import { executeRange } from "../src/mvcc/range.ts";
import type { ServerConfig } from "../src/server/config/config.ts";
import { bytesFromUtf8, utf8FromBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { decodeKeyValue } from "../src/wire/gen/kv.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createLeaseGrantRequest,
  createPutRequest,
  createRangeRequest,
  encodeLeaseGrantRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

type Answer = ApplyResult | EtcdError;
type Told = (answer: Answer) => void;

const TTL_SECONDS = 2;
const ELECTION_MS = 1000;
/** Between the expiry of a lease and its end: a tick, and the entry. */
const SLACK_MS = 300;

/** A member takes its leadership for granted once it has ticked. */
const TICKING_MS = 150;

const LONG_LEASE = 99n;
const SHORT_LEASES = Array.from({ length: 12 }, (_, index) => BigInt(index + 1));
const KEYS_PER_LEASE = 1;
const SHORT_KEYS = SHORT_LEASES.length * KEYS_PER_LEASE;

const freshDisk = (): SimulatedDisk => new SimulatedDisk({ random: new Prng(3) });

async function started(
  disk: SimulatedDisk,
  overrides: Partial<ServerConfig> = {},
): Promise<SimulatedMember> {
  const member = new SimulatedMember(disk, 1_000_000);
  expect(await member.start(new Prng(1), overrides)).toBe(true);
  return member;
}

function grant(member: SimulatedMember, id: bigint, ttl: number, told: Told = () => {}): void {
  const body = encodeLeaseGrantRequest(createLeaseGrantRequest({ id, ttl }));
  member.propose(Operation.leaseGrant, body, told);
}

function put(member: SimulatedMember, key: string, lease: bigint, told: Told = () => {}): void {
  const body = encodePutRequest(createPutRequest({ key: bytesFromUtf8(key), lease }));
  member.propose(Operation.put, body, told);
}

/** Grants all leases and attaches their keys; whether everything was acknowledged. */
async function setUp(member: SimulatedMember): Promise<boolean> {
  let answers = 0;
  const told = (): void => {
    answers++;
  };
  for (const id of [...SHORT_LEASES]) grant(member, id, TTL_SECONDS, told);
  grant(member, LONG_LEASE, 1000, told);
  put(member, "long", LONG_LEASE, told);
  put(member, "none", 0n, told);
  for (const id of SHORT_LEASES) {
    for (let at = 0; at < KEYS_PER_LEASE; at++) put(member, `short${id}-${at}`, id, told);
  }
  return member.until(() => answers === SHORT_LEASES.length + 3 + SHORT_KEYS);
}

/** Live keys with their leases; asserts that store and lessor agree about them. */
function attachments({ store, lessor }: Applier): Map<string, bigint> {
  const zero = new Uint8Array(1);
  const range = executeRange(store, createRangeRequest({ key: zero, rangeEnd: zero }));
  if (!("kvs" in range)) throw range;
  const leases = new Map<string, bigint>();
  for (const bytes of range.kvs) {
    const { key, lease } = decodeKeyValue(bytes);
    leases.set(utf8FromBytes(key), lease);
  }
  for (const [key, lease] of leases) {
    expect(lessor.leaseOf(key), key).toBe(lease);
    if (lease !== 0n) expect(lessor.lease(lease)?.keys.has(key), key).toBe(true);
  }
  for (const { id, keys } of lessor.leases()) {
    for (const key of keys) expect(leases.get(key), key).toBe(id);
  }
  return leases;
}

const shortKeysOf = (applier: Applier): number =>
  [...attachments(applier).keys()].filter((key) => key.startsWith("short")).length;

describe("leases that expire", () => {
  test("go neither early nor late, all in one revision, with their keys alone", async () => {
    const member = await started(freshDisk());
    expect(await setUp(member)).toBe(true);
    const { applier } = member.host.member;
    const { revision } = applier.store;
    await member.pass(TTL_SECONDS * 1000 - SLACK_MS);
    expect(shortKeysOf(applier)).toBe(SHORT_KEYS);
    await member.pass(2 * SLACK_MS);
    expect([...attachments(applier).keys()]).toEqual(["long", "none"]);
    expect(applier.store.revision).toBe(revision + 1);
    expect(applier.lessor.size).toBe(1);
  });

  test("a key that is attached while its lease is on the way out goes with it", async () => {
    const member = await started(freshDisk());
    expect(await setUp(member)).toBe(true);
    const { applier } = member.host.member;
    await member.pass(TTL_SECONDS * 1000 - SLACK_MS);
    let answer: Answer | undefined;
    // Before the batch in the log, and unknown to it when it is made.
    put(member, "short1-late", 1n, (result) => {
      answer = result;
    });
    member.host.member.tick(member.nowMs + SLACK_MS);
    await member.until(() => answer !== undefined);
    expect(answer).toMatchObject({ kind: "put" });
    await member.pass(SLACK_MS);
    expect([...attachments(applier).keys()]).toEqual(["long", "none"]);
    expect(applier.lessor.size).toBe(1);
  });

  test("a renewal keeps a lease, and one that comes late waits for its end", async () => {
    const member = await started(freshDisk());
    expect(await setUp(member)).toBe(true);
    const renew = (id: bigint, nowMs = member.nowMs): number[] => {
      const answers: number[] = [];
      member.host.member.renewLease(id, nowMs, {
        onRenewed: (ttlSeconds) => answers.push(ttlSeconds),
        onFailed: (error) => {
          throw error;
        },
      });
      return answers;
    };
    await member.pass(TICKING_MS);
    for (let round = 0; round < 5; round++) {
      expect(renew(1n)).toEqual([TTL_SECONDS]);
      await member.pass(1000);
    }
    expect(member.host.member.applier.lessor.exists(1n)).toBe(true);
    expect(member.host.member.applier.lessor.exists(2n)).toBe(false);
    expect(renew(2n)).toEqual([0]);
    const late = renew(1n, member.nowMs + 1000);
    // The last tick is long ago by that clock: leadership has to be confirmed first.
    expect(late).toEqual([]);
    await member.until(() => late.length > 0);
    expect(late).toEqual([0]);
  });

  test("many leases and a lease with many keys leave in entries of bounded size", async () => {
    const member = await started(freshDisk());
    let answers = 0;
    const told = (): void => {
      answers++;
    };
    const ids = Array.from({ length: 700 }, (_, index) => BigInt(index + 1));
    for (const id of ids) grant(member, id, TTL_SECONDS, told);
    for (let at = 0; at < 600; at++) put(member, `many${at}`, 700n, told);
    for (const id of ids) put(member, `one${id}`, id, told);
    await member.until(() => answers === 600 + 2 * ids.length);
    const { applier } = member.host.member;
    const { revision } = applier.store;
    await member.pass(TTL_SECONDS * 1000 + SLACK_MS);
    expect(applier.lessor.size).toBe(0);
    expect(attachments(applier).size).toBe(0);
    // About eight growing entries for 699 leases, and one for the lease with 601 keys.
    expect(applier.store.revision - revision).toBeGreaterThanOrEqual(8);
    expect(applier.store.revision - revision).toBeLessThanOrEqual(10);
  });

  test("with small requests every lease has an entry of its own", async () => {
    const member = await started(freshDisk(), { maxRequestBytes: 200 });
    expect(await setUp(member)).toBe(true);
    const { applier } = member.host.member;
    const { revision } = applier.store;
    await member.pass(TTL_SECONDS * 1000 + SLACK_MS);
    expect([...attachments(applier).keys()]).toEqual(["long", "none"]);
    expect(applier.store.revision).toBe(revision + SHORT_LEASES.length);
  });
});

describe("a restart", () => {
  test("gives every lease its whole time and an election timeout", async () => {
    const member = await started(freshDisk());
    expect(await setUp(member)).toBe(true);
    await member.pass(1000);
    expect(await member.stop()).toBe(true);
    const again = await started(member.disk);
    const { applier } = again.host.member;
    await again.pass(TTL_SECONDS * 1000 + ELECTION_MS - SLACK_MS);
    expect(shortKeysOf(applier)).toBe(SHORT_KEYS);
    await again.pass(2 * SLACK_MS);
    expect([...attachments(applier).keys()]).toEqual(["long", "none"]);
  });

  test.each(["none", "memory", "persisted"] as const)(
    "with checkpoints %s a long lease goes on where it was, or starts anew",
    async (leaseCheckpoints) => {
      const member = await started(freshDisk(), { leaseCheckpoints });
      let isGranted = false;
      grant(member, 5n, 1000, () => {
        isGranted = true;
      });
      await member.until(() => isGranted);
      await member.pass(301_000);
      expect(await member.stop()).toBe(true);
      const again = await started(member.disk, { leaseCheckpoints, snapshotCount: 1 });
      await again.pass(TICKING_MS);
      const { lessor } = again.host.member.applier;
      const remaining = leaseCheckpoints === "persisted" ? 700 : 1000;
      const lease = lessor.lease(5n);
      const seconds = ((lease?.expiryMs ?? 0) - again.nowMs) / 1000;
      expect(seconds - ELECTION_MS / 1000).toBeGreaterThan(remaining - 1);
      expect(seconds - ELECTION_MS / 1000).toBeLessThanOrEqual(remaining);
      const answers: number[] = [];
      again.host.member.renewLease(5n, again.nowMs, {
        onRenewed: (ttlSeconds) => answers.push(ttlSeconds),
        onFailed: (error) => {
          throw error;
        },
      });
      // A checkpoint is cleared through the log first.
      expect(answers).toEqual(remaining === 1000 ? [1000] : []);
      again.host.poke();
      await again.until(() => answers.length > 0);
      expect(answers).toEqual([1000]);
      expect(lease?.remainingTtlSeconds).toBe(0);
      expect(await again.stop()).toBe(true);
      const third = await started(member.disk, { leaseCheckpoints: "none" });
      expect(third.host.member.applier.lessor.lease(5n)?.remainingTtlSeconds).toBe(0);
    },
    20_000,
  );
});

describe("a member that crashes around the expiry of its leases", () => {
  test("has all of the keys of a batch or none, and never a key without its lease", async () => {
    let point = 1;
    while (await crashAt(point)) point++;
    expect(point).toBeGreaterThan(40);
  }, 120_000);

  async function crashAt(point: number): Promise<boolean> {
    const disk = new SimulatedDisk({ random: new Prng(point) });
    disk.crashAt(point);
    const member = new SimulatedMember(disk, 1_000_000);
    let isSetUp = false;
    let isLate = false;
    if (await member.start(new Prng(1))) {
      isSetUp = await setUp(member);
      if (isSetUp) isLate = await member.pass(TTL_SECONDS * 1000 + SLACK_MS);
      if (isLate) expect(shortKeysOf(member.host.member.applier)).toBe(0);
      if (isLate) await untilPut(member, "after");
    }
    for (const survival of ["kept", "lost", "random"] as const) {
      const after = disk.crash(new Prng(point * 31), { survival });
      const again = await started(after);
      const { applier } = again.host.member;
      const found = shortKeysOf(applier);
      const where = `point ${point}, ${survival}`;
      if (isSetUp) expect([0, SHORT_KEYS], where).toContain(found);
      if (isSetUp) expect(applier.lessor.size, where).toBe(found === 0 ? 1 : 13);
      if (isLate) expect(found, where).toBe(0);
      await again.pass(TTL_SECONDS * 1000 + ELECTION_MS - SLACK_MS);
      expect(shortKeysOf(applier), where).toBe(found);
      await again.pass(2 * SLACK_MS);
      expect(shortKeysOf(applier), where).toBe(0);
      if (isSetUp) expect(attachments(applier).get("long"), where).toBe(LONG_LEASE);
      expect(await untilPut(again, "after"), where).not.toBe(Errors.Stopped);
    }
    return disk.halted;
  }

  async function untilPut(member: SimulatedMember, key: string): Promise<Answer | undefined> {
    let answer: Answer | undefined;
    put(member, key, 0n, (result) => {
      answer = result;
    });
    await member.until(() => answer !== undefined);
    return answer;
  }
});
