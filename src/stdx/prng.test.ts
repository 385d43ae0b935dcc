import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Random } from "../ports/random.ts";
import { Prng } from "./prng.ts";

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("Prng", () => {
  test("has the shape of the port Random", () => {
    const random: Random = new Prng(1);
    expect(random.below(10)).toBeLessThan(10);
  });

  test("repeats its sequence for the same seed, pinned", () => {
    const draws = (seed: number): number[] => {
      const prng = new Prng(seed);
      return [prng.next(), prng.next(), prng.next()];
    };
    expect(draws(42)).toEqual(draws(42));
    expect(draws(42)).toMatchInlineSnapshot(`
      [
        1962818870,
        1222316584,
        3741838582,
      ]
    `);
    expect(draws(43)).not.toEqual(draws(42));
    expect(draws(42 + 2 ** 40)).not.toEqual(draws(42));
  });

  test("below() stays inside the bound and reaches both ends", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
        const value = new Prng(seed).below(bound);
        return Number.isInteger(value) && value >= 0 && value < bound;
      }),
    );
    const prng = new Prng(7);
    const seen = new Set(Array.from({ length: 200 }, () => prng.below(3)));
    expect([...seen].sort()).toEqual([0, 1, 2]);
  });

  test("below() spreads evenly over a bound that is no power of two", () => {
    const prng = new Prng(11);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) counts[prng.below(10)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test("fork() depends on seed and label, not on earlier draws", () => {
    const fresh = new Prng(5);
    const used = new Prng(5);
    used.next();
    expect(used.fork("disk").next()).toBe(fresh.fork("disk").next());
    expect(fresh.fork("disk").next()).not.toBe(fresh.fork("net").next());
    expect(new Prng(6).fork("disk").next()).not.toBe(fresh.fork("disk").next());
  });

  test("shuffle() keeps the values", () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.integer()), (seed, values) => {
        const shuffled = [...values];
        new Prng(seed).shuffle(shuffled);
        expect(shuffled.sort()).toEqual([...values].sort());
      }),
    );
  });

  test("fill() writes every byte of odd lengths", () => {
    const bytes = new Uint8Array(1001);
    new Prng(3).fill(bytes);
    expect(bytes.filter((byte) => byte === 0).length).toBeLessThan(20);
    expect(bytes.subarray(-3).some((byte) => byte !== 0)).toBe(true);
  });

  test("chance() follows the probability", () => {
    const prng = new Prng(9);
    const hits = Array.from({ length: 10_000 }, () => prng.chance(0.25)).filter(Boolean).length;
    expect(Math.abs(hits - 2500)).toBeLessThan(200);
    expect(prng.chance(0)).toBe(false);
    expect(prng.chance(1)).toBe(true);
  });
});
