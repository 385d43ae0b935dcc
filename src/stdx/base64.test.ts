import * as fc from "fast-check";
import { expect, test } from "vitest";
import { base64FromBytes, bytesFromBase64 } from "./base64.ts";

test("base64FromBytes agrees with Node, and bytesFromBase64 undoes it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = base64FromBytes(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(bytesFromBase64(text)).toEqual(bytes);
      expect(bytesFromBase64(text.replace(/(.{3})/g, "$1\r\n"))).toEqual(bytes);
    }),
  );
});

test.each([
  ["", -1],
  ["\n", -1],
  ["AAA=\n", -1],
  ["AA==", -1],
  ["!!!!", 0],
  ["====", 0],
  ["x===", 1],
  ["=AAA", 0],
  ["A=AA", 1],
  ["AA=A", 2],
  ["AA==A", 4],
  ["AAA=AAAA", 4],
  ["AAAAA", 4],
  ["AAAAAA", 4],
  ["A=", 1],
  ["AA=", 3],
  ["AAAAAA=", 7],
  ["YWJjZA=====", 8],
  ["A!\n", 1],
  ["ab\u00e9d", 2],
])("bytesFromBase64 names the wrong position in %j as Go does", (text, position) => {
  const result = bytesFromBase64(text);
  if (position < 0) expect(result).toBeInstanceOf(Uint8Array);
  else expect(result).toBe(position);
});
