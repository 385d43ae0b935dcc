import { expect, test } from "vitest";
import { compactionPolicy } from "./compaction-retention.ts";

const HOUR_NS = 3_600_000_000_000n;

test.each([
  ["periodic", "1", HOUR_NS, 360_000],
  ["periodic", "+24", 24n * HOUR_NS, 360_000],
  ["periodic", "1h", HOUR_NS, 360_000],
  ["periodic", "5m", HOUR_NS / 12n, 30_000],
  ["periodic", "-1h", -HOUR_NS, 10],
  ["revision", "1000", 1000n, 300_000],
  // A duration counts its nanoseconds, as in etcd.
  ["revision", "1h", HOUR_NS, 300_000],
])("%s compaction with retention %s", (mode, text, retention, checkIntervalMs) => {
  const policy = compactionPolicy({ autoCompactionMode: mode, autoCompactionRetention: text }, 0);
  expect(policy).toMatchObject({ mode, retention, checkIntervalMs });
});

test.each([
  ["periodic", "0"],
  ["periodic", ""],
  ["periodic", "0s"],
  ["revision", "0"],
  ["", "1"],
  ["", "0"],
])("no compaction in mode %j with retention %j", (mode, text) => {
  const config = { autoCompactionMode: mode, autoCompactionRetention: text };
  expect(compactionPolicy(config, 0)).toBeUndefined();
});
