import { expect, test } from "vitest";
import { readEnvironment } from "./server-environment.ts";

test("the environment's report of a server has no secret, used or not", () => {
  const values: string[] = [];
  const set = (value: string): undefined => void values.push(value);
  const targets = new Map([["discovery-password", { set, isBool: false }]]);
  const environment = { ETCD_DISCOVERY_PASSWORD: "p1", ETCD_ROOT_PASSWORD: "p2" };
  const { records } = readEnvironment(environment, targets, new Set());
  expect(values).toEqual(["p1"]);
  expect(records.map(({ fields }) => fields)).toEqual([
    { "variable-name": "ETCD_DISCOVERY_PASSWORD", "variable-value": "***" },
    { "environment-variable": "ETCD_ROOT_PASSWORD=***" },
  ]);
});
