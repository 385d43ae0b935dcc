/**
 * The words of a transaction as people type them: lines of words with quotes, and comparisons.
 *
 *   mod("key") > "0"          target(key) operator value, all in Go's quotes
 *   put key "a \"value\""     words; "…" is a Go string literal, '…' is taken as it is
 *
 * All texts are byte strings.
 *
 * Source: etcd etcdctl/ctlv3/command/txn_command.go (parseCompare), util.go (argify); Go fmt (Sscanf).
 */
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import { goQuote, goUnquote } from "../../stdx/go-quote.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type CompareTargetUnion,
  createCompare,
} from "../../wire/gen/rpc.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { safeNumber } from "./requests.ts";

function invalidInput(message: string): ToolExit {
  return new ToolExit(ExitCode.INVALID_INPUT, message);
}

/** A quoted word, or a run without blanks; a quote that is not closed is no part of any word. */
const WORD = /"(?:[^"\\]|\\[^\n])*"|'[^']*'|[^'"\t\n\f\r ][^\t\n\f\r ]*[^'"\t\n\f\r ]?/g;

/** The words of `line`. Throws `ToolExit` for a bad escape. */
export function splitWords(line: string): string[] {
  return (line.match(WORD) ?? []).map((word) => {
    // Differs from etcd 3.5.16: words in single quotes came out cut or crashed the tool; fixed later in 3.5.
    if (word.startsWith("'")) return word.slice(1, -1);
    if (!word.startsWith('"')) return word;
    const text = goUnquote(word);
    if (text === undefined) throw invalidInput("invalid syntax");
    return text;
  });
}

/** What could be read of a comparison, from the left. */
interface ComparisonWords {
  key: string;
  operator: string;
  value: string;
  isComplete: boolean;
}

const QUOTED = /[\t\v\f\r ]*("(?:[^"\\]|\\.)*"|`[^`]*`)/sy;
const OPERATOR = /\)[\t\v\f\r ]+([^\t\n\v\f\r ]+)(?=[\t\v\f\r ]|$)/y;

function scanComparison(text: string): ComparisonWords {
  const words: ComparisonWords = { key: "", operator: "", value: "", isComplete: false };
  const key = scanQuoted(text, 0);
  if (key === undefined) return words;
  words.key = key.text;
  OPERATOR.lastIndex = key.end;
  const operator = OPERATOR.exec(text);
  if (operator === null) return words;
  words.operator = operator[1];
  const value = scanQuoted(text, OPERATOR.lastIndex);
  if (value === undefined) return words;
  return { ...words, value: value.text, isComplete: true };
}

function scanQuoted(text: string, start: number): { text: string; end: number } | undefined {
  QUOTED.lastIndex = start;
  const literal = QUOTED.exec(text)?.[1];
  const unquoted = literal === undefined ? undefined : goUnquote(literal);
  return unquoted === undefined ? undefined : { text: unquoted, end: QUOTED.lastIndex };
}

const RESULTS: ReadonlyMap<string, CompareResult> = new Map([
  ["=", CompareResult.EQUAL],
  ["!=", CompareResult.NOT_EQUAL],
  [">", CompareResult.GREATER],
  ["<", CompareResult.LESS],
]);

/** Reads one comparison. Throws `ToolExit`. */
export function parseCompare(line: string): Compare {
  const open = line.indexOf("(");
  if (open < 0) throw invalidInput(`malformed comparison: ${line}`);
  const target = line.slice(0, open);
  const { key, operator, value, isComplete } = scanComparison(line.slice(open + 1));
  if (!isComplete) {
    const got = `${target}(${goQuote(key)}) ${operator} ${goQuote(value)}`;
    throw invalidInput(`malformed comparison: ${line}; got ${got}`);
  }
  const kind = TARGETS.get(target);
  if (kind === undefined) {
    throw invalidInput(`malformed comparison: ${line} (unknown target ${target})`);
  }
  const isNumber = kind !== "value" && kind !== "lease";
  const number = isNumber ? parseGoInt64(value, 10) : 0n;
  if (number instanceof GoNumberError) throw invalidInput(`invalid txn compare request: ${line}`);
  const result = RESULTS.get(operator);
  // Both end the original with a crash and code 2.
  if (result === undefined) throw crash("Unknown result op");
  if (kind === "lease") throw crash("bad value");
  const targetUnion: CompareTargetUnion =
    kind === "value"
      ? { case: "value", value: bytesFromLatin1(value) }
      : { case: kind, value: safeNumber(number) };
  return createCompare({
    key: bytesFromLatin1(key),
    result,
    target: COMPARE_TARGETS[kind],
    targetUnion,
  });
}

type TargetKind = "version" | "createRevision" | "modRevision" | "value" | "lease";

const TARGETS: ReadonlyMap<string, TargetKind> = new Map([
  ["ver", "version"],
  ["version", "version"],
  ["c", "createRevision"],
  ["create", "createRevision"],
  ["m", "modRevision"],
  ["mod", "modRevision"],
  ["val", "value"],
  ["value", "value"],
  ["lease", "lease"],
]);

const COMPARE_TARGETS = {
  version: CompareTarget.VERSION,
  createRevision: CompareTarget.CREATE,
  modRevision: CompareTarget.MOD,
  value: CompareTarget.VALUE,
} as const;

/** The first line of a Go panic. */
function crash(message: string): ToolExit {
  return new ToolExit(ExitCode.CRASH, message, "panic: ");
}
