import { expect, test } from "vitest";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import type { Entry } from "../wire/gen/raft.ts";
import { entryBytes } from "./entry-size.ts";
import { RaftErrors } from "./errors.ts";
import type { RaftError } from "./errors.ts";
import { RaftLog } from "./log.ts";
import type { RaftLogOptions } from "./log.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { emptySnapshot } from "./snapshot.ts";

const NO_BOUND = Number.POSITIVE_INFINITY;

function entry(index: number, term: number): Entry {
  return { type: 0, term, index, data: undefined };
}

/**
 * A log whose entries have the given terms, behind a compacted part that ends at index 2, term 1. The
 * first `stable` of them are in storage.
 */
function logOf(
  terms: readonly number[],
  stable: number,
  options: Partial<RaftLogOptions> = {},
): RaftLog {
  const storage = new MemoryStorage();
  const metadata = { ...emptySnapshot().metadata, index: 2, term: 1 };
  storage.applySnapshot({ data: undefined, metadata });
  const entries = terms.map((term, i) => entry(3 + i, term));
  storage.append(entries.slice(0, stable));
  const log = new RaftLog({
    storage,
    log: QUIET_LOG,
    applyingBytesMax: NO_BOUND,
    applyUnstableEntries: false,
    logRepeatedStorageAnswers: false,
    ...options,
  });
  if (stable < terms.length) log.append(entries.slice(stable));
  return log;
}

function indexes(entries: Entry[] | RaftError): number[] | RaftError {
  return Array.isArray(entries) ? entries.map(({ index }) => index) : entries;
}

test.each([
  [1, RaftErrors.Compacted],
  [2, 1],
  [3, 1],
  [4, 2],
  [6, 4],
  [7, RaftErrors.Unavailable],
])("RaftLog.term of %i", (index, term) => {
  expect(logOf([1, 2, 3, 4], 2).term(index)).toBe(term);
});

test("RaftLog.slice joins storage and the unstable end", () => {
  const log = logOf([1, 1, 1, 1, 1, 1], 3);
  expect(indexes(log.slice(3, 9, NO_BOUND))).toEqual([3, 4, 5, 6, 7, 8]);
  expect(indexes(log.slice(4, 7, NO_BOUND))).toEqual([4, 5, 6]);
  expect(indexes(log.slice(6, 8, NO_BOUND))).toEqual([6, 7]);
  expect(log.slice(2, 4, NO_BOUND)).toBe(RaftErrors.Compacted);
});

test("RaftLog.slice is cut by size over the border too", () => {
  const log = logOf([1, 1, 1, 1, 1, 1], 3);
  const size = entryBytes(entry(3, 1));
  for (let count = 1; count <= 6; count++) {
    expect(indexes(log.slice(3, 9, size * count))).toHaveLength(count);
    expect(indexes(log.slice(3, 9, size * (count + 1) - 1))).toHaveLength(count);
  }
  expect(indexes(log.slice(3, 9, 0))).toEqual([3]);
});

test.each([
  // index, term, up to date
  [5, 3, true],
  [5, 2, false],
  [9, 2, false],
  [3, 4, true],
  [4, 3, false],
  [6, 3, true],
])("RaftLog.isUpToDate compares terms before lengths: %i of term %i", (index, term, expected) => {
  expect(logOf([1, 2, 3], 3).isUpToDate(index, term)).toBe(expected);
});

test.each([
  [7, 5, { index: 7, term: 5 }],
  [7, 4, { index: 5, term: 2 }],
  [7, 1, { index: 3, term: 1 }],
  [7, 0, { index: 1, term: 0 }],
  [4, 9, { index: 4, term: 2 }],
  [9, 2, { index: 9, term: 0 }],
])("RaftLog.findConflictByTerm from index %i for term %i", (index, term, guess) => {
  expect(logOf([1, 2, 2, 5, 5], 5).findConflictByTerm(index, term)).toEqual(guess);
});

test("RaftLog.maybeAppend refuses entries that do not fit behind the log", () => {
  const log = logOf([1, 1], 2);
  expect(log.maybeAppend(4, 2, [entry(5, 2)], 0)).toBeUndefined();
  expect(log.maybeAppend(6, 1, [entry(7, 2)], 0)).toBeUndefined();
  expect(log.lastIndex()).toBe(4);
});

test("RaftLog.maybeAppend keeps what agrees and replaces what conflicts", () => {
  const log = logOf([1, 1, 1], 3);
  expect(log.maybeAppend(3, 1, [entry(4, 1)], 0)).toBe(4);
  expect(log.lastIndex()).toBe(5);
  expect(log.maybeAppend(3, 1, [entry(4, 1), entry(5, 2), entry(6, 2)], 0)).toBe(6);
  expect([log.term(4), log.term(5), log.lastIndex()]).toEqual([1, 2, 6]);
});

test("RaftLog.maybeAppend commits no further than the entries it was given", () => {
  const log = logOf([1, 1, 1], 3);
  log.maybeAppend(3, 1, [entry(4, 1)], 9);
  expect(log.committed).toBe(4);
});

test("RaftLog.maybeAppend never replaces what is committed", () => {
  const log = logOf([1, 1, 1], 3);
  log.commitTo(5);
  expect(() => log.maybeAppend(3, 1, [entry(4, 2)], 5)).toThrow("conflict with committed entry");
});

test("RaftLog.maybeCommit counts entries of the leader's term only", () => {
  const log = logOf([1, 2], 2);
  expect(log.maybeCommit(3, 2)).toBe(false);
  expect(log.maybeCommit(4, 2)).toBe(true);
  expect(log.committed).toBe(4);
  expect(log.maybeCommit(4, 2)).toBe(false);
});

test("RaftLog.commitTo refuses to go beyond the end", () => {
  expect(() => logOf([1], 1).commitTo(4)).toThrow(
    "Was the raft log corrupted, truncated, or lost?",
  );
});

test("RaftLog.nextCommittedEntries waits until storage has the entries", () => {
  const log = logOf([1, 1, 1], 2);
  log.commitTo(5);
  expect(indexes(log.nextCommittedEntries())).toEqual([3, 4]);
  log.acceptApplying(4, 0);
  expect(log.hasNextCommittedEntries()).toBe(false);
  log.unstable.acceptInProgress();
  log.unstable.stableTo(5, 1);
  expect(log.hasNextCommittedEntries()).toBe(true);
});

test("RaftLog.nextCommittedEntries hands out unstable entries where that is allowed", () => {
  const log = logOf([1, 1, 1], 2, { applyUnstableEntries: true });
  log.commitTo(5);
  expect(indexes(log.nextCommittedEntries())).toEqual([3, 4, 5]);
});

test("RaftLog.nextCommittedEntries is bounded until entries are applied", () => {
  const size = entryBytes(entry(3, 1));
  const log = logOf([1, 1, 1, 1], 4, { applyingBytesMax: 2 * size });
  log.commitTo(6);
  expect(indexes(log.nextCommittedEntries())).toEqual([3, 4]);
  log.acceptApplying(4, 2 * size);
  expect(log.hasNextCommittedEntries()).toBe(false);
  log.appliedTo(4, 2 * size);
  expect(indexes(log.nextCommittedEntries())).toEqual([5, 6]);
});

test("RaftLog.appliedTo refuses to go back or beyond what is committed", () => {
  const log = logOf([1, 1], 2);
  log.commitTo(3);
  log.appliedTo(3, 0);
  expect(() => log.appliedTo(2, 0)).toThrow("out of range");
  expect(() => log.appliedTo(4, 0)).toThrow("out of range");
});

test("RaftLog.restore makes the snapshot the whole log", () => {
  const log = logOf([1, 1], 2);
  log.restore({
    data: undefined,
    metadata: { ...emptySnapshot().metadata, index: 20, term: 3 },
  });
  expect([log.firstIndex(), log.lastIndex(), log.lastTerm(), log.committed]).toEqual([
    21, 20, 3, 20,
  ]);
  expect(log.hasNextCommittedEntries()).toBe(false);
});
