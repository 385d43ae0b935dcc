import { expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { encodeKeyValueParts } from "../wire/key-value.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { Restore } from "./restore.ts";
import type { Store } from "./store.ts";
import { MemoryLeases } from "./testing/memory-leases.ts";

const KEY = bytesFromLatin1("a");
const nothing = new Uint8Array(0);

function store(storage: MemoryStorage, main: number, version: number, lease = 0n): void {
  storage.put(main, 0, false, encodeKeyValueParts(KEY, main, main, version, nothing, lease));
}

function bury(storage: MemoryStorage, main: number): void {
  storage.put(main, 0, true, encodeKeyValueParts(KEY, 0, 0, 0, nothing, 0n));
}

function restore(storage: MemoryStorage, leases = new MemoryLeases()): Store {
  const work = new Restore(storage, leases, { onChanges: () => undefined });
  while (!work.step(1));
  return work.finish();
}

test("Restore of nothing is an empty store at revision 1 without a compact revision", () => {
  expect(restore(new MemoryStorage())).toMatchObject({
    revision: 1,
    compactRevision: -1,
    liveKeys: 0,
    compactionPending: false,
  });
});

test("Restore never lets the revision fall below the compaction marks", () => {
  const storage = new MemoryStorage();
  store(storage, 5, 1);
  storage.setCompactionMark("finishedCompactRev", 8);
  expect(restore(storage)).toMatchObject({ revision: 8, compactRevision: 8 });
  storage.setCompactionMark("scheduledCompactRev", 9);
  expect(restore(storage)).toMatchObject({
    revision: 9,
    compactRevision: 9,
    compactionPending: true,
  });
});

test("Restore forgets an unfinished compaction at revision 0", () => {
  const storage = new MemoryStorage();
  const first = restore(storage);
  expect(first.compact(0)).toBeUndefined();
  expect(first.compact(0)).toBe(Errors.Compacted);
  expect(restore(storage)).toMatchObject({ compactRevision: -1, compactionPending: false });
});

test("Restore takes version and create revision of a compacted key from its value", () => {
  const storage = new MemoryStorage();
  storage.put(9, 4, false, encodeKeyValueParts(KEY, 3, 9, 6, nothing, 0n));
  const restored = restore(storage);
  const transaction = restored.beginWrite();
  transaction.put(KEY, nothing, 0n);
  transaction.end();
  expect(restored.index.get("a")).toMatchObject({
    createRevision: 3,
    version: 7,
    main: 10,
    sub: 0,
  });
});

test("Restore removes a lone tombstone with the next compaction", () => {
  const storage = new MemoryStorage();
  bury(storage, 4);
  bury(storage, 5);
  store(storage, 6, 1);
  const restored = restore(storage);
  expect(restored.liveKeys).toBe(1);
  restored.compact(6);
  restored.compactStep(10);
  expect(storage.size).toBe(1);
});

test("Restore keeps the empty revision with which a restored snapshot raises revisions", () => {
  const storage = new MemoryStorage();
  store(storage, 6, 1);
  storage.put(1006, 0, false, nothing);
  storage.setCompactionMark("scheduledCompactRev", 1006);
  const restored = restore(storage);
  expect(restored).toMatchObject({ revision: 1006, compactRevision: 1006, liveKeys: 2 });
  restored.compactStep(10);
  expect(storage.size).toBe(2);
  expect(storage.get(1006, 0)).toEqual(nothing);
});

test("Restore attaches each key to the lease of its newest put", () => {
  const storage = new MemoryStorage();
  const leases = new MemoryLeases();
  leases.granted.add(1n).add(2n);
  store(storage, 2, 1, 1n);
  store(storage, 3, 2, 2n);
  restore(storage, leases);
  expect([...leases.leaseByKey]).toEqual([["a", 2n]]);
  leases.leaseByKey.clear();
  store(storage, 4, 3);
  restore(storage, leases);
  expect(leases.leaseByKey.size).toBe(0);
  store(storage, 5, 4, 1n);
  bury(storage, 6);
  restore(storage, leases);
  expect(leases.leaseByKey.size).toBe(0);
});

test("Restore counts keys whose lease is gone and reports its progress", () => {
  const storage = new MemoryStorage();
  store(storage, 2, 1, 5n);
  store(storage, 3, 2, 5n);
  const work = new Restore(storage, new MemoryLeases(), { onChanges: () => undefined });
  expect(work.step(1)).toBe(false);
  expect(work.summary).toMatchObject({ revisions: 1, keys: 1 });
  expect(() => work.finish()).toThrow("before all revisions are read");
  while (!work.step(1));
  work.finish();
  expect(work.summary).toEqual({ revisions: 2, keys: 1, keysWithoutTheirLease: 1 });
});

test("Restore refuses revisions out of order, which could not be found again", () => {
  class Damaged extends MemoryStorage {
    override scan(...[from, sub, end, visit]: Parameters<MemoryStorage["scan"]>): void {
      super.scan(from, sub, end, (main, ...rest) => visit(main === 3 ? 300 : main, ...rest));
    }
  }
  const storage = new Damaged();
  for (const main of [2, 3, 4]) store(storage, main, 1);
  const work = new Restore(storage, new MemoryLeases(), { onChanges: () => undefined });
  expect(() => work.step(10)).toThrow("Stored revisions must be in order");
});
