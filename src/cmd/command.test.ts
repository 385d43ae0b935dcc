import { expect, test } from "vitest";
import { Command } from "./command.ts";
import { FlagError, FlagSet } from "./pflag.ts";
import { plainUsagePage, usagePage } from "./usage.ts";

const run = (): void => undefined;

function tree(): Command<undefined> {
  return new Command<undefined>({
    use: "tool",
    short: "A tool.",
    persistentFlags: new FlagSet()
      .string("form", "simple", "how to print", "w")
      .bool("debug", false, "say more"),
    commands: [
      {
        use: "get <key>",
        short: "Gets a key",
        flags: new FlagSet().bool("prefix", false, "p"),
        run,
      },
      {
        use: "member <subcommand>",
        short: "Members",
        commands: [{ use: "list", short: "Lists", run }],
      },
      { use: "move", short: "Moves", long: "\nMoves things.\n\n- really\n", run },
      { use: "version", short: "Prints the version", run },
    ],
  });
}

function found(...words: string[]): [path: string, rest: readonly string[]] | string {
  const result = tree().find(words);
  return result instanceof FlagError ? result.message : [result.command.path, result.rest];
}

test("Command.find passes over flags and their values", () => {
  expect(found("get", "a")).toEqual(["tool get", ["a"]]);
  expect(found("-w", "json", "get", "a")).toEqual(["tool get", ["-w", "json", "a"]]);
  expect(found("--form", "get", "get", "a")).toEqual(["tool get", ["--form", "get", "a"]]);
  expect(found("--debug", "get", "a")).toEqual(["tool get", ["--debug", "a"]]);
  expect(found("--form=x", "-wy", "get", "--prefix", "get")).toEqual([
    "tool get",
    ["--form=x", "-wy", "--prefix", "get"],
  ]);
  expect(found("--", "get")).toEqual(["tool", ["--", "get"]]);
  expect(found()).toEqual(["tool", []]);
});

test("Command.find passes over what looks like the value of a flag for help", () => {
  expect(found("--help", "get", "a")).toBe('unknown command "a" for "tool"');
  expect(found("-h", "get")).toEqual(["tool", ["-h", "get"]]);
  expect(found("member", "--help", "list")).toEqual(["tool member", ["--help", "list"]]);
});

test("Command.find takes a beginning for what is not an addition, and names no hidden command", () => {
  const root = new Command<undefined>({
    use: "tool",
    short: "A tool.",
    commands: [
      { use: "complete", short: "Later", isAddition: true, run },
      { use: "compact", short: "Own", run },
      { use: "later", short: "Hidden", isAddition: true, isHidden: true, run },
    ],
  });
  const path = (word: string): string => {
    const result = root.find([word]);
    return result instanceof FlagError ? result.message : result.command.name;
  };
  expect(["com", "complet", "lat", "later"].map(path)).toEqual([
    "compact",
    "complete",
    "later",
    "later",
  ]);
  expect(path("latex")).toBe('unknown command "latex" for "tool"');
  expect(path("compacy")).toContain("Did you mean this?\n\tcompact\n");
  expect(usagePage(root, { version: "1", apiVersion: "1" })).not.toContain("later");
});

test("Command.find takes unambiguous beginnings of names", () => {
  expect(found("ver")).toEqual(["tool version", []]);
  expect(found("mem", "l")).toEqual(["tool member list", []]);
  expect(found("m")).toContain('unknown command "m" for "tool"');
});

test("Command.find suggests names that are near, or begin the same", () => {
  expect(found("vresion")).toBe(
    'unknown command "vresion" for "tool"\n\nDid you mean this?\n\tversion\n',
  );
  expect(found("m")).toBe(
    'unknown command "m" for "tool"\n\nDid you mean this?\n\tmember\n\tmove\n',
  );
  expect(found("nonsense")).toBe('unknown command "nonsense" for "tool"');
});

test("Command.find leaves unknown words below the root to the command", () => {
  expect(found("member", "nope")).toEqual(["tool member", ["nope"]]);
});

test("Command.parse asks for help where there is nothing to run", () => {
  const result = tree().find(["member", "nope"]);
  if (result instanceof FlagError) throw result;
  expect(result.command.parse(result.rest)).toMatchObject({ isHelp: true });
});

test("usagePage lays out the page of a tool and of a command", () => {
  const root = tree();
  const version = { version: "1.2.3", apiVersion: "1.2" };
  expect(usagePage(root, version)).toBe(`NAME:
	tool - A tool.

USAGE:
	tool [flags]

VERSION:
	1.2.3

API VERSION:
	1.2


COMMANDS:
	get		Gets a key
	member list	Lists
	move		Moves
	version		Prints the version

OPTIONS:
      --debug[=false]	say more
  -w, --form="simple"	how to print
  -h, --help[=false]	help for tool

`);
  const move = root.commands.find(({ name }) => name === "move");
  if (move === undefined) throw new Error("The command is missing");
  expect(usagePage(move, version)).toBe(`NAME:
	move - Moves

USAGE:
	tool move [flags]

DESCRIPTION:
	Moves things.
	
	- really

OPTIONS:
  -h, --help[=false]	help for move

GLOBAL OPTIONS:
      --debug[=false]	say more
  -w, --form="simple"	how to print

`);
});

test("plainUsagePage is the page of the flag library", () => {
  const command = new Command<undefined>({
    use: "get [options] <key>",
    short: "Gets",
    flags: new FlagSet().string("lease", "0", "an id").int64("limit", 0n, "a number"),
    run,
  });
  expect(plainUsagePage(command)).toBe(`Usage:
  get [options] <key> [flags]

Flags:
  -h, --help           help for get
      --lease string   an id (default "0")
      --limit int      a number
`);
});

/** A tool as etcdutl is: a command that needs things, and one that is there for the old days. */
function utility(): Command<undefined> {
  return new Command<undefined>({
    use: "utility",
    short: "A utility.",
    persistentFlags: new FlagSet().string("form", "simple", "how to print", "w"),
    commands: [
      {
        use: "restore <file> --into {folder} [options]",
        short: "Restores a file",
        flags: new FlagSet()
          .string("into", "", "where to")
          .string("from", "", "where from")
          .uint64("bump", 0n, "by how much")
          .bool("check", true, "whether to look"),
        requiredFlags: ["from", "into"],
        run,
      },
      { use: "one <file>", short: "Takes one file", exactArguments: 1, run },
      {
        use: "old <file>",
        short: "Of old",
        deprecated: "Use `new` instead",
        hidesFlagsInUse: true,
        run,
      },
      { use: "group", short: "Groups", commands: [{ use: "member", short: "Is in it", run }] },
    ],
  });
}

function parsed(...words: string[]): string {
  const result = utility().find(words);
  if (result instanceof FlagError) return result.message;
  const call = result.command.parse(result.rest);
  return call instanceof FlagError ? call.message : call.args.join(" ");
}

test("Command.parse names the required flags that are missing", () => {
  expect(parsed("restore", "a")).toBe('required flag(s) "from", "into" not set');
  expect(parsed("restore", "a", "--into=b")).toBe('required flag(s) "from" not set');
  expect(parsed("restore", "a", "--into=", "--from", "c")).toBe("a");
});

test("Command.parse counts arguments where their number is given", () => {
  expect(parsed("one")).toBe("accepts 1 arg(s), received 0");
  expect(parsed("one", "a", "b")).toBe("accepts 1 arg(s), received 2");
  expect(parsed("one", "a")).toBe("a");
});

test("unsigned flags take no sign", () => {
  expect(parsed("restore", "--bump=-1")).toBe(
    'invalid argument "-1" for "--bump" flag: strconv.ParseUint: parsing "-1": invalid syntax',
  );
  expect(parsed("restore", "--bump=18446744073709551616")).toMatch(/value out of range$/);
  const words = ["a", "--into=b", "--from=c", "--bump=0xffffffffffffffff"];
  expect(parsed("restore", ...words)).toBe("a");
});

test("plainUsagePage lists commands, but none that is deprecated", () => {
  expect(plainUsagePage(utility())).toBe(`Usage:
  utility [command]

Available Commands:
  group       Groups
  one         Takes one file
  restore     Restores a file

Flags:
  -w, --form string   how to print (default "simple")
  -h, --help          help for utility

Use "utility [command] --help" for more information about a command.
`);
});

test("plainUsagePage has the flags of a command and those of all", () => {
  const found = utility().find(["restore"]);
  if (found instanceof FlagError) throw found;
  expect(plainUsagePage(found.command)).toBe(`Usage:
  utility restore <file> --into {folder} [options] [flags]

Flags:
      --bump uint     by how much
      --check         whether to look (default true)
      --from string   where from
  -h, --help          help for restore
      --into string   where to

Global Flags:
  -w, --form string   how to print (default "simple")
`);
  expect(plainUsagePage(found.command, false)).not.toContain("--help");
});

test("a deprecated command shows its line without flags", () => {
  const found = utility().find(["old"]);
  if (found instanceof FlagError) throw found;
  expect(found.command.useLine).toBe("utility old <file>");
  expect(found.command.spec.deprecated).toBe("Use `new` instead");
});
