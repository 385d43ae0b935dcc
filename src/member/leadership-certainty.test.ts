import { expect, test } from "vitest";
import { LeadershipCertainty } from "./leadership-certainty.ts";

test("leadership is certain for three ticks, and after a standstill once it was confirmed", () => {
  const certainty = new LeadershipCertainty(100);
  expect(certainty.isCertain(0)).toBe(false);
  certainty.tick(1000);
  expect(certainty.isCertain(1299)).toBe(true);
  expect(certainty.isCertain(1300)).toBe(false);
  certainty.tick(1299);
  expect(certainty.isCertain(1299)).toBe(true);
  certainty.tick(4000);
  certainty.tick(4100);
  expect(certainty.isCertain(4100)).toBe(false);
  certainty.confirmed(3999);
  expect(certainty.isCertain(4100)).toBe(false);
  certainty.confirmed(4050);
  expect(certainty.isCertain(4100)).toBe(true);
  expect(certainty.isCertain(4400)).toBe(false);
});
