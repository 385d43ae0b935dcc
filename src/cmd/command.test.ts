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
