import { expect, test } from "vitest";
import { describeProgress } from "./describe.ts";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

function progressAt(match: number, next: number): Progress {
  const inflights = new Inflights(2, Number.POSITIVE_INFINITY);
  return new Progress({ match, next, inflights, isLearner: false, recentActive: true });
}

test("Progress.becomeProbe begins behind a snapshot that was delivered", () => {
  const progress = progressAt(3, 8);
  progress.becomeSnapshot(20);
  expect([progress.next, progress.paused]).toEqual([21, true]);
  progress.becomeProbe();
  expect([progress.state, progress.next, progress.paused]).toEqual(["probe", 21, false]);
});

test("Progress.becomeProbe begins behind the match when a snapshot was lost", () => {
  const progress = progressAt(3, 8);
  progress.becomeSnapshot(20);
  progress.pendingSnapshot = 0;
  progress.becomeProbe();
  expect(progress.next).toBe(4);
});

test("Progress.sentEntries pauses a probe after one message", () => {
  const progress = progressAt(3, 8);
  progress.sentEntries(0, 0);
  expect(progress.paused).toBe(false);
  progress.sentEntries(2, 10);
  expect([progress.paused, progress.next]).toEqual([true, 8]);
});

test("Progress.sentEntries fills the window when replicating", () => {
  const progress = progressAt(3, 8);
  progress.becomeReplicate();
  progress.sentEntries(2, 10);
  expect([progress.next, progress.paused]).toEqual([6, false]);
  progress.sentEntries(1, 10);
  expect([progress.next, progress.paused]).toEqual([7, true]);
  expect(progress.maybeUpdate(5)).toBe(true);
  progress.inflights.freeUpTo(5);
  expect(progress.paused).toBe(false);
});

test("Progress.maybeUpdate takes no old news", () => {
  const progress = progressAt(3, 8);
  expect(progress.maybeUpdate(3)).toBe(false);
  expect(progress.maybeUpdate(9)).toBe(true);
  expect([progress.match, progress.next]).toEqual([9, 10]);
});

test.each([
  // state, rejected, hint, whether it counts, next afterwards
  ["replicate", 3, 3, false, 10],
  ["replicate", 9, 5, true, 4],
  ["probe", 8, 5, false, 10],
  ["probe", 9, 5, true, 6],
  ["probe", 9, 100, true, 9],
  ["probe", 9, 0, true, 4],
] as const)(
  "Progress.maybeDecrease in %s of %i with hint %i",
  (state, rejected, hint, counts, next) => {
    const progress = progressAt(3, 10);
    if (state === "replicate") progress.becomeReplicate();
    progress.next = 10;
    expect(progress.maybeDecrease(rejected, hint)).toBe(counts);
    expect(progress.next).toBe(next);
  },
);

test("Progress.canBumpCommit is true for news that the follower can use", () => {
  const progress = progressAt(3, 10);
  progress.sentCommit(5);
  expect(progress.canBumpCommit(5)).toBe(false);
  expect(progress.canBumpCommit(6)).toBe(true);
  progress.sentCommit(9);
  expect(progress.canBumpCommit(20)).toBe(false);
});

test("Progress.clone is independent, withSharedInflights shares the window", () => {
  const progress = progressAt(3, 4);
  progress.becomeReplicate();
  const copy = progress.clone();
  const shared = progress.withSharedInflights();
  progress.sentEntries(1, 1);
  expect(copy.inflights.count).toBe(0);
  expect(shared.inflights.count).toBe(1);
  expect(shared.next).toBe(4);
});

test("describeProgress names what is out of the ordinary", () => {
  const progress = progressAt(3, 4);
  expect(describeProgress(progress)).toBe("StateProbe match=3 next=4");
  progress.becomeReplicate();
  progress.sentEntries(1, 1);
  progress.sentEntries(1, 1);
  progress.recentActive = false;
  progress.isLearner = true;
  expect(describeProgress(progress)).toBe(
    "StateReplicate match=3 next=6 learner paused inactive inflight=2[full]",
  );
  progress.becomeSnapshot(9);
  expect(describeProgress(progress)).toContain("pendingSnap=9");
});
