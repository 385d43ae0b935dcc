import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c, crc32cRange } from "./crc32c.ts";

/** The definition, one bit at a time. */
function crc32cBitwise(seed: number, bytes: Uint8Array): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  }
  return ~crc >>> 0;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

describe("crc32c", () => {
  test("gives the published check values (RFC 3720 B.4)", () => {
    expect(crc32c(0, ascii("123456789"))).toBe(0xe3069283);
    expect(crc32c(0, new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(0, new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(
      crc32c(
        0,
        Uint8Array.from({ length: 32 }, (_, at) => at),
      ),
    ).toBe(0x46dd794e);
    expect(crc32c(0, new Uint8Array(0))).toBe(0);
  });

  test("equals the bitwise definition for every length, seed and alignment", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.uint8Array({ maxLength: 64 }), (seed, bytes) => {
        expect(crc32c(seed, bytes)).toBe(crc32cBitwise(seed, bytes));
      }),
    );
  });

  test("chains: the checksum of two parts is that of the whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        const chained = crc32cRange(crc32cRange(0, bytes, 0, at), bytes, at, bytes.length);
        expect(chained).toBe(crc32c(0, bytes));
      }),
    );
  });

  test("crc32cRange() refuses a range outside the bytes", () => {
    expect(() => crc32cRange(0, new Uint8Array(4), 2, 5)).toThrow("outside");
    expect(() => crc32cRange(0, new Uint8Array(4), 3, 2)).toThrow("outside");
  });
});
