import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FreeMap } from "./free-map.ts";

/** The lowest id >= `from` of `count` members in a row, found by looking at each. */
function findPlain(free: ReadonlySet<number>, count: number, from: number, end: number): number {
  let run = 0;
  for (let id = from; id < end; id++) {
    run = free.has(id) ? run + 1 : 0;
    if (run === count) return id + 1 - count;
  }
  return -1;
}

describe("FreeMap", () => {
  test("agrees with a set of numbers", () => {
    const range = fc.tuple(fc.nat(900), fc.integer({ min: 1, max: 120 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 60 }), fc.array(range), (changes, queries) => {
        const map = new FreeMap();
        const free = new Set<number>();
        for (const [id, count] of changes) {
          // The longest stretch from `id` on that is in one state, up to `count`.
          const isFree = free.has(id);
          let length = 1;
          while (length < count && free.has(id + length) === isFree) length++;
          if (isFree) map.remove(id, length);
          else map.add(id, length);
          for (let page = id; page < id + length; page++) {
            if (isFree) free.delete(page);
            else free.add(page);
          }
          expect(map.count).toBe(free.size);
        }
        for (const [from, count] of queries) {
          expect(map.find(count, from)).toBe(findPlain(free, count, from, 1200));
          expect(map.has(from)).toBe(free.has(from));
        }
        let longest = 0;
        while (findPlain(free, longest + 1, 0, 1200) >= 0) longest++;
        expect(map.longestRun).toBe(longest);
        const listed: number[] = [];
        map.forEach((id) => listed.push(id));
        expect(listed).toEqual([...free].sort((a, b) => a - b));
      }),
    );
  });

  test("takes many pages at once", () => {
    const map = new FreeMap();
    map.add(3, 2);
    map.addBits(Uint32Array.of(0b1_0000_0100, 0, 0xffffffff));
    expect(map.count).toBe(2 + 2 + 32);
    expect(map.find(3, 0)).toBe(2);
    expect(map.find(4, 0)).toBe(64);
    expect(map.find(32, 0)).toBe(64);
    expect(map.find(33, 0)).toBe(-1);
  });

  test("refuses to free what is free and to take what is taken", () => {
    const map = new FreeMap();
    map.add(10, 5);
    expect(() => map.add(14, 2)).toThrow("half free");
    expect(() => map.remove(9, 2)).toThrow("half free");
    expect(() => map.addBits(Uint32Array.of(1 << 12))).toThrow("free twice");
  });
});
