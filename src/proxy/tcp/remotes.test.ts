import { expect, test } from "vitest";
import { type RemoteAddress, Remotes } from "./remotes.ts";

const remote = (port: number, priority: number, weight: number): RemoteAddress => ({
  host: "10.0.0.1",
  port,
  priority,
  weight,
});

/** A source of chance that gives these numbers, and 0 from then on. */
function chance(...numbers: number[]) {
  return { below: () => numbers.shift() ?? 0, fill: () => {} };
}

const ports = (remotes: Remotes, picks: number): (number | undefined)[] =>
  Array.from({ length: picks }, () => remotes.pick()?.address.port);

test("servers without weight have their turns, but for those that failed", () => {
  const remotes = new Remotes([remote(1, 0, 0), remote(2, 0, 0), remote(3, 0, 0)], chance());
  expect(ports(remotes, 4)).toEqual([1, 2, 3, 1]);
  remotes.all[1].isActive = false;
  expect(new Set(ports(remotes, 4))).toEqual(new Set([1, 3]));
  for (const each of remotes.all) each.isActive = false;
  expect(ports(remotes, 1)).toEqual([undefined]);
});

test("the least priority that answers counts", () => {
  const remotes = new Remotes([remote(1, 20, 0), remote(2, 10, 0)], chance());
  expect(ports(remotes, 2)).toEqual([2, 2]);
  remotes.all[1].isActive = false;
  expect(ports(remotes, 1)).toEqual([1]);
});

test("each weight has its share", () => {
  const shares = Array.from({ length: 10 }, (_, drawn) => {
    const remotes = new Remotes([remote(1, 0, 7), remote(2, 0, 3)], chance(drawn));
    return remotes.pick()?.address.port;
  });
  expect(shares).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
});

test("a server without weight is chosen once in a hundred times beside others", () => {
  const remotes = new Remotes([remote(1, 0, 5), remote(2, 0, 0)], chance(0, 1, 4));
  expect(ports(remotes, 2)).toEqual([2, 1]);
});

test("IPv6 addresses are shown in brackets", () => {
  const [shown] = new Remotes([{ host: "::1", port: 2, priority: 0, weight: 0 }], chance()).all;
  expect(shown.text).toBe("[::1]:2");
});
