/**
 * Scripts as tests: text files of commands, each with the output that it must produce.
 *
 * ```
 * # a comment
 * command argument key=value key=(a,b)
 * input, any number of lines
 * ----
 * expected output, up to a blank line
 * ```
 * Output that holds blank lines is fenced: a second `----` above it, and two below. A command line that
 * ends in a backslash goes on in the next line. `subtest name` and `subtest end` are headings.
 *
 * With SCRIPTS_REWRITE=1 the files are rewritten with the output there was. Look at the difference, and
 * keep it only when every line of it is understood.
 */
import { readFileSync, writeFileSync } from "node:fs";

/** One `key`, `key=value` or `key=(value,value)`. */
export interface ScriptArgument {
  readonly key: string;
  /** Empty for a key alone. */
  readonly values: readonly string[];
}

/** One command of a script. */
export interface Directive {
  readonly command: string;
  readonly args: readonly ScriptArgument[];
  /** Without surrounding white space. */
  readonly input: string;
  readonly expected: string;
  /** Line of the command in its file, from 1. */
  readonly line: number;
}

/** A part of a script: lines that stand as they are, or a directive with the lines up to its fence. */
type ScriptPart =
  | { readonly kind: "verbatim"; readonly lines: readonly string[] }
  | {
      readonly kind: "directive";
      readonly lines: readonly string[];
      readonly directive: Directive;
    };

/** What came of a script: its text as it is, and as it would be with the output there was. */
export interface ScriptOutcome {
  readonly expected: string;
  readonly actual: string;
}

const FENCE = "----";

/**
 * Runs the script at `path`: `handle` answers every directive with its output. `rewritable`: whether the
 * file is ours to rewrite.
 */
export function runScript(
  path: string,
  handle: (directive: Directive) => string,
  rewritable: boolean,
): ScriptOutcome {
  const parts = parseScript(readFileSync(path, "utf8"));
  let expected = "";
  let actual = "";
  for (const part of parts) {
    const head = part.lines.map((line) => `${line}\n`).join("");
    if (part.kind === "verbatim") {
      expected += head;
      actual += head;
      continue;
    }
    expected += head + fenced(part.directive.expected);
    actual += head + fenced(handle(part.directive));
  }
  if (rewritable && process.env["SCRIPTS_REWRITE"] === "1" && actual !== expected) {
    writeFileSync(path, `${actual.trimEnd()}\n`);
    return { expected: actual, actual };
  }
  return { expected, actual };
}

function fenced(output: string): string {
  const text = output === "" || output.endsWith("\n") ? output : `${output}\n`;
  if (!/^\s*$/m.test(text.slice(0, -1)) || text === "") return `${FENCE}\n${text}\n`;
  return `${FENCE}\n${FENCE}\n${text}${FENCE}\n${FENCE}\n\n`;
}

function parseScript(text: string): ScriptPart[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const parts: ScriptPart[] = [];
  let at = 0;
  while (at < lines.length) {
    const start = at;
    if (isVerbatim(lines[at])) {
      parts.push({ kind: "verbatim", lines: [lines[at]] });
      at++;
      continue;
    }
    let head = lines[at++].trim();
    while (head.endsWith("\\") && at < lines.length) {
      head = `${head.slice(0, -1)} ${lines[at++].trim()}`;
    }
    const inputStart = at;
    while (at < lines.length && lines[at] !== FENCE) at++;
    const input = lines.slice(inputStart, at).join("\n").trim();
    const kept = lines.slice(start, at);
    const { expected, next } = readExpected(lines, at + 1);
    at = next;
    const directive = { ...parseCommand(head), input, expected, line: start + 1 };
    parts.push({ kind: "directive", lines: kept, directive });
  }
  return parts;
}

function isVerbatim(line: string): boolean {
  const text = line.trim();
  return text === "" || text.startsWith("#") || /^subtest\s/.test(text);
}

/** Reads the expected output whose first line is at `from`, and the blank line behind it. */
function readExpected(
  lines: readonly string[],
  from: number,
): { readonly expected: string; readonly next: number } {
  let at = from;
  const expected: string[] = [];
  if (lines[at] === FENCE) {
    at++;
    while (at < lines.length && !(lines[at] === FENCE && lines[at + 1] === FENCE)) {
      expected.push(lines[at++]);
    }
    at += 2;
  } else {
    while (at < lines.length && lines[at].trim() !== "") expected.push(lines[at++]);
  }
  return { expected: expected.map((line) => `${line}\n`).join(""), next: at + 1 };
}

function parseCommand(head: string): Pick<Directive, "command" | "args"> {
  const words = head.match(/[^\s=()]+(?:\s*=\s*(?:\([^)]*\)|[^\s()]*))?/g);
  if (words === null) throw new Error(`Cannot parse command ${JSON.stringify(head)}`);
  return { command: words[0], args: words.slice(1).map(parseArgument) };
}

function parseArgument(word: string): ScriptArgument {
  const split = word.indexOf("=");
  if (split < 0) return { key: word, values: [] };
  const key = word.slice(0, split).trim();
  const value = word.slice(split + 1).trim();
  if (!value.startsWith("(")) return { key, values: [value] };
  const inner = value.slice(1, -1).trim();
  return { key, values: inner === "" ? [] : inner.split(",").map((each) => each.trim()) };
}

/** The only value of argument `key`. */
export function argumentOf(directive: Directive, key: string): string | undefined {
  return directive.args.find((argument) => argument.key === key)?.values[0];
}

/** Reads `true` and `false`. */
export function parseBoolean(text: string): boolean {
  if (text === "true" || text === "1" || text === "t") return true;
  if (text === "false" || text === "0" || text === "f") return false;
  throw new Error(`Cannot read ${JSON.stringify(text)} as true or false`);
}
