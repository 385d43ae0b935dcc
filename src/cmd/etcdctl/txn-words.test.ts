import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { CompareResult, CompareTarget } from "../../wire/gen/rpc.ts";
import { ToolExit } from "../tool-exit.ts";
import { parseCompare, splitWords } from "./txn-words.ts";

describe("splitWords", () => {
  test.each([
    ["", []],
    ["foo bar  baz", ["foo", "bar", "baz"]],
    ["'hello world'", ["hello world"]],
    ['"hello world"', ["hello world"]],
    ["put 'my key' 'my value'", ["put", "my key", "my value"]],
    ["''", [""]],
    ['""', [""]],
    ['"hello\\"world"', ['hello"world']],
    ['"\\x41\\n"', ["A\n"]],
    ['get "foo', ["get", "foo"]],
    ["a'b c", ["a'b", "c"]],
    ["it''s", ["it''s"]],
  ])("splits %j", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  test("takes any bytes in quotes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { maxLength: 4 }), (all) => {
        const texts = all.map((bytes) => latin1FromBytes(bytes));
        expect(splitWords(texts.map(goQuote).join(" "))).toEqual(texts);
      }),
    );
  });

  test("ends the tool at a bad escape", () => {
    expect(() => splitWords('put a "\\z"')).toThrow(expect.objectContaining({ code: 3 }));
  });
});

describe("parseCompare", () => {
  test("reads every target, operator and bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array(),
        fc.constantFrom("=", "!=", "<", ">"),
        (key, value, operator) => {
          const line = `val(${goQuote(latin1FromBytes(key))}) ${operator} ${goQuote(latin1FromBytes(value))}`;
          const compare = parseCompare(line);
          expect(compare.key).toEqual(key);
          expect(compare.target).toBe(CompareTarget.VALUE);
          expect(compare.targetUnion).toEqual({ case: "value", value });
        },
      ),
    );
    expect(parseCompare('c("a") != "-7"')).toMatchObject({
      result: CompareResult.NOT_EQUAL,
      target: CompareTarget.CREATE,
      targetUnion: { case: "createRevision", value: -7 },
    });
  });

  test.each([
    ["mod", "malformed comparison: mod"],
    ['mod("a")', 'malformed comparison: mod("a"); got mod("a")  ""'],
    ['mod("a") >', 'malformed comparison: mod("a") >; got mod("a") > ""'],
    ['mod("a")>"0"', 'malformed comparison: mod("a")>"0"; got mod("a")  ""'],
    ["mod(a) > 0", 'malformed comparison: mod(a) > 0; got mod("")  ""'],
    ['x("a") = "1"', 'malformed comparison: x("a") = "1" (unknown target x)'],
    ['mod("a") = "b"', 'invalid txn compare request: mod("a") = "b"'],
  ])("refuses %j", (line, shown) => {
    let refused: unknown;
    try {
      parseCompare(line);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ToolExit);
    expect(refused).toMatchObject({ code: 3, shown });
  });
});
