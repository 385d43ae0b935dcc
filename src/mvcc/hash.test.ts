/**
 * Hashes that a real etcd 3.5.16 gave for the same requests, and what a hash does under way. The rule itself
 * is tested against a naive version in store.test.ts.
 */
import { beforeEach, expect, test } from "vitest";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { createDeleteRangeRequest, createPutRequest } from "../wire/gen/rpc.ts";
import { HashJob } from "./hash-job.ts";
import { executeDeleteRange, executePut } from "./kv-requests.ts";
import type { KeyValueHash } from "./kv-hash.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { Restore } from "./restore.ts";
import type { Store } from "./store.ts";
import { MemoryLeases } from "./testing/memory-leases.ts";

const bytes = (text: string): Uint8Array => bytesFromLatin1(text);

let storage: MemoryStorage;
let store: Store;

function restore(): Store {
  const work = new Restore(storage, new MemoryLeases(), { onChanges: () => undefined });
  while (!work.step(2));
  return work.finish();
}

const put = (key: string, value: string): unknown =>
  executePut(store, createPutRequest({ key: bytes(key), value: bytes(value) }));
const del = (key: string, rangeEnd = ""): unknown =>
  executeDeleteRange(
    store,
    createDeleteRangeRequest({ key: bytes(key), rangeEnd: bytes(rangeEnd) }),
  );

function hash(revision: number): KeyValueHash | EtcdError {
  const job = store.openHash(revision);
  if (!(job instanceof HashJob)) return job;
  let result = job.step(1);
  while (result === undefined) result = job.step(1);
  return result;
}

function compact(revision: number): void {
  expect(store.compact(revision)).toBeUndefined();
  while (store.compactionPending) store.compactStep(2);
}

beforeEach(() => {
  storage = new MemoryStorage();
  store = restore();
});

test("openHash gives etcd's hashes before and after compactions", () => {
  expect(hash(0)).toMatchObject({ hash: 0x40a4756d, compactRevision: -1, revision: 1 });
  put("a", "1");
  put("b", "2");
  put("a", "3");
  del("b");
  put("b", "4");
  del("a", "c");
  put("c\xff", "");
  const before: [number, number][] = [
    [1, 0x40a4756d],
    [2, 0x9a396dd7],
    [3, 0x6ceed8d6],
    [5, 0x43188ed4],
    [7, 0x29fb4686],
    [8, 0xbadcb1f7],
  ];
  for (const [revision, value] of before) {
    expect(hash(revision)).toMatchObject({ hash: value, compactRevision: -1, revision });
  }
  compact(4);
  expect(hash(3)).toBe(Errors.Compacted);
  expect(hash(4)).toMatchObject({ hash: 0x7b5cbf9c, compactRevision: -1, revision: 4 });
  expect(hash(5)).toMatchObject({ hash: 0x578ea8d2, compactRevision: 4, revision: 5 });
  expect(hash(6)).toMatchObject({ hash: 0x595ddbc4, compactRevision: 4, revision: 6 });
  expect(hash(0)).toMatchObject({ hash: 0xb33a5117, compactRevision: 4, revision: 8 });
  compact(7);
  expect(hash(7)).toMatchObject({ hash: 0xd694ebe9, compactRevision: 4, revision: 7 });
  expect(hash(8)).toMatchObject({ hash: 0x8b28cbe1, compactRevision: 7, revision: 8 });
  del("c\xff");
  compact(9);
  expect(hash(9)).toMatchObject({ hash: 0x6e90c66b, compactRevision: 7, revision: 9 });
  expect(hash(0)).toMatchObject({ hash: 0x40a4756d, compactRevision: 9, revision: 9 });
  expect(hash(10)).toBe(Errors.FutureRevision);
});

test("openHash gives etcd's hashes where no key is left", () => {
  put("a", "1");
  put("a", "2");
  del("a");
  put("b", "3");
  del("b");
  expect(hash(4)).toMatchObject({ hash: 0x514c3025 });
  expect(hash(6)).toMatchObject({ hash: 0xd37a0bad });
  compact(3);
  expect(hash(3)).toMatchObject({ hash: 0x1fe6d6d6, compactRevision: -1, revision: 3 });
  expect(hash(4)).toMatchObject({ hash: 0x222c22a1, compactRevision: 3, revision: 4 });
  expect(hash(5)).toMatchObject({ hash: 0xeba26cce, compactRevision: 3, revision: 5 });
  expect(hash(6)).toMatchObject({ hash: 0x04a7045c, compactRevision: 3, revision: 6 });
  compact(5);
  expect(hash(5)).toMatchObject({ hash: 0xeba26cce, compactRevision: 3, revision: 5 });
  expect(hash(6)).toMatchObject({ hash: 0x508d8f00, compactRevision: 5, revision: 6 });
  compact(6);
  expect(hash(6)).toMatchObject({ hash: 0xc9ca34f4, compactRevision: 5, revision: 6 });
  put("c", "4");
  compact(7);
  expect(hash(7)).toMatchObject({ hash: 0x20c279c1, compactRevision: 6, revision: 7 });
});

test("openHash takes the hash of a revision though writes and a compaction come in between", () => {
  put("a", "1");
  put("a", "2");
  put("b", "3");
  const undisturbed = hash(4);
  const job = store.openHash(4);
  expect(job).toBeInstanceOf(HashJob);
  if (!(job instanceof HashJob)) return;
  expect(job.step(1)).toBeUndefined();
  put("a", "4");
  del("b");
  expect(store.compact(5)).toBeUndefined();
  expect(store.compactStep(100)).toBeUndefined();
  expect(store.compactionPending).toBe(true);
  let result = job.step(1);
  while (result === undefined) result = job.step(1);
  expect(result).toEqual(undisturbed);
  expect(store.compactStep(100)).toMatchObject({ revision: 5 });
});

test("abandon lets compaction go on", () => {
  put("a", "1");
  const job = store.openHash(0);
  store.compact(2);
  expect(store.compactStep(100)).toBeUndefined();
  if (job instanceof HashJob) store.abandon(job);
  expect(store.compactStep(100)).toMatchObject({ revision: 2, removed: 0 });
});

test("compactionHashes leaves out what a member that has not compacted yet hashes differently", () => {
  put("a", "1");
  put("a", "2");
  compact(2);
  put("b", "1");
  del("\0", "\0");
  const before = hash(5);
  compact(5);
  expect(hash(5)).toMatchObject({ compactRevision: 2 });
  expect(hash(5)).not.toEqual(before);
  expect(store.compactionHashes.map(({ revision }) => revision)).toEqual([2]);
});

test("a hash of deleted keys depends on how far compaction is, and says so", () => {
  put("a", "1");
  put("a", "2");
  expect(hash(3)).toMatchObject({ isComparable: true });
  del("a");
  store.compact(3);
  const before = hash(4);
  while (store.compactionPending) store.compactStep(100);
  expect(hash(4)).toMatchObject({ compactRevision: 3, isComparable: false });
  expect(before).toMatchObject({ compactRevision: 3, isComparable: false });
  expect(hash(4)).not.toEqual(before);
});

test("compactionHashes keeps the ten newest and none of an interrupted compaction", () => {
  for (let i = 0; i < 14; i++) put("a", String(i));
  for (let revision = 2; revision <= 12; revision++) compact(revision);
  expect(store.compactionHashes.map(({ revision }) => revision)).toEqual([
    3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ]);
  expect(store.compact(13)).toBeUndefined();
  store = restore();
  expect(store.compactRevision).toBe(13);
  while (store.compactionPending) {
    const finished = store.compactStep(1);
    if (finished !== undefined)
      expect(finished).toEqual({ revision: 13, removed: 1, hash: undefined });
  }
  expect(store.compactionHashes).toEqual([]);
  compact(14);
  expect(store.compactionHashes).toMatchObject([{ compactRevision: 13, revision: 14 }]);
});

test("a compaction accepted before its predecessor has finished yields no hash", () => {
  for (let i = 0; i < 4; i++) put("a", String(i));
  store.compact(3);
  store.compact(4);
  expect(store.compactStep(100)).toMatchObject({ revision: 3, hash: { revision: 3 } });
  expect(store.compactStep(100)).toEqual({ revision: 4, removed: 1, hash: undefined });
});
