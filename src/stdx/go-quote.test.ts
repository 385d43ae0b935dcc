import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesFromUtf8, latin1FromBytes } from "./bytes.ts";
import { goQuote, goQuoteRune, goUnquote } from "./go-quote.ts";

const bytes = (text: string): string => latin1FromBytes(bytesFromUtf8(text));

test.each([
  ["", '""'],
  ["plain text", '"plain text"'],
  ['say "a\\b"', '"say \\"a\\\\b\\""'],
  ["\x07\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'],
  ["\0\x1f\x7f", '"\\x00\\x1f\\x7f"'],
  ["\xff\xfe", '"\\xff\\xfe"'],
  ["\xe2\x82", '"\\xe2\\x82"'],
  [bytes("é世😀"), `"${bytes("é世😀")}"`],
  [bytes("\u00a0\u2028\ufeff"), '"\\u00a0\\u2028\\ufeff"'],
  [bytes("\u{e0001}"), '"\\U000e0001"'],
  [bytes("\ufffd"), `"${bytes("\ufffd")}"`],
  ["'", `"'"`],
])("goQuote quotes %j", (text, quoted) => {
  expect(goQuote(text)).toBe(quoted);
});

test("goQuoteRune shows a byte as the character of its number", () => {
  expect(goQuoteRune(0x78)).toBe("'x'");
  expect(goQuoteRune(0x27)).toBe("'\\''");
  expect(goQuoteRune(0xc3)).toBe(`'${bytes("Ã")}'`);
  expect(goQuoteRune(0x22)).toBe(`'"'`);
});

test("goUnquote undoes goQuote for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ unit: "binary" }), (raw, text) => {
      for (const value of [latin1FromBytes(raw), bytes(text)]) {
        expect(goUnquote(goQuote(value))).toBe(value);
      }
    }),
  );
});

test.each([
  ['"a\\x41\\101\\u00e9\\U0001F600"', bytes("aAAé😀")],
  ["`raw \\n \r text`", "raw \\n  text"],
  [`"it's"`, "it's"],
])("goUnquote reads %j", (literal, text) => {
  expect(goUnquote(literal)).toBe(text);
});

test.each([
  '"',
  '"a',
  "a",
  '"\\q"',
  '"\\x4"',
  '"\\400"',
  '"\\ud800"',
  '"a"b"',
  '"\n"',
  "'a'",
  '"\\"',
])("goUnquote refuses %j", (literal) => {
  expect(goUnquote(literal)).toBeUndefined();
});
