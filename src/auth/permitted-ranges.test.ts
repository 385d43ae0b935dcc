import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { PermittedRanges } from "./permitted-ranges.ts";

const bytes = bytesFromLatin1;

/** Bounds of ranges: short strings of few characters, so that they meet, nest and overlap. */
const bound = fc.stringMatching(/^[\0ab]{1,2}$/);
const rangeEnd = fc.oneof(fc.constant(""), fc.constant("\0"), fc.stringMatching(/^[\0ab]{1,3}$/));
const ranges = fc.array(fc.tuple(bound, rangeEnd), { maxLength: 8 });

/** Every bound, every first key behind one, and a key behind all: a gap between ranges starts with one. */
const UNIVERSE = keysOf(4).concat("\xff");

function keysOf(length: number): string[] {
  if (length === 0) return [];
  const shorter = keysOf(length - 1);
  return ["\0", "a", "b"].flatMap((first) => [first, ...shorter.map((rest) => first + rest)]);
}

function holds([key, end]: readonly [string, string], candidate: string): boolean {
  if (end === "") return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}

describe("PermittedRanges", () => {
  it("has the keys that one of the ranges has", () => {
    fc.assert(
      fc.property(ranges, (granted) => {
        const permitted = permittedOf(granted);
        for (const key of UNIVERSE) {
          const expected = granted.some((range) => holds(range, key));
          expect(permitted.hasKey(bytes(key)), key).toBe(expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("covers a range of which every key is in one of the ranges, whichever", () => {
    fc.assert(
      fc.property(ranges, bound, rangeEnd, (granted, key, end) => {
        const isEmpty = end !== "" && end !== "\0" && end <= key;
        const asked: readonly [string, string] = isEmpty ? [key, ""] : [key, end];
        const expected = UNIVERSE.filter((candidate) => holds(asked, candidate)).every(
          (candidate) => granted.some((range) => holds(range, candidate)),
        );
        expect(permittedOf(granted).covers(bytes(key), bytes(end))).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it("takes neighbours together, and leaves gaps", () => {
    const permitted = permittedOf([
      ["b", "c"],
      ["a", "b"],
      ["c", ""],
      ["x", "\0"],
      ["z", "zz"],
    ]);
    expect(permitted.size).toBe(2);
    expect(permitted.covers(bytes("a"), bytes("c\0"))).toBe(true);
    expect(permitted.covers(bytes("a"), bytes("c\0\0"))).toBe(false);
    expect(permitted.covers(bytes("x"), bytes("\0"))).toBe(true);
    expect(permitted.covers(bytes("a"), bytes("\0"))).toBe(false);
    expect(permitted.covers(bytes("y"), bytes("\xff"))).toBe(true);
  });

  it("permits nothing by a range in which there is no key", () => {
    const permitted = permittedOf([
      ["", "\0"],
      ["", ""],
      ["b", "a"],
      ["b", "b"],
    ]);
    expect(permitted.size).toBe(0);
    expect(permitted.hasKey(bytes("b"))).toBe(false);
  });
});

function permittedOf(granted: readonly (readonly [string, string])[]): PermittedRanges {
  return new PermittedRanges(
    granted.map(([key, end]) => ({ key: bytes(key), rangeEnd: bytes(end) })),
  );
}
