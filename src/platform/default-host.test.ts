import { expect, test } from "vitest";
import { defaultInterface } from "./default-host.ts";

const HEADER = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT";

test("defaultInterface is the interface of the route to everywhere", () => {
  const routes = [
    HEADER,
    "eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
  ];
  expect(defaultInterface(`${routes.join("\n")}\n`)).toBe("eth0");
});

test("defaultInterface is undefined without such a route", () => {
  expect(defaultInterface(`${HEADER}\n`)).toBeUndefined();
  expect(defaultInterface("")).toBeUndefined();
});
