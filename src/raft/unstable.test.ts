import { expect, test } from "vitest";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import type { Entry, Snapshot } from "../wire/gen/raft.ts";
import { emptySnapshot } from "./snapshot.ts";
import { Unstable } from "./unstable.ts";

function entry(index: number, term: number): Entry {
  return { type: 0, term, index, data: undefined };
}

function snapshotAt(index: number, term: number): Snapshot {
  return { data: undefined, metadata: { ...emptySnapshot().metadata, index, term } };
}

/** Entries 5, 6 and 7 of term 1, of which 5 and 6 are being written. */
function sample(): Unstable {
  const unstable = new Unstable(5, QUIET_LOG, false);
  unstable.truncateAndAppend([entry(5, 1), entry(6, 1)]);
  unstable.acceptInProgress();
  unstable.truncateAndAppend([entry(7, 1)]);
  return unstable;
}

function indexes(entries: readonly Entry[]): number[] {
  return entries.map(({ index }) => index);
}

test("Unstable.nextEntries leaves out what is being written", () => {
  const unstable = sample();
  expect(indexes(unstable.nextEntries())).toEqual([7]);
  unstable.acceptInProgress();
  expect(unstable.hasNextEntries()).toBe(false);
  expect(indexes(unstable.slice(5, 8))).toEqual([5, 6, 7]);
});

test("Unstable.stableTo lets entries go and keeps later ones", () => {
  const unstable = sample();
  unstable.stableTo(6, 1);
  expect([unstable.offset, unstable.length]).toEqual([7, 1]);
  expect(indexes(unstable.nextEntries())).toEqual([7]);
});

test("Unstable.stableTo ignores what is not here as it was written", () => {
  const unstable = sample();
  unstable.stableTo(4, 1);
  unstable.stableTo(6, 2);
  unstable.stableTo(8, 1);
  expect([unstable.offset, unstable.length]).toEqual([5, 3]);
});

test("Unstable.stableTo ignores an entry that the snapshot stands for", () => {
  const unstable = new Unstable(5, QUIET_LOG, false);
  unstable.restore(snapshotAt(8, 2));
  unstable.stableTo(8, 2);
  expect(unstable.snapshot?.metadata.index).toBe(8);
});

test.each([
  // from, then offset, offset in progress, terms
  ["behind the end", 8, 5, 7, [1, 1, 1, 2]],
  ["over an entry not handed out", 7, 5, 7, [1, 1, 2]],
  ["over an entry being written", 6, 5, 6, [1, 2]],
  ["over everything", 5, 5, 5, [2]],
  ["over entries that storage has", 3, 3, 3, [2]],
])("Unstable.truncateAndAppend %s", (_name, from, offset, inProgress, terms) => {
  const unstable = sample();
  unstable.truncateAndAppend([entry(from, 2)]);
  expect([unstable.offset, unstable.offsetInProgress]).toEqual([offset, inProgress]);
  const all = unstable.slice(offset, offset + unstable.length);
  expect(all.map(({ term }) => term)).toEqual(terms);
});

test("Unstable.truncateAndAppend refuses a gap", () => {
  expect(() => sample().truncateAndAppend([entry(9, 1)])).toThrow("the log ends before it");
});

test("Unstable.restore replaces everything by the snapshot", () => {
  const unstable = sample();
  unstable.restore(snapshotAt(20, 3));
  expect([unstable.offset, unstable.length]).toEqual([21, 0]);
  expect([unstable.maybeFirstIndex(), unstable.maybeLastIndex()]).toEqual([21, 20]);
  expect([unstable.maybeTerm(20), unstable.maybeTerm(19)]).toEqual([3, undefined]);
  expect(unstable.nextSnapshot()?.metadata.index).toBe(20);
  unstable.acceptInProgress();
  expect(unstable.nextSnapshot()).toBeUndefined();
  unstable.stableSnapshotTo(19);
  expect(unstable.snapshot).toBeDefined();
  unstable.stableSnapshotTo(20);
  expect(unstable.snapshot).toBeUndefined();
});

test("Unstable.maybeLastIndex knows nothing of an empty end", () => {
  const unstable = new Unstable(5, QUIET_LOG, false);
  expect(unstable.maybeFirstIndex()).toBeUndefined();
  expect(unstable.maybeLastIndex()).toBeUndefined();
});
