import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { fnv1a64 } from "./fnv.ts";

function hex(bytes: Uint8Array): string {
  const { high, low } = fnv1a64(bytes, 0, bytes.length);
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

describe("fnv1a64", () => {
  test("gives the published values", () => {
    expect(hex(bytesFromLatin1(""))).toBe("cbf29ce484222325");
    expect(hex(bytesFromLatin1("a"))).toBe("af63dc4c8601ec8c");
    expect(hex(bytesFromLatin1("foobar"))).toBe("85944171f73967e8");
  });

  test("agrees with arithmetic on 64-bit integers", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        let sum = 0xcbf29ce484222325n;
        for (const byte of bytes) sum = ((sum ^ BigInt(byte)) * 0x100000001b3n) & (2n ** 64n - 1n);
        expect(hex(bytes)).toBe(sum.toString(16).padStart(16, "0"));
      }),
    );
  });
});
