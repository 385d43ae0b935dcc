import { describe, expect, test } from "vitest";
import { goJsonSyntaxError } from "./go-json-syntax.ts";

describe("goJsonSyntaxError", () => {
  test.each([
    "{}",
    " [1, -2.5e+3, true, false, null] ",
    '{"a": {"b": ["\\u00e9\\n", 0]}}',
    '"text"',
  ])("has nothing to say to %s", (text) => {
    expect(goJsonSyntaxError(text)).toBeUndefined();
  });

  // What Go 1.23 answers to json.Unmarshal of each.
  test.each([
    ["", "unexpected end of JSON input"],
    ["{", "unexpected end of JSON input"],
    ["[1,", "unexpected end of JSON input"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ["{a}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a"}', "invalid character '}' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["tru3", "invalid character '3' in literal true (expecting 'e')"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["-a", "invalid character 'a' in numeric literal"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["1e", "unexpected end of JSON input"],
    ["1ex", "invalid character 'x' in exponent of numeric literal"],
    ["01", "invalid character '1' after top-level value"],
  ])("says of %s what Go says", (text, problem) => {
    expect(goJsonSyntaxError(text)).toBe(problem);
  });
});
