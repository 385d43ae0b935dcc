import { expect, test } from "vitest";
import type { Entry } from "../wire/gen/raft.ts";
import { RaftErrors } from "./errors.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { emptySnapshot } from "./snapshot.ts";

const NO_BOUND = Number.POSITIVE_INFINITY;
const CONF_STATE = { ...emptySnapshot().metadata.confState, voters: [1n] };

function entry(index: number, term: number): Entry {
  return { type: 0, term, index, data: undefined };
}

/** A log with the entries 4, 5 and 6 of terms 4, 5 and 6. */
function sample(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.applySnapshot({
    data: undefined,
    metadata: { confState: CONF_STATE, index: 3, term: 3 },
  });
  storage.append([entry(4, 4), entry(5, 5), entry(6, 6)]);
  return storage;
}

test("MemoryStorage is empty at first", () => {
  const storage = new MemoryStorage();
  expect([storage.firstIndex(), storage.lastIndex(), storage.term(0)]).toEqual([1, 0, 0]);
  expect(storage.initialState().hardState).toEqual({ term: 0, vote: 0n, commit: 0 });
  expect(storage.snapshot()).toEqual(emptySnapshot());
});

test.each([
  [2, RaftErrors.Compacted],
  [3, 3],
  [4, 4],
  [6, 6],
  [7, RaftErrors.Unavailable],
])("MemoryStorage.term of %i", (index, term) => {
  expect(sample().term(index)).toBe(term);
});

test("MemoryStorage.entries gives what is in range and fits", () => {
  const storage = sample();
  expect(storage.entries(3, 5, NO_BOUND)).toBe(RaftErrors.Compacted);
  expect(storage.entries(5, 8, NO_BOUND)).toBe(RaftErrors.Unavailable);
  expect(storage.entries(4, 7, NO_BOUND)).toEqual([entry(4, 4), entry(5, 5), entry(6, 6)]);
  expect(storage.entries(4, 7, 12)).toEqual([entry(4, 4), entry(5, 5)]);
  expect(storage.entries(4, 7, 0)).toEqual([entry(4, 4)]);
});

test.each([
  ["behind the end", [entry(7, 7)], [4, 5, 6, 7]],
  ["over the end", [entry(6, 8), entry(7, 8)], [4, 5, 8, 8]],
  ["over everything", [entry(4, 9)], [9]],
  ["partly compacted", [entry(2, 2), entry(3, 3), entry(4, 4), entry(5, 7)], [4, 7]],
  ["wholly compacted", [entry(2, 2), entry(3, 3)], [4, 5, 6]],
  ["nothing", [], [4, 5, 6]],
])("MemoryStorage.append %s", (_name, entries, terms) => {
  const storage = sample();
  storage.append(entries);
  const all = storage.entries(4, storage.lastIndex() + 1, NO_BOUND);
  expect(Array.isArray(all) ? all.map(({ term }) => term) : all).toEqual(terms);
});

test("MemoryStorage.append refuses a gap", () => {
  expect(() => sample().append([entry(8, 8)])).toThrow("the log ends at 6");
});

test("MemoryStorage.compact keeps the term of the last entry it drops", () => {
  const storage = sample();
  expect(storage.compact(5)).toBeUndefined();
  expect([storage.firstIndex(), storage.lastIndex(), storage.term(5)]).toEqual([6, 6, 5]);
  expect(storage.compact(5)).toBe(RaftErrors.Compacted);
  expect(() => storage.compact(7)).toThrow("the log ends at 6");
  expect(storage.compact(6)).toBeUndefined();
  expect([storage.firstIndex(), storage.lastIndex(), storage.term(6)]).toEqual([7, 6, 6]);
});

test("MemoryStorage.createSnapshot keeps the log and remembers configuration and data", () => {
  const storage = sample();
  const data = Uint8Array.of(1);
  const snapshot = { data, metadata: { confState: CONF_STATE, index: 5, term: 5 } };
  expect(storage.createSnapshot(5, undefined, data)).toEqual(snapshot);
  expect(storage.snapshot()).toEqual(snapshot);
  expect(storage.firstIndex()).toBe(4);
  expect(storage.createSnapshot(5, undefined, data)).toBe(RaftErrors.SnapshotOutOfDate);
  expect(() => storage.createSnapshot(7, undefined, data)).toThrow("not in the log");
});

test("MemoryStorage.applySnapshot replaces the log, but not by an older state", () => {
  const storage = sample();
  const snapshot = { data: undefined, metadata: { confState: CONF_STATE, index: 9, term: 7 } };
  expect(storage.applySnapshot(snapshot)).toBeUndefined();
  expect([storage.firstIndex(), storage.lastIndex(), storage.term(9)]).toEqual([10, 9, 7]);
  expect(storage.applySnapshot(snapshot)).toBe(RaftErrors.SnapshotOutOfDate);
});
