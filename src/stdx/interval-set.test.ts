import fc from "fast-check";
import { expect, test } from "vitest";
import { IntervalSet } from "./interval-set.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "c", "\0"), minLength: 0, maxLength: 3 });
const intervals = fc.array(fc.tuple(key, key), { maxLength: 30 });

test("IntervalSet.has equals a search through all added intervals", () => {
  fc.assert(
    fc.property(intervals, intervals, fc.array(key), (first, second, probes) => {
      const set = new IntervalSet();
      for (const [from, end] of first) set.add(from, end);
      const other = new IntervalSet();
      for (const [from, end] of second) other.add(from, end);
      set.addAll(other);
      const all = [...first, ...second];
      for (const probe of [...probes, ...all.flat()]) {
        expect(set.has(probe)).toBe(all.some(([from, end]) => from <= probe && probe < end));
      }
    }),
  );
});

test("IntervalSet joins intervals that overlap or touch", () => {
  const set = new IntervalSet();
  set.add("a", "c");
  set.add("e", "g");
  expect(set.size).toBe(2);
  set.add("c", "e");
  expect(set.size).toBe(1);
  set.add("b", "z");
  set.add("b", "a");
  expect(set.size).toBe(1);
  expect(set.has("y")).toBe(true);
  expect(set.has("z")).toBe(false);
});
