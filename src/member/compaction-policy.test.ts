import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CompactionPolicy,
  PeriodicCompaction,
  RevisionCompaction,
} from "./compaction-policy.ts";

const MINUTE_MS = 60_000;
const HOUR_NS = 3_600_000_000_000n;

interface Run {
  readonly atMs: number;
  readonly revision: number;
}

/** Lets `policy` work from time 0 on, as the member does; `failing` says at which times it fails. */
function runPolicy(
  policy: CompactionPolicy,
  untilMs: number,
  revisionAt: (ms: number) => number,
  failing: (ms: number) => boolean = () => false,
): Run[] {
  const runs: Run[] = [];
  policy.observe(revisionAt(0));
  for (let ms = policy.checkIntervalMs; ms <= untilMs; ms += policy.checkIntervalMs) {
    const target = policy.check(ms, revisionAt(ms));
    if (target !== undefined) {
      runs.push({ atMs: ms, revision: target });
      if (!failing(ms)) policy.compacted(ms, target);
    }
    policy.observe(revisionAt(ms));
  }
  return runs;
}

const minutes = (runs: readonly Run[]) => runs.map(({ atMs }) => atMs / MINUTE_MS);

describe("periodic compaction", () => {
  test("of an hour begins after an hour and goes on every hour", () => {
    const runs = runPolicy(
      new PeriodicCompaction(HOUR_NS, 0),
      240 * MINUTE_MS,
      (ms) => 1 + ms / MINUTE_MS,
    );
    expect(minutes(runs)).toEqual([60, 120, 180, 240]);
    // The first reaches back to the start, the others an hour and the check before it.
    expect(runs.map(({ revision }) => revision)).toEqual([1, 55, 115, 175]);
  });

  test("of five minutes goes on every five minutes", () => {
    const policy = new PeriodicCompaction(5n * 60_000_000_000n, 0);
    expect(policy.checkIntervalMs).toBe(30_000);
    const runs = runPolicy(policy, 21 * MINUTE_MS, (ms) => 1 + ms);
    expect(minutes(runs)).toEqual([5, 10, 15, 20]);
  });

  test("of a day begins after a day and goes on every hour", () => {
    const runs = runPolicy(
      new PeriodicCompaction(24n * HOUR_NS, 0),
      27 * 60 * MINUTE_MS,
      (ms) => 1 + ms,
    );
    expect(minutes(runs)).toEqual([24, 25, 26, 27].map((hours) => hours * 60));
  });

  test("does nothing while no revision is added", () => {
    const runs = runPolicy(new PeriodicCompaction(HOUR_NS, 0), 600 * MINUTE_MS, () => 7);
    expect(runs).toEqual([{ atMs: 60 * MINUTE_MS, revision: 7 }]);
  });

  test("tries again at the next check after a failure", () => {
    const runs = runPolicy(
      new PeriodicCompaction(HOUR_NS, 0),
      130 * MINUTE_MS,
      (ms) => 1 + ms,
      (ms) => ms < 70 * MINUTE_MS,
    );
    expect(minutes(runs)).toEqual([60, 66, 72]);
  });

  test.each([[-HOUR_NS], [1n], [1_000_000n]])("with a period of %d ns has pauses", (periodNs) => {
    const policy = new PeriodicCompaction(periodNs, 0);
    expect(policy.checkIntervalMs).toBe(10);
    const runs = runPolicy(policy, 100, (ms) => 1 + ms);
    expect(runs.map(({ revision }) => revision)).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81, 91]);
  });

  test("keeps everything younger than the period, and nothing much older", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 900 }),
        (periodMinutes, growth) => {
          const policy = new PeriodicCompaction(BigInt(periodMinutes) * 60_000_000_000n, 0);
          const stepMs = policy.checkIntervalMs;
          const revisions = [1];
          for (const more of growth) revisions.push((revisions.at(-1) ?? 1) + more);
          const revisionAt = (ms: number): number =>
            revisions[Math.min(revisions.length - 1, Math.round(ms / stepMs))] ?? 1;
          const runs = runPolicy(policy, growth.length * stepMs, revisionAt);
          for (const { atMs, revision } of runs) {
            expect(revision).toBeLessThanOrEqual(revisionAt(atMs - periodMinutes * MINUTE_MS));
            const oldest = Math.max(0, atMs - periodMinutes * MINUTE_MS - stepMs);
            expect(revision).toBeGreaterThanOrEqual(revisionAt(oldest));
          }
        },
      ),
    );
  });
});

describe("compaction by revisions", () => {
  test("keeps that many revisions, every five minutes", () => {
    const runs = runPolicy(
      new RevisionCompaction(100n),
      21 * MINUTE_MS,
      (ms) => 1 + (40 * ms) / MINUTE_MS,
    );
    expect(runs).toEqual([
      { atMs: 5 * MINUTE_MS, revision: 101 },
      { atMs: 10 * MINUTE_MS, revision: 301 },
      { atMs: 15 * MINUTE_MS, revision: 501 },
      { atMs: 20 * MINUTE_MS, revision: 701 },
    ]);
  });

  test("does nothing when there are fewer, or no new ones", () => {
    expect(runPolicy(new RevisionCompaction(100n), 60 * MINUTE_MS, () => 100)).toEqual([]);
    expect(runPolicy(new RevisionCompaction(100n), 60 * MINUTE_MS, () => 150)).toHaveLength(1);
  });
});
