import fc from "fast-check";
import { expect, test } from "vitest";
import { PURE_BYTES } from "../stdx/bytes.ts";
import { NODE_BYTES } from "./native-bytes.ts";

const text = fc.string({ unit: "binary" });

test("NODE_BYTES compare, slice and write exactly as the plain versions", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), text, fc.nat(), fc.nat(), (a, b, t, x, y) => {
      const start = x % (a.length + 1);
      const end = start + (y % (a.length - start + 1));
      const latin1 = PURE_BYTES.latin1FromBytes(a, 0, a.length);
      expect(Math.sign(NODE_BYTES.compare(a, b))).toBe(Math.sign(PURE_BYTES.compare(a, b)));
      expect(NODE_BYTES.latin1FromBytes(a, start, end)).toBe(
        PURE_BYTES.latin1FromBytes(a, start, end),
      );
      expect(NODE_BYTES.bytesFromLatin1(latin1)).toEqual(a);
      expect(NODE_BYTES.utf8FromBytes(a, start, end)).toBe(PURE_BYTES.utf8FromBytes(a, start, end));
      expect(NODE_BYTES.bytesFromUtf8(t)).toEqual(PURE_BYTES.bytesFromUtf8(t));
    }),
  );
});
