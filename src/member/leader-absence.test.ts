import { expect, test } from "vitest";
import { LeaderAbsence } from "./leader-absence.ts";
import { LEADERLESS_LOOKS_MAX } from "./limits.ts";

test("listeners are told after several looks in a row without a leader, and then at every look", () => {
  const absence = new LeaderAbsence(10);
  let told = 0;
  absence.onLong(() => told++);
  const pass = (ticks: number, hasLeader: boolean): number => {
    told = 0;
    for (let tick = 0; tick < ticks; tick++) absence.tick(hasLeader);
    return told;
  };
  expect(pass(100, true)).toBe(0);
  expect(pass(10 * LEADERLESS_LOOKS_MAX - 1, false)).toBe(0);
  expect(pass(1, false)).toBe(1);
  expect(pass(10, false)).toBe(1);
  expect(pass(10, true)).toBe(0);
  expect(pass(10 * (LEADERLESS_LOOKS_MAX - 1), false)).toBe(0);
  expect(pass(10, true)).toBe(0);
});
