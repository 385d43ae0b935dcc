import { expect, test } from "vitest";
import { Arrivals } from "./arrivals.ts";
import { LatencyReport } from "./latency-report.ts";

/** Whether `promise` is resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), Promise.resolve().then(() => false)]);
}

test("Arrivals tells each event from the put that it is of, in batches and one by one", async () => {
  let nowMs = 0;
  const arrivals = new Arrivals(2, 2, 3, () => nowMs);
  const created = arrivals.untilCreated();
  // Ids are counted by stream, and say nothing of the order of answers.
  for (const [stream, id] of [
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const)
    arrivals.onCreated(stream, id);
  expect(await isDone(created)).toBe(false);
  arrivals.onCreated(0, 0);
  await created;
  const seen = arrivals.untilSeen(3);
  for (const ms of [10, 20, 30]) arrivals.acknowledged(ms);
  nowMs = 5;
  arrivals.onEvents(1, 0, 0);
  nowMs = 35;
  arrivals.onEvents(2, 0, 0);
  arrivals.onEvents(3, 0, 1);
  arrivals.onEvents(3, 1, 0);
  expect(await isDone(seen)).toBe(false);
  arrivals.onEvents(3, 1, 1);
  // Nobody has asked for these.
  arrivals.onEvents(5, 1, 1);
  arrivals.onEvents(5, 1, 9);
  await seen;
  const report = new LatencyReport();
  arrivals.report(report);
  const { count, slowest, fastest, average } = report.figures(100);
  expect([count, slowest, fastest]).toEqual([12, 0.025, 0]);
  // The first of the first watcher came early, the others 25, 15 and 5 ms after the answers.
  expect(average).toBeCloseTo((3 * 0.045 + 0.02) / 12);
});

test("Arrivals reports no event of a put that was not answered", () => {
  const arrivals = new Arrivals(1, 1, 3, () => 7);
  arrivals.onCreated(0, 0);
  arrivals.acknowledged(1);
  arrivals.onEvents(2, 0, 0);
  const report = new LatencyReport();
  arrivals.report(report);
  expect(report.count).toBe(1);
});
