import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  bytesFromHex,
  bytesFromLatin1,
  bytesFromUtf8,
  compareBytes,
  concatBytes,
  equalBytes,
  hexFromBytes,
  installNativeBytes,
  latin1FromBytes,
  PURE_BYTES,
  utf8FromBytes,
} from "./bytes.ts";
import type { NativeBytes } from "./bytes.ts";
import { decodeUtf8, utf8Length, writeUtf8 } from "./utf8.ts";

const native: NativeBytes = {
  compare: (a, b) => Buffer.compare(a, b),
  latin1FromBytes: (bytes, start, end) => Buffer.from(bytes).toString("latin1", start, end),
  bytesFromLatin1: (text) => new Uint8Array(Buffer.from(text, "latin1")),
  utf8FromBytes: (bytes, start, end) => Buffer.from(bytes).toString("utf8", start, end),
  bytesFromUtf8: (text) => new TextEncoder().encode(text),
};

const bytes = fc.uint8Array({ maxLength: 80 });
/** Byte strings that share long prefixes, so that a difference sits past the loop's share. */
const nearBytes = fc
  .tuple(fc.integer({ min: 0, max: 70 }), fc.uint8Array({ maxLength: 4 }))
  .map(([prefix, tail]) => concatBytes([new Uint8Array(prefix).fill(7), tail]));
const anyText = fc.string({ unit: "binary", maxLength: 40 });
const brokenText = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((u) => String.fromCharCode(...u));

afterEach(() => installNativeBytes(PURE_BYTES));

describe.each([
  ["pure", PURE_BYTES],
  ["native", native],
])("with %s bytes", (_name, version) => {
  test("compareBytes agrees with Buffer.compare", () => {
    installNativeBytes(version);
    fc.assert(
      fc.property(fc.oneof(bytes, nearBytes), fc.oneof(bytes, nearBytes), (a, b) => {
        expect(compareBytes(a, b)).toBe(Buffer.compare(a, b));
        expect(compareBytes(a, a.slice())).toBe(0);
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });

  test("latin1 strings round-trip and keep the order of the bytes", () => {
    installNativeBytes(version);
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [x, y] = [latin1FromBytes(a), latin1FromBytes(b)];
        expect(bytesFromLatin1(x)).toEqual(a);
        expect(x < y).toBe(Buffer.compare(a, b) < 0);
      }),
    );
  });

  test("latin1FromBytes converts a part, and more than one chunk", () => {
    installNativeBytes(version);
    expect(latin1FromBytes(Uint8Array.of(0x61, 0x62, 0xff, 0x64), 1, 3)).toBe("b\u00ff");
    const long = new Uint8Array(10_000).fill(0xe9);
    expect(latin1FromBytes(long)).toBe("\u00e9".repeat(10_000));
  });

  test("utf8 round-trips every text of whole code points", () => {
    installNativeBytes(version);
    fc.assert(
      fc.property(anyText, (text) => {
        expect(utf8FromBytes(bytesFromUtf8(text))).toBe(text);
      }),
    );
  });
});

test("utf8 encodes as the platform does, lone surrogates included", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, brokenText), (text) => {
      const expected = new TextEncoder().encode(text);
      expect(utf8Length(text)).toBe(expected.length);
      const target = new Uint8Array(expected.length);
      expect(writeUtf8(text, target, 0)).toBe(expected.length);
      expect(target).toEqual(expected);
    }),
  );
});

test("utf8 decodes as the platform does, ill-formed bytes included", () => {
  const tricky = fc.constantFrom(
    0xc0,
    0xc2,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
  );
  const mixed = fc.array(fc.oneof(tricky, fc.integer({ min: 0, max: 255 })), { maxLength: 30 });
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  fc.assert(
    fc.property(
      fc.oneof(
        mixed,
        anyText.map((t) => [...bytesFromUtf8(t)]),
      ),
      (list) => {
        const input = Uint8Array.from(list);
        expect(decodeUtf8(input)).toBe(decoder.decode(input));
      },
    ),
    { numRuns: 1000 },
  );
  expect(decodeUtf8(new Uint8Array(9000).fill(0x61))).toBe("a".repeat(9000));
});

test("hex round-trips and refuses what is not hex", () => {
  fc.assert(
    fc.property(bytes, (b) => {
      expect(bytesFromHex(hexFromBytes(b))).toEqual(b);
    }),
  );
  expect(bytesFromHex("0AfF")).toEqual(Uint8Array.of(0x0a, 0xff));
  expect(bytesFromHex("abc")).toBeUndefined();
  expect(bytesFromHex("0g")).toBeUndefined();
});

test("concatBytes joins in order", () => {
  expect(concatBytes([Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)])).toEqual(
    Uint8Array.of(1, 2, 3),
  );
});
