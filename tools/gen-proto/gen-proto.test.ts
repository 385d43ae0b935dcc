import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { camelCase, goName, jsonName } from "./names.mjs";

test("the committed code is what the generator writes", () => {
  const main = join(import.meta.dirname, "main.mjs");
  expect(execFileSync(process.execPath, [main, "--check"], { encoding: "utf8" })).toBe("");
});

test.each([
  ["ID", "id"],
  ["memberID", "memberId"],
  ["member_ID", "memberId"],
  ["peerURLs", "peerUrls"],
  ["peer_urls", "peerUrls"],
  ["grantedTTL", "grantedTtl"],
  ["remaining_TTL", "remainingTtl"],
  ["RemainingTTL", "remainingTtl"],
  ["dbSizeInUse", "dbSizeInUse"],
  ["cluster_id", "clusterId"],
  ["logTerm", "logTerm"],
  ["PrevExist", "prevExist"],
  ["v2", "v2"],
  ["LeaseTimeToLiveRequest", "leaseTimeToLiveRequest"],
])("camelCase of %s is %s", (name, expected) => {
  expect(camelCase(name)).toBe(expected);
});

test("names in Go and in JSON keep what is between underscores", () => {
  expect(["range_end", "remaining_TTL", "peerURLs", "ID"].map(goName)).toEqual([
    "RangeEnd",
    "Remaining_TTL",
    "PeerURLs",
    "ID",
  ]);
  expect(["range_end", "remaining_TTL", "ID"].map(jsonName)).toEqual([
    "rangeEnd",
    "remainingTTL",
    "ID",
  ]);
});
