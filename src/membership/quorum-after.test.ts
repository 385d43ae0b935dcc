import { describe, expect, test } from "vitest";
import { Cluster } from "./cluster.ts";
import {
  connectedAfterRemoval,
  isConnectedForAdd,
  startedAfterAdd,
  startedAfterPromotion,
  startedAfterRemoval,
} from "./quorum-after.ts";

/** Members 1n, 2n, …: "S" has started, "u" has not, "l" is a learner. */
function clusterOf(members: string): Cluster {
  const cluster = new Cluster(1n);
  for (const [at, kind] of members.split("").entries()) {
    cluster.add({
      id: BigInt(at + 1),
      peerUrls: [`http://m${at}:1`],
      isLearner: kind === "l",
      name: kind === "u" ? "" : `m${at}`,
      clientUrls: [],
    });
  }
  return cluster;
}

describe("voters that have started", () => {
  test.each([
    ["S", true],
    ["Sl", true],
    ["Su", false],
    ["SS", true],
    ["SSu", false],
    ["SSS", true],
    ["SSSu", true],
    ["SSSuu", false],
  ])("%s: another voter may be added: %s", (members, isEnough) => {
    expect(startedAfterAdd(clusterOf(members)).isEnough).toBe(isEnough);
  });

  test.each([
    ["S", 1n, false],
    ["SS", 2n, true],
    ["Su", 1n, false],
    ["Su", 2n, true],
    ["SSu", 1n, false],
    ["SSu", 3n, true],
    ["SSS", 9n, true],
    ["SuS", 9n, true],
    ["Suu", 9n, false],
  ])("%s: the voter %s may be removed: %s", (members, id, isEnough) => {
    expect(startedAfterRemoval(clusterOf(members), id).isEnough).toBe(isEnough);
  });

  test.each([
    ["Sl", true],
    ["Sul", true],
    ["Suul", false],
    ["SSul", true],
  ])("%s: the learner may become a voter: %s", (members, isEnough) => {
    expect(startedAfterPromotion(clusterOf(members)).isEnough).toBe(isEnough);
  });
});

describe("voters that are connected", () => {
  const connected = (count: number) => (id: bigint) => id <= BigInt(count);

  test.each([
    ["S", 1, true],
    ["Sl", 1, true],
    ["SS", 1, false],
    ["SS", 2, true],
    ["SSS", 2, false],
    ["SSS", 3, true],
    ["SSSu", 3, true],
    ["SSSl", 3, true],
    ["SSSSS", 3, false],
    ["SSSSS", 4, true],
  ])("%s of which the first %s are: another may be added: %s", (members, count, isEnough) => {
    expect(isConnectedForAdd(clusterOf(members), connected(count))).toBe(isEnough);
  });

  test.each([
    ["SS", 2, true],
    ["SS", 1, false],
    ["SSS", 3, true],
    ["SSS", 2, false],
    ["SSSSS", 4, true],
    ["SSSSS", 3, false],
  ])(
    "%s of which the first %s are: one of those may be removed: %s",
    (members, count, isEnough) => {
      const after = connectedAfterRemoval(clusterOf(members), connected(count));
      expect(after).toEqual({ active: count, isEnough });
    },
  );
});
