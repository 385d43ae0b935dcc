import { expect, test } from "vitest";
import { FlagError, FlagSet } from "./pflag.ts";

function flags(): FlagSet {
  return new FlagSet()
    .bool("prefix", false, "a flag")
    .bool("interactive", false, "another", "i")
    .string("write-out", "simple", "a form", "w")
    .int64("limit", 0n, "a number")
    .float64("ratio", 1, "a fraction")
    .duration("timeout", 5_000_000_000n, "a time")
    .stringSlice("endpoints", ["one"], "a list");
}

test.each<[string[], string, unknown, string[]]>([
  [["--limit=5", "a"], "limit", 5n, ["a"]],
  [["--limit", "5", "a"], "limit", 5n, ["a"]],
  [["a", "--limit", "-5", "b"], "limit", -5n, ["a", "b"]],
  [["--limit=0x10"], "limit", 16n, []],
  [["--ratio", "2.5"], "ratio", 2.5, []],
  [["--ratio=-1e-3"], "ratio", -0.001, []],
  [["--ratio=.5"], "ratio", 0.5, []],
  [["--ratio=+Inf"], "ratio", Number.POSITIVE_INFINITY, []],
  [["-w", "json"], "write-out", "json", []],
  [["-wjson"], "write-out", "json", []],
  [["-w=json"], "write-out", "json", []],
  [["-w", "--", "a"], "write-out", "--", ["a"]],
  [["--write-out="], "write-out", "", []],
  [["-iw", "json"], "write-out", "json", []],
  [["-iwjson", "-"], "write-out", "json", ["-"]],
  [["--prefix", "true"], "prefix", true, ["true"]],
  [["--prefix=true"], "prefix", true, []],
  [["--prefix=F"], "prefix", false, []],
  [["-i=false"], "interactive", false, []],
  [["--timeout", "1m30s"], "timeout", 90_000_000_000n, []],
  [["--endpoints=a,b", "--endpoints", '"c,d"'], "endpoints", ["a", "b", "c,d"], []],
  [["--endpoints="], "endpoints", [], []],
  [["--", "--prefix", "-x"], "prefix", false, ["--prefix", "-x"]],
])("FlagSet.parse reads %j", (words, name, value, rest) => {
  const set = flags();
  expect(set.parse(words)).toEqual(rest);
  expect(set.lookup(name)?.value).toEqual(value);
});

test.each([
  [["--nope"], "unknown flag: --nope"],
  [["--nope=1"], "unknown flag: --nope"],
  [["-x"], "unknown shorthand flag: 'x' in -x"],
  [["-ixy"], "unknown shorthand flag: 'x' in -xy"],
  [["--limit"], "flag needs an argument: --limit"],
  [["-w"], "flag needs an argument: 'w' in -w"],
  [["-iw"], "flag needs an argument: 'w' in -w"],
  [["--=a"], "bad flag syntax: --=a"],
  [["---a"], "bad flag syntax: ---a"],
  [
    ["--limit", "x"],
    'invalid argument "x" for "--limit" flag: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [
    ["-i=x"],
    'invalid argument "x" for "-i, --interactive" flag: strconv.ParseBool: parsing "x": invalid syntax',
  ],
  [
    ["--timeout=5"],
    'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"',
  ],
])("FlagSet.parse refuses %j", (words, message) => {
  const refused = flags().parse(words);
  expect(refused).toBeInstanceOf(FlagError);
  expect(refused).toMatchObject({ message, isHelp: false });
});

test("FlagSet.parse meets a request for help where no flag has the name", () => {
  expect(flags().parse(["-h"])).toMatchObject({ isHelp: true });
  expect(flags().parse(["--help"])).toMatchObject({ isHelp: true });
});

test("FlagSet stores what Go stores for a refused value", () => {
  const set = flags();
  set.parse(["--limit=99999999999999999999"]);
  expect(set.getInteger("limit")).toBe((1n << 63n) - 1n);
  set.parse(["--timeout=x"]);
  expect(set.getInteger("timeout")).toBe(0n);
  expect(set.isChanged("timeout")).toBe(false);
});

test("FlagSet shares flags by reference and lists them by name", () => {
  const set = flags();
  const other = new FlagSet();
  for (const flag of set.all()) other.share(flag);
  other.parse(["--limit=3"]);
  expect(set.getInteger("limit")).toBe(3n);
  expect(set.isChanged("limit")).toBe(true);
  const names = ["endpoints", "interactive", "limit", "prefix", "ratio", "timeout", "write-out"];
  expect(set.all().map(({ name }) => name)).toEqual(names);
});
