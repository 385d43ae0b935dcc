/** Hashes and backups of a whole member, taken in slices while writes and compactions go on. */
import { describe, expect, test } from "vitest";
import type { DatabaseHashResult, KeyspaceHash } from "../src/api/context.ts";
import { Backend } from "../src/backend/backend.ts";
import { PinnedState } from "../src/backend/pinned-state.ts";
import { RevisionBucket } from "../src/backend/revision-bucket.ts";
import { check } from "../src/bolt/check.ts";
import { Db } from "../src/bolt/db.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import { Lessor } from "../src/lease/lessor.ts";
import { HashJob } from "../src/mvcc/hash-job.ts";
import type { KeyValueHash } from "../src/mvcc/kv-hash.ts";
import { Restore } from "../src/mvcc/restore.ts";
import { BACKUPS_OPEN_MAX, HASH_REQUESTS_WAITING_MAX } from "../src/server/limits.ts";
import { bytesFromUtf8 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createCompactionRequest,
  createDeleteRangeRequest,
  createPutRequest,
  encodeCompactionRequest,
  encodeDeleteRangeRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { dumpStore } from "./kv-model.ts";
import { SimulatedMember } from "./simulated-member.ts";

/** A member under random writes; a part of them deletes or compacts. */
class BusyMember extends SimulatedMember {
  readonly #random: Prng;

  constructor(seed: number) {
    super(new SimulatedDisk({ random: new Prng(seed) }), 1_000_000);
    this.#random = new Prng(seed + 1);
  }

  get store() {
    return this.host.member.applier.store;
  }

  /** Makes a change, and waits until it is applied. */
  async write(): Promise<void> {
    let isDone = false;
    const key = bytesFromUtf8(`key${this.#random.below(30)}`);
    const done = (): void => {
      isDone = true;
    };
    const kind = this.#random.below(12);
    if (kind === 0) {
      const revision = Math.max(1, this.store.revision - this.#random.below(10));
      const body = encodeCompactionRequest(createCompactionRequest({ revision }));
      this.propose(Operation.compaction, body, done);
    } else if (kind < 4) {
      const body = encodeDeleteRangeRequest(createDeleteRangeRequest({ key }));
      this.propose(Operation.deleteRange, body, done);
    } else {
      const value = new Uint8Array(this.#random.below(300)).fill(kind);
      this.propose(Operation.put, encodePutRequest(createPutRequest({ key, value })), done);
    }
    expect(await this.until(() => isDone)).toBe(true);
  }
}

async function busyMember(seed: number, writes: number): Promise<BusyMember> {
  const member = new BusyMember(seed);
  expect(await member.start(new Prng(seed))).toBe(true);
  for (let count = 0; count < writes; count++) await member.write();
  return member;
}

/** What the store in a copy of a database shows; the copy is a sound bolt file. */
function contentOf(copy: Uint8Array): string {
  const disk = new SimulatedDisk({ random: new Prng(1) });
  disk.makeDirectory("/");
  disk.open("/db", "create").write([copy], 0, "durable", () => {});
  disk.runUntilIdle();
  const db = Db.open(disk, "/db", { readOnly: true });
  const tx = db.beginRead();
  expect(check(tx)).toEqual([]);
  tx.rollback();
  db.close();
  const backend = Backend.open(disk, "/db");
  const restore = new Restore(
    new RevisionBucket(backend),
    new Lessor({ ttlSecondsMin: 1, checkpointSeconds: 0 }),
    { onChanges: () => {} },
  );
  while (!restore.step(100));
  return dumpStore(restore.finish());
}

describe("a backup", () => {
  test("is the state of its moment, whatever is written and compacted while it is read", async () => {
    for (let seed = 0; seed < 6; seed++) {
      const member = await busyMember(seed, 40);
      let opened: PinnedState | undefined;
      let expected = "";
      member.host.current.backups.open((result) => {
        if (result instanceof EtcdError) throw result;
        opened = result;
        expected = dumpStore(member.store);
      });
      expect(await member.until(() => opened !== undefined)).toBe(true);
      const state = opened as PinnedState;
      const copy = new Uint8Array(state.bytes);
      const random = new Prng(seed);
      for (let at = 0; at < copy.length; ) {
        at += state.readCopy(copy.subarray(at, at + 1 + random.below(5000)), at);
        await member.write();
      }
      state.close();
      expect(contentOf(copy)).toBe(expected);
      expect(await member.stop()).toBe(true);
    }
  });

  test("holds everything applied before it was asked for, and there are only so many", async () => {
    const member = await busyMember(3, 10);
    const results: (PinnedState | EtcdError)[] = [];
    for (let count = 0; count < BACKUPS_OPEN_MAX + 2; count++) {
      member.host.current.backups.open((result) => results.push(result));
    }
    expect(results).toEqual([Errors.TooManyRequests, Errors.TooManyRequests]);
    await member.until(() => results.length === BACKUPS_OPEN_MAX + 2);
    const states = results.filter((result) => result instanceof PinnedState);
    expect(states).toHaveLength(BACKUPS_OPEN_MAX);
    const copy = new Uint8Array(states[0].bytes);
    states[0].readCopy(copy, 0);
    expect(contentOf(copy)).toBe(dumpStore(member.store));
    states[0].close();
    let another: PinnedState | EtcdError | undefined;
    member.host.current.backups.open((result) => {
      another = result;
    });
    await member.until(() => another !== undefined);
    expect(another).toBeInstanceOf(PinnedState);
    expect(await member.stop()).toBe(true);
    member.host.current.backups.open((result) => {
      another = result;
    });
    expect(another).toBe(Errors.Stopped);
  });
});

/** The hash in one go. */
function hashNow(member: BusyMember, revision: number): KeyValueHash {
  const job = member.store.openHash(revision);
  if (job instanceof EtcdError) throw job;
  return job instanceof HashJob ? (job.step(1e9) as KeyValueHash) : job;
}

describe("hashes of the keyspace", () => {
  test("are those taken in one go, under writes and compactions, and compaction ends", async () => {
    let compared = 0;
    for (let seed = 0; seed < 6; seed++) {
      const member = await busyMember(seed, 60);
      const random = new Prng(seed);
      let asked = 0;
      let answered = 0;
      const compare = (revision: number, result: KeyspaceHash | EtcdError): void => {
        answered++;
        if (result instanceof EtcdError) {
          expect(result === Errors.Compacted || result === Errors.FutureRevision).toBe(true);
          return;
        }
        const { hash, currentRevision } = result;
        expect(hash.revision).toBe(revision === 0 ? currentRevision : revision);
        if (hash.compactRevision !== member.store.compactRevision) return;
        expect(hash).toEqual(hashNow(member, hash.revision));
        compared++;
      };
      for (let round = 0; round < 30; round++) {
        for (let count = random.below(4); count > 0; count--) {
          const revision = random.below(3) === 0 ? 0 : member.store.revision - random.below(12);
          asked++;
          member.host.current.hashes.ofKeyspace(revision, (result) => compare(revision, result));
        }
        await member.write();
      }
      expect(await member.until(() => answered === asked && !member.store.compactionPending)).toBe(
        true,
      );
      expect(await member.stop()).toBe(true);
    }
    expect(compared).toBeGreaterThan(50);
  });

  test("wait in a line of bounded length, and are told when the server stops", async () => {
    const member = await busyMember(1, 50);
    const results: (KeyspaceHash | EtcdError)[] = [];
    const { hashes } = member.host.current;
    for (let count = 0; count < HASH_REQUESTS_WAITING_MAX; count++) {
      hashes.ofKeyspace(0, (result) => results.push(result));
    }
    hashes.ofKeyspace(0, (result) => results.push(result));
    expect(results).toEqual([Errors.TooManyRequests]);
    await member.until(() => results.length === HASH_REQUESTS_WAITING_MAX + 1);
    const { revision } = member.store;
    expect(results.at(-1)).toEqual({ hash: hashNow(member, revision), currentRevision: revision });
    hashes.ofKeyspace(0, (result) => results.push(result));
    expect(await member.stop()).toBe(true);
    hashes.ofKeyspace(0, (result) => results.push(result));
    expect(results.slice(-2)).toEqual([Errors.Stopped, Errors.Stopped]);
  });
});

test("the hash of the database stays the same until something changes", async () => {
  const member = await busyMember(1, 50);
  const { hashes } = member.host.current;
  const results: (DatabaseHashResult | EtcdError)[] = [];
  const hash = async (): Promise<DatabaseHashResult> => {
    await member.until(() => !member.store.compactionPending);
    const before = results.length;
    for (let count = 0; count < 3; count++) hashes.ofDatabase((result) => results.push(result));
    await member.until(() => results.length === before + 3);
    const last = results.slice(before);
    expect(new Set(last.map((result) => JSON.stringify(result))).size).toBe(1);
    return last[0] as DatabaseHashResult;
  };
  const first = await hash();
  expect(await hash()).toEqual(first);
  const { revision } = member.store;
  while (member.store.revision === revision) await member.write();
  const later = await hash();
  expect(later.hash).not.toBe(first.hash);
  expect(later.revision).toBe(member.store.revision);
  hashes.ofDatabase((result) => results.push(result));
  expect(await member.stop()).toBe(true);
  expect(results.at(-1)).toBe(Errors.Stopped);
});
