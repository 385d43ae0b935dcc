import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes, hexFromBytes } from "../stdx/bytes.ts";
import {
  compareRevisions,
  encodeRevision,
  isTombstoneBytes,
  mainOfRevisionBytes,
  subOfRevisionBytes,
} from "./revision.ts";

const mains = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const subs = fc.oneof(fc.nat({ max: 300 }), mains);

test("encodeRevision writes main, underscore, sub and the tombstone mark", () => {
  expect(hexFromBytes(encodeRevision(2, 0, false))).toBe("00000000000000025f0000000000000000");
  expect(hexFromBytes(encodeRevision(0x1_0000_00ff, 3, true))).toBe(
    "00000001000000ff5f000000000000000374",
  );
});

test("revision bytes decode to what was encoded", () => {
  fc.assert(
    fc.property(mains, subs, fc.boolean(), (main, sub, tombstone) => {
      const bytes = encodeRevision(main, sub, tombstone);
      expect(mainOfRevisionBytes(bytes)).toBe(main);
      expect(subOfRevisionBytes(bytes)).toBe(sub);
      expect(isTombstoneBytes(bytes)).toBe(tombstone);
    }),
  );
});

test("revision bytes order like the numbers", () => {
  fc.assert(
    fc.property(mains, subs, mains, subs, (aMain, aSub, bMain, bSub) => {
      const byBytes = compareBytes(
        encodeRevision(aMain, aSub, false),
        encodeRevision(bMain, bSub, false),
      );
      expect(byBytes).toBe(Math.sign(compareRevisions(aMain, aSub, bMain, bSub)));
    }),
  );
});

test("mainOfRevisionBytes refuses numbers beyond the safe integers", () => {
  const bytes = encodeRevision(1, 0, false);
  bytes[0] = 0x7f;
  expect(() => mainOfRevisionBytes(bytes)).toThrow("safe integer");
});
