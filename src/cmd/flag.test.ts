import { describe, expect, test } from "vitest";
import { type FlagTarget, parseFlags } from "./flag.ts";

/** Parses with a text flag "s" and a truth flag "b", which takes "true" and "false" only. */
function parse(...args: string[]) {
  const values: string[] = [];
  const targets: Record<string, FlagTarget> = {
    s: { isBool: false, set: (text) => void values.push(`s=${text}`) },
    b: {
      isBool: true,
      set(text) {
        if (text !== "true" && text !== "false") return "parse error";
        values.push(`b=${text}`);
        return undefined;
      },
    },
  };
  const result = parseFlags(args, (name) => targets[name]);
  return result.kind === "parsed"
    ? { values, given: [...result.given], rest: result.rest }
    : (result as { kind: string; message?: string });
}

describe("parseFlags", () => {
  test("reads one and two dashes, values after a space and after the first equals sign", () => {
    expect(parse("-s", "1", "--s", "2", "-s=3", "--s=a=b", "-s", "")).toEqual({
      values: ["s=1", "s=2", "s=3", "s=a=b", "s="],
      given: ["s"],
      rest: [],
    });
  });

  test("a truth flag takes no value after a space", () => {
    expect(parse("-b", "false")).toEqual({ values: ["b=true"], given: ["b"], rest: ["false"] });
    expect(parse("--b=false")).toEqual({ values: ["b=false"], given: ["b"], rest: [] });
  });

  test("a text flag swallows what follows, even a flag", () => {
    expect(parse("-s", "-b")).toEqual({ values: ["s=-b"], given: ["s"], rest: [] });
  });

  test.each([
    [
      ["x", "-b"],
      ["x", "-b"],
    ],
    [["--", "-b"], ["-b"]],
    [
      ["-", "-b"],
      ["-", "-b"],
    ],
    [
      ["", "-b"],
      ["", "-b"],
    ],
  ])("flags of %j end where Go ends them", (args, rest) => {
    expect(parse(...args)).toEqual({ values: [], given: [], rest });
  });

  test.each([
    [["---s"], "bad flag syntax: ---s"],
    [["--=1"], "bad flag syntax: --=1"],
    [["-=1"], "bad flag syntax: -=1"],
    [["-x"], "flag provided but not defined: -x"],
    [["--x=1"], "flag provided but not defined: -x"],
    [["-s"], "flag needs an argument: -s"],
    [["-b=7"], 'invalid boolean value "7" for -b: parse error'],
  ])("refuses %j in Go's words", (args, message) => {
    expect(parse(...args)).toEqual({ kind: "refused", message });
  });

  test.each([["-h"], ["--help"], ["-help=1"]])("%s asks for help", (argument) => {
    expect(parse(argument)).toEqual({ kind: "help" });
  });
});
