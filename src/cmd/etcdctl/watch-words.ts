/**
 * The words of a watch: what to watch, and behind "--" the program to run for every event.
 *
 *   watch [flags] [key] [range_end] [-- program words…]
 *
 * Upstream takes the program from the words as they were typed, and finds where the arguments end by looking
 * for its name from behind; a program's word that repeats its name therefore counts as an argument. So here.
 *
 * Source: etcd etcdctl/ctlv3/command/watch_command.go (parseWatchArgs, getWatchChan).
 */
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import type { WatchCreateRequest } from "../../wire/gen/rpc.ts";
import { FlagError, type FlagSet } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { watchFlags } from "./key-flags.ts";
import { prefixRange } from "../key-prefix.ts";
import { safeNumber } from "./requests.ts";

/** A watch as words. Byte strings. */
export interface WatchWords {
  /** Key and range end, as far as they are given. */
  readonly range: readonly string[];
  /** Program and arguments; empty for none. */
  readonly program: readonly string[];
}

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

const BAD_NUMBER = "bad number of arguments";
const CONFLICT = `${BAD_NUMBER} (found conflicting environment key)`;
const NO_PROGRAM = `${BAD_NUMBER} (found separator --, but no commands)`;

/**
 * The watch of a command line: `typed` are all its words with the tool's name, `args` what the flags left of
 * them, `fromEnvironment` the key and range end of the environment. Throws `ToolExit`.
 */
export function watchOfCommandLine(
  typed: readonly string[],
  args: readonly string[],
  fromEnvironment: readonly string[],
): WatchWords {
  const words = typed.slice(typed.indexOf("watch") + 1);
  const separator = words.indexOf("--");
  const hasKey = fromEnvironment.length > 0;
  if (separator < 0) {
    if (words.length === 0 && !hasKey) throw badArguments(BAD_NUMBER);
    if (args.length > 0 && hasKey) throw badArguments(CONFLICT);
  } else {
    if (separator === words.length - 1) throw badArguments(NO_PROGRAM);
    if (hasKey && hasMore(args, words, separator)) throw badArguments(CONFLICT);
  }
  return separate(words, args, fromEnvironment);
}

/** Whether `args` has an argument in front of those that stand behind the separator in `words`. */
function hasMore(args: readonly string[], words: readonly string[], separator: number): boolean {
  let at = words.length - 1;
  for (const argument of args.toReversed()) {
    if (argument === words[at]) at--;
    else if (at === separator) return true;
  }
  return false;
}

/** The watch of a line of interactive mode, and its flags; `line` begins behind "watch". */
export function watchOfLine(
  line: readonly string[],
  fromEnvironment: readonly string[],
): WatchWords & { readonly flags: FlagSet } {
  const separator = line.indexOf("--");
  if (separator >= 0 && separator === line.length - 1) throw badArguments(NO_PROGRAM);
  const flags = watchFlags();
  const args = flags.parse(line);
  if (args instanceof FlagError) throw badArguments(args.message);
  const hasKey = fromEnvironment.length > 0;
  if (separator < 0 && args.length === 0 && !hasKey) throw badArguments(BAD_NUMBER);
  if (separator < 0 && args.length > 0 && hasKey) throw badArguments(CONFLICT);
  return { ...separate(line, args, fromEnvironment), flags };
}

function separate(
  words: readonly string[],
  args: readonly string[],
  fromEnvironment: readonly string[],
): WatchWords {
  const all = [...fromEnvironment, ...args];
  const separator = words.indexOf("--");
  if (separator < 0) return { range: all, program: [] };
  const program = words.slice(separator + 1);
  const end = all.lastIndexOf(program[0]);
  if (end < 0) {
    const text = "runtime error: slice bounds out of range [:-1]";
    throw new ToolExit(ExitCode.CRASH, text, "panic: ");
  }
  return { range: all.slice(0, end), program };
}

/** The request of a watch. Throws `ToolExit`. */
export function watchRequest(
  flags: FlagSet,
  range: readonly string[],
): Partial<WatchCreateRequest> {
  if (range.length === 0) throw badArguments(BAD_NUMBER);
  const isPrefix = flags.getBool("prefix");
  const hasEnd = range.length === 2;
  if (hasEnd && isPrefix) throw badArguments("`range_end` and `--prefix` are mutually exclusive");
  const key = bytesFromLatin1(range[0]);
  return {
    key,
    ...(hasEnd ? { rangeEnd: bytesFromLatin1(range[1]) } : {}),
    ...(isPrefix ? prefixRange(key) : {}),
    startRevision: safeNumber(flags.getInteger("rev")),
    prevKv: flags.getBool("prev-kv"),
    progressNotify: flags.getBool("progress-notify"),
  };
}
