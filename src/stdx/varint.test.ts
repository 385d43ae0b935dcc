import * as fc from "fast-check";
import { expect, test } from "vitest";
import { varintBytes, writeVarint } from "./varint.ts";

function reference(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

test("writeVarint writes what arithmetic on bigints says, in varintBytes bytes", () => {
  const edges = Array.from({ length: 54 }, (_, bits) => [2 ** bits - 1, 2 ** bits]).flat();
  const value = fc.oneof(
    fc.constantFrom(...edges.filter(Number.isSafeInteger)),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  );
  fc.assert(
    fc.property(value, (n) => {
      const target = new Uint8Array(12);
      const expected = reference(n);
      expect(varintBytes(n)).toBe(expected.length);
      expect(writeVarint(n, target, 2)).toBe(2 + expected.length);
      expect([...target.subarray(2, 2 + expected.length)]).toEqual(expected);
      expect([...target.subarray(2 + expected.length)].every((byte) => byte === 0)).toBe(true);
    }),
  );
});
