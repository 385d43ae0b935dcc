import { expect, test } from "vitest";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { LeaderTransfers } from "./leader-transfer.ts";

test("each waiter is told once: its member leads, it took too long, or the end", () => {
  const transfers = new LeaderTransfers(3);
  const told: [string, EtcdError | undefined][] = [];
  const add = (name: string, target: bigint): void =>
    transfers.add(target, (failure) => told.push([name, failure]));
  add("a", 1n);
  add("b", 2n);
  transfers.tick();
  add("c", 3n);
  transfers.leaderIs(2n);
  expect(told).toEqual([["b", undefined]]);
  transfers.tick();
  transfers.tick();
  expect(told.slice(1)).toEqual([["a", Errors.TransferTimeout]]);
  transfers.stop();
  transfers.stop();
  transfers.leaderIs(3n);
  expect(told.slice(2)).toEqual([["c", Errors.Stopped]]);
});

test("a waiter may wait again when it is told", () => {
  const transfers = new LeaderTransfers(1);
  let timesTold = 0;
  const again = (): void => {
    if (++timesTold < 3) transfers.add(1n, again);
  };
  transfers.add(1n, again);
  for (let count = 0; count < 5; count++) transfers.tick();
  expect(timesTold).toBe(3);
});
