import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goJsonString, JSON_DEPTH_MAX, JsonError, parseJson } from "./json.ts";

describe("parseJson", () => {
  test("agrees with JSON.parse on every document of safe numbers", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain: unknown = JSON.parse(text);
        if (JSON.stringify(plain).includes("__proto__")) return;
        const exact = (_: string, v: unknown): unknown => (typeof v === "bigint" ? Number(v) : v);
        expect(JSON.stringify(parseJson(text), exact)).toBe(JSON.stringify(plain));
      }),
    );
  });

  test("keeps integers beyond 2^53 exact", () => {
    expect(parseJson('{"id":10276657743932975437}')).toEqual({ id: 10276657743932975437n });
    expect(parseJson("[9007199254740991,-9007199254740993]")).toEqual([
      9007199254740991,
      -9007199254740993n,
    ]);
  });

  test.each(["", "{", "[1,]", '{"a" 1}', "01", "1 2", '"\n"', '"\\x"', "tru", "{a:1}", "nul"])(
    "refuses %j",
    (text) => {
      expect(() => parseJson(text)).toThrow(JsonError);
    },
  );

  test("refuses nesting beyond the limit instead of overflowing the stack", () => {
    expect(() => parseJson("[".repeat(JSON_DEPTH_MAX + 2))).toThrow(/deeper/);
  });
});

test("goJsonString escapes as Go does, and what it writes is read back", () => {
  expect(goJsonString('a<b>&"c"\u2028\b\f\n')).toBe(
    '"a\\u003cb\\u003e\\u0026\\"c\\"\\u2028\\b\\f\\n"',
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(parseJson(goJsonString(text))).toBe(text);
    }),
  );
  expect(parseJson(goJsonString("\\b\\\\f"))).toBe("\\b\\\\f");
});
