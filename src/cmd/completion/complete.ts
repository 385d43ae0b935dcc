/**
 * What could follow a command line: names of commands and of flags, and whether files may stand there.
 *
 * All texts are byte strings.
 *
 * Source: spf13/cobra 1.8 (completions.go: getCompletions, checkIfFlagCompletion).
 */
import type { Command } from "../command.ts";
import { type Flag, FlagError } from "../pflag.ts";
import { ExitCode } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";
import type { CompletionRequest } from "./request.ts";

/** What a shell shall do with an answer: the numbers that scripts know, and the names that people read. */
const FILES = { code: 0, name: "ShellCompDirectiveDefault" };
const NO_FILES = { code: 4, name: "ShellCompDirectiveNoFileComp" };

interface Completions {
  /** Each one a word, with a tab and its description. */
  readonly candidates: readonly string[];
  readonly directive: typeof FILES;
  /** Why there are none, for whoever looks for it. */
  readonly problem?: string;
}

/** The word to complete, taken apart. */
interface LastWord {
  /** The flag whose value it is. */
  readonly flag: Flag | undefined;
  /** The flag before it, which the command does not have. */
  readonly unknownFlag?: string;
  /** The words before it that can be parsed. */
  readonly before: readonly string[];
  /** What is typed of it. */
  readonly typed: string;
}

/** Answers a shell: candidates and directive on the output, the directive's name on the error stream. */
export function answerCompletion<C>(
  root: Command<C>,
  { words, withDescriptions }: CompletionRequest,
  io: ToolIo,
): ExitCode {
  const last = words.at(-1);
  if (last === undefined) {
    const error = "Error: requires at least 1 arg(s), only received 0\n";
    io.error(error + error);
    return ExitCode.ERROR;
  }
  const { candidates, directive, problem } = completionsOf(root, words.slice(0, -1), last);
  if (problem !== undefined) io.error(`[Debug] [Error] ${problem}\n`);
  const lines = candidates.map((candidate) => {
    const [line] = (withDescriptions ? candidate : candidate.split("\t", 1)[0]).split("\n", 1);
    return `${line.trim()}\n`;
  });
  io.out(`${lines.join("")}:${directive.code}\n`);
  io.error(`Completion ended with directive: ${directive.name}\n`);
  return ExitCode.SUCCESS;
}

function completionsOf<C>(root: Command<C>, words: readonly string[], last: string): Completions {
  const found = root.find(words);
  if (found instanceof FlagError) {
    const problem = `unable to find a command for arguments: ${listed(words)}`;
    return { candidates: [], directive: FILES, problem };
  }
  const { command } = found;
  const { flag, unknownFlag, before, typed } = lastWord(command, found.rest, last);
  // Where flags have ended, what follows a dash is a word like others.
  const withEnd = command.flags.parse([...before, "--"]);
  const args = command.flags.parse(before);
  if (args instanceof FlagError) {
    const problem = `Error while parsing flags from args ${listed(before)}: ${args.message}`;
    return { candidates: [], directive: FILES, problem };
  }
  const haveFlagsEnded = !(withEnd instanceof FlagError) && withEnd.length > args.length;
  if (unknownFlag !== undefined && !haveFlagsEnded) {
    const problem = `Subcommand '${command.name}' does not support flag '${unknownFlag}'`;
    return { candidates: [], directive: FILES, problem };
  }
  if (command.flags.isChanged("help")) return { candidates: [], directive: NO_FILES };
  if (flag !== undefined && !haveFlagsEnded) return { candidates: [], directive: FILES };
  if (flag === undefined && typed.startsWith("-") && !typed.includes("=") && !haveFlagsEnded) {
    return { candidates: flagNames(command, typed), directive: NO_FILES };
  }
  return argumentsOf(root, command, args, typed, flag === undefined);
}

/** Looks whether `last` is the value of a flag. */
function lastWord<C>(command: Command<C>, words: readonly string[], last: string): LastWord {
  const equals = last.indexOf("=");
  if (last.startsWith("-")) {
    if (equals < 0) return { flag: undefined, before: words, typed: last };
    const isLong = last.slice(0, equals).startsWith("--");
    const name = isLong ? last.slice(2, equals) : last[equals - 1];
    if (name !== "") return withFlag(command, words, last, name, last.slice(equals + 1));
  }
  const previous = words.at(-1) ?? "";
  const isFlag = /^(--.|-[^-])/s.test(previous) && !previous.includes("=");
  if (!isFlag) return { flag: undefined, before: words, typed: last };
  const name = previous.startsWith("--") ? previous.slice(2) : previous.slice(-1);
  const found = withFlag(command, words.slice(0, -1), last, name, last);
  const isValue = found.flag !== undefined && found.flag.kind !== "bool";
  return isValue ? found : { ...found, flag: undefined, before: words };
}

function withFlag<C>(
  command: Command<C>,
  before: readonly string[],
  last: string,
  name: string,
  typed: string,
): LastWord {
  const { flags } = command;
  const flag = name.length === 1 ? flags.lookupShorthand(name) : flags.lookup(name);
  if (flag === undefined) return { flag, unknownFlag: name, before, typed: last };
  return { flag, before, typed };
}

/** Flags that begin with `typed`: those without which the command does not run, or else all others. */
function flagNames<C>(command: Command<C>, typed: string): string[] {
  const required = requiredFlags(command, typed);
  if (required.length > 0) return required;
  const open = [...command.inheritedFlags.all(), ...command.localFlags.all()].filter(
    (flag) => !flag.changed || flag.kind === "stringSlice",
  );
  return open.flatMap((flag) => namesOf(flag, typed));
}

function requiredFlags<C>(command: Command<C>, typed: string): string[] {
  const names = command.spec.requiredFlags ?? [];
  const missing = command.localFlags
    .all()
    .filter((flag) => names.includes(flag.name) && !flag.changed);
  return missing.flatMap((flag) => namesOf(flag, typed));
}

function namesOf({ name, shorthand, usage, isHidden }: Flag, typed: string): string[] {
  if (isHidden) return [];
  const names = shorthand === "" ? [`--${name}`] : [`--${name}`, `-${shorthand}`];
  return names.filter((one) => one.startsWith(typed)).map((one) => `${one}\t${usage}`);
}

function argumentsOf<C>(
  root: Command<C>,
  command: Command<C>,
  args: readonly string[],
  typed: string,
  isArgument: boolean,
): Completions {
  if (!isArgument) return { candidates: [], directive: FILES };
  const { completes, flags } = command.spec;
  const isBare = args.length === 0 && !(flags?.all() ?? []).some((flag) => flag.changed);
  const below = isBare ? commandNames(command, typed) : [];
  const candidates = [...below, ...requiredFlags(command, typed)];
  const hasCommands = isBare && command.commands.length > 0;
  if (completes === undefined) {
    return { candidates, directive: hasCommands ? NO_FILES : FILES };
  }
  if (completes === "commands") {
    const topic = root.find(args);
    if (!(topic instanceof FlagError)) candidates.push(...commandNames(topic.command, typed));
  }
  return { candidates, directive: NO_FILES };
}

function commandNames<C>({ shownCommands }: Command<C>, typed: string): string[] {
  const offered = shownCommands.filter(({ name }) => name.startsWith(typed));
  return offered.map(({ name, spec }) => `${name}\t${spec.short}`);
}

/** A list as Go prints it. */
function listed(words: readonly string[]): string {
  return `[${words.join(" ")}]`;
}
