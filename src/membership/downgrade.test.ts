import { describe, expect, test } from "vitest";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { AssertionError } from "../stdx/assert.ts";
import { Cluster } from "./cluster.ts";
import {
  checkDowngrade,
  checkDowngradeCancel,
  decodeDowngrade,
  encodeDowngrade,
  serverVersionProblem,
} from "./downgrade.ts";

function clusterAt(version: string | undefined, target?: string): Cluster {
  const cluster = new Cluster(1n);
  cluster.version = version;
  if (target !== undefined) cluster.downgrade = { enabled: true, targetVersion: target };
  return cluster;
}

describe("the target of a downgrade", () => {
  test.each(["3.4", "3.4.0", "3.4.99", "3.4.0-rc1", "3.4.0+b", "03.4.0", "3.4.0-", "3.4.0-a+b-c"])(
    "%j is the minor version before",
    (target) => {
      expect(checkDowngrade(clusterAt("3.5.0"), target)).toEqual({ targetVersion: "3.4.0" });
    },
  );

  test.each(["", "x", "3", "3.4.", ".4.0", "-3.4.0", "3.4.0.0", "v3.4.0", "3.4-rc1", "3.4.0-ä"])(
    "%j is no version",
    (target) => {
      expect(checkDowngrade(clusterAt(undefined), target)).toBe(Errors.WrongDowngradeVersionFormat);
    },
  );

  test("is refused when it is another version, while one goes on, and before the cluster has one", () => {
    expect(checkDowngrade(clusterAt("3.5.0"), "3.3.0")).toBe(Errors.InvalidDowngradeTargetVersion);
    expect(checkDowngrade(clusterAt("3.5.0"), "3.5.0")).toBe(Errors.InvalidDowngradeTargetVersion);
    expect(checkDowngrade(clusterAt("3.5.0"), "2.4.0")).toBe(Errors.InvalidDowngradeTargetVersion);
    const during = clusterAt("3.5.0", "3.4.0");
    expect(checkDowngrade(during, "3.4.0")).toBe(Errors.DowngradeInProcess);
    expect(checkDowngrade(during, "3.3.0")).toBe(Errors.InvalidDowngradeTargetVersion);
    expect(checkDowngrade(clusterAt(undefined), "3.4.0")).toBe(Errors.ClusterVersionUnavailable);
    expect(Errors.ClusterVersionUnavailable).toBeInstanceOf(EtcdError);
  });

  test("can be given up once it is set", () => {
    expect(checkDowngradeCancel(clusterAt("3.5.0"))).toBe(Errors.NoInflightDowngrade);
    expect(checkDowngradeCancel(clusterAt("3.5.0", "3.4.0"))).toBeUndefined();
  });
});

test.each([
  ["3.5.16", "3.5.0", undefined, undefined],
  ["3.5.16", undefined, undefined, undefined],
  ["3.6.0", "3.5.0", undefined, undefined],
  ["3.5.16", "3.6.0", undefined, "is lower than determined cluster version"],
  ["3.5.16", "3.5.0", "3.4.0", "is not allowed to join when downgrade is enabled"],
  ["3.5.16", "3.6.0", "3.5.0", undefined],
])("a server %s in a cluster at %s that goes to %s", (server, cluster, target, problem) => {
  const downgrade = { enabled: target !== undefined, targetVersion: target ?? "" };
  const found = serverVersionProblem(server, cluster, downgrade);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});

test("what is stored is read again, and nothing else", () => {
  const downgrade = { enabled: true, targetVersion: "3.4.0" };
  expect(encodeDowngrade(downgrade)).toBe('{"target-version":"3.4.0","enabled":true}');
  expect(decodeDowngrade(encodeDowngrade(downgrade))).toEqual(downgrade);
  expect(decodeDowngrade("{}")).toEqual({ enabled: false, targetVersion: "" });
  for (const text of ["", "[]", "null", '{"enabled":1}', '{"target-version":{}}', "{"]) {
    expect(() => decodeDowngrade(text)).toThrow(AssertionError);
  }
});
