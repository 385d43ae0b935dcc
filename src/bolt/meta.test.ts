import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMetaPage, encodeMetaPage, isMeta } from "./meta.ts";
import type { Meta } from "./meta.ts";

const META: Meta = {
  pageSize: 4096,
  rootId: 0x11,
  rootSequence: 0x22n,
  freelistId: undefined,
  highWaterId: 0x3344,
  txid: 0x5566778899,
};

/** Little-endian. */
function integer(value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

describe("encodeMetaPage", () => {
  test("writes the bytes that the format prescribes", () => {
    const sum = { value: 0xcbf29ce484222325n };
    const body = [
      ...integer(0xed0cdaedn, 4),
      ...integer(2n, 4),
      ...integer(4096n, 4),
      ...integer(0n, 4),
      ...integer(0x11n, 8),
      ...integer(0x22n, 8),
      ...integer(0xffffffffffffffffn, 8),
      ...integer(0x3344n, 8),
      ...integer(0x5566778899n, 8),
    ];
    for (const byte of body) {
      sum.value = ((sum.value ^ BigInt(byte)) * 0x100000001b3n) & (2n ** 64n - 1n);
    }
    const header = [...integer(1n, 8), 4, 0, 0, 0, 0, 0, 0, 0];
    const expected = [...header, ...body, ...integer(sum.value, 8)];
    const page = encodeMetaPage(META, 1);
    expect(page.length).toBe(4096);
    expect([...page.subarray(0, 80)]).toEqual(expected);
    expect(page.subarray(80).every((byte) => byte === 0)).toBe(true);
  });
});

describe("decodeMetaPage", () => {
  test("reads back what was written", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(512, 4096, 65_536),
        fc.integer({ min: 3, max: 2 ** 31 - 1 }),
        fc.maxSafeNat(),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.boolean(),
        (pageSize, highWaterId, txid, rootSequence, isStored) => {
          const freelistId = isStored ? highWaterId - 1 : undefined;
          const meta = { pageSize, rootId: 2, rootSequence, freelistId, highWaterId, txid };
          expect(decodeMetaPage(encodeMetaPage(meta, txid % 2))).toEqual(meta);
        },
      ),
    );
  });

  test("refuses every changed bit behind the page header", () => {
    const page = encodeMetaPage(META, 0).subarray(0, 80);
    for (let bit = 16 * 8; bit < 80 * 8; bit++) {
      page[bit >> 3] ^= 1 << (bit & 7);
      expect(isMeta(decodeMetaPage(page))).toBe(false);
      page[bit >> 3] ^= 1 << (bit & 7);
    }
    expect(isMeta(decodeMetaPage(page))).toBe(true);
  });

  test.each<[Partial<Meta>, string]>([
    [{ rootId: 1 }, "root page 1 is not in the file"],
    [{ rootId: 0x3344 }, "root page 13124 is not in the file"],
    [{ freelistId: 0x3344 }, "freelist page 13124 is not in the file"],
    [{ freelistId: 0 }, "freelist page 0 is not in the file"],
    [{ highWaterId: 2 ** 31 }, "2147483648 pages are too many"],
  ])("refuses content that contradicts itself: %o", (change, detail) => {
    const page = encodeMetaPage({ ...META, ...change }, 0);
    expect(decodeMetaPage(page)).toEqual({ kind: "content", detail });
  });

  test("says what is wrong", () => {
    const page = encodeMetaPage(META, 0);
    const changed = (at: number): Uint8Array => {
      const copy = page.slice();
      copy[at] ^= 1;
      return copy;
    };
    expect(decodeMetaPage(changed(16))).toMatchObject({ kind: "magic" });
    expect(decodeMetaPage(changed(20))).toMatchObject({
      kind: "version",
      detail: "format version is 3, expected 2",
    });
    expect(decodeMetaPage(changed(70))).toMatchObject({ kind: "checksum" });
    expect(decodeMetaPage(page.subarray(0, 79))).toMatchObject({ kind: "magic" });
  });
});
