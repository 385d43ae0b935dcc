import { expect, test } from "vitest";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { AppliedWaits } from "./applied-waits.ts";

test("each is told once: when its index is applied, that it took too long, or the end", () => {
  const waits = new AppliedWaits(2);
  const told: [number, EtcdError | "applied"][] = [];
  const add = (index: number): void =>
    waits.add(index, {
      onReadable: () => told.push([index, "applied"]),
      onFailed: (error) => told.push([index, error]),
    });
  add(5);
  add(5);
  add(8);
  waits.applied(4);
  expect(told).toEqual([]);
  waits.applied(7);
  expect(told.splice(0)).toEqual([
    [5, "applied"],
    [5, "applied"],
  ]);
  waits.tick();
  add(9);
  waits.tick();
  expect(told).toEqual([]);
  waits.tick();
  expect(told.splice(0)).toEqual([[8, Errors.TimeoutWaitAppliedIndex]]);
  waits.failAll(Errors.Stopped);
  waits.applied(100);
  expect(told).toEqual([[9, Errors.Stopped]]);
});
