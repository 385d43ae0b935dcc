/**
 * Command lines for etcdctl whose outcome is the same on every fresh cluster of one member, and a mask for
 * what differs between two such clusters.
 *
 * Running the whole list in order against two servers (or with two tools) and comparing the masked outcomes
 * line by line is a differential test of both the tool and the server: revisions, versions, leases and
 * errors must agree exactly, because each line builds on the ones before.
 */
import { Prng } from "../../src/stdx/prng.ts";
import { FIXED_LINES } from "./etcdctl-fixed-lines.ts";

/** One run of the tool. */
export interface CommandLine {
  /**
   * `{endpoint}` stands for the server's `host:port`, `{dead}` for one where nobody listens, `{member}` for
   * the id of the only member.
   */
  readonly args: readonly string[];
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const KEYS = [
  "a",
  "b",
  "foo",
  "foo1",
  "foo2",
  "foo/bar",
  "key with blanks",
  "ключ",
  "k<e>&y",
  "tab\there",
  "new\nline",
  'quo"te',
  "back\\slash",
  "\u0001\u007f",
  "z".repeat(64),
];

const VALUES = [
  "1",
  "2",
  "value",
  "",
  "two\nlines\n",
  "знач",
  "<html>&amp;</html>",
  "'single' and \"double\"",
  "\u0001\u0007\b\f\r\u001b",
  "😀\u2028\u00a0\ufeff",
  "x".repeat(300),
];

const FORMS = ["simple", "simple", "simple", "json", "fields", "protobuf"];

const PLACES = ["", "f", "foo", "foo1", "foo2", "k", "z", "\u0001", "ж"];

/** The fixed lines, then `count` random ones, the same for the same seed. */
export function commandList(seed: number, count = 150): CommandLine[] {
  const prng = new Prng(seed);
  const lines: CommandLine[] = [...FIXED_LINES];
  // Revisions that random lines ask for: those of the fixed lines and somewhat more.
  const revisionMax = 200;
  for (let i = 0; i < count; i++) lines.push(randomLine(prng, revisionMax));
  return lines;
}

function randomLine(prng: Prng, revisionMax: number): CommandLine {
  const roll = prng.below(100);
  if (roll < 30) return put(prng);
  if (roll < 65) return get(prng, revisionMax);
  if (roll < 75) return del(prng);
  if (roll < 95) return txn(prng);
  if (roll < 97) return run("compaction", String(prng.below(revisionMax)), ...form(prng));
  return prng.pick([
    run("member", "list", ...form(prng)),
    run("endpoint", "status", ...form(prng)),
  ]);
}

function run(...args: string[]): CommandLine {
  return { args: ["--endpoints={endpoint}", ...args] };
}

function form(prng: Prng): string[] {
  const name = prng.pick(FORMS);
  const hex = prng.chance(0.15) ? ["--hex"] : [];
  if (name === "simple") return hex;
  return [...prng.pick([[`--write-out=${name}`], ["-w", name], [`-w${name}`]]), ...hex];
}

function maybe(prng: Prng, probability: number, ...flags: string[]): string[] {
  return prng.chance(probability) ? flags : [];
}

function put(prng: Prng): CommandLine {
  const flags = [
    ...form(prng),
    ...maybe(prng, 0.3, "--prev-kv"),
    ...maybe(prng, 0.1, "--ignore-lease"),
  ];
  const key = prng.pick(KEYS);
  if (prng.chance(0.1)) return run("put", ...flags, "--ignore-value", "--", key);
  if (prng.chance(0.1)) return { ...run("put", ...flags, key), input: prng.pick(VALUES) };
  return run("put", ...flags, "--", key, prng.pick(VALUES));
}

function get(prng: Prng, revisionMax: number): CommandLine {
  const flags = [
    ...form(prng),
    ...maybe(prng, 0.2, `--limit=${prng.below(4)}`),
    ...maybe(prng, 0.2, `--rev=${prng.below(revisionMax)}`),
    ...maybe(prng, 0.3, "--order", prng.pick(["ASCEND", "descend"])),
    ...maybe(prng, 0.1, "--keys-only"),
    ...maybe(prng, 0.1, "--print-value-only"),
    ...maybe(prng, 0.2, "--consistency", prng.pick(["s", "l"])),
  ];
  if (prng.chance(0.1))
    return run("get", "-w", "fields", "--count-only", "--prefix", prng.pick(PLACES));
  if (prng.chance(0.25)) {
    const target = prng.pick(["create", "KEY", "Modify", "VALUE", "version"]);
    // Among equals the order is the server's own as soon as there are more than a dozen.
    return run("get", ...flags, "--sort-by", target, "--prefix", "--", "foo");
  }
  const range = prng.below(4);
  if (range === 0) return run("get", ...flags, "--", prng.pick(KEYS));
  if (range === 1) return run("get", ...flags, "--", prng.pick(PLACES), prng.pick(PLACES));
  return run("get", ...flags, range === 2 ? "--prefix" : "--from-key", "--", prng.pick(PLACES));
}

function del(prng: Prng): CommandLine {
  const flags = [...form(prng), ...maybe(prng, 0.5, "--prev-kv")];
  const range = prng.below(6);
  if (range === 0)
    return run("del", ...flags, "--range", "--", prng.pick(PLACES), prng.pick(PLACES));
  if (range === 1) return run("del", ...flags, "--prefix", "--", prng.pick(PLACES.slice(3)));
  return run("del", ...flags, "--", prng.pick(KEYS));
}

function txn(prng: Prng): CommandLine {
  const section = (make: (prng: Prng) => string): string => {
    const lines = Array.from({ length: prng.below(4) }, () => `${make(prng)}\n`);
    return `${lines.join("")}\n`;
  };
  const interactive = maybe(prng, 0.2, "-i");
  const input = section(comparison) + section(request) + section(request);
  return { ...run("txn", ...interactive, ...form(prng)), input };
}

function comparison(prng: Prng): string {
  const operator = prng.pick(["=", "!=", "<", ">"]);
  const key = quoted(prng.pick(KEYS));
  if (prng.chance(0.3)) return `val(${key}) ${operator} ${quoted(prng.pick(VALUES))}`;
  const target = prng.pick(["ver", "version", "c", "create", "m", "mod"]);
  return `${target}(${key}) ${operator} "${prng.below(30)}"`;
}

function request(prng: Prng): string {
  const key = quoted(prng.pick(KEYS));
  const roll = prng.below(5);
  if (roll < 2)
    return `put ${maybe(prng, 0.3, "--prev-kv ").join("")}${key} ${quoted(prng.pick(VALUES.slice(0, 8)))}`;
  if (roll < 4) return `get ${maybe(prng, 0.3, "--prefix ").join("")}${key}`;
  return `del ${maybe(prng, 0.3, "--prev-kv ").join("")}${key}`;
}

/** A Go string literal; every character that is not printable ASCII as an escape of its bytes. */
function quoted(text: string): string {
  let literal = "";
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") literal += `\\${character}`;
    else if (byte >= 0x20 && byte < 0x7f) literal += character;
    else literal += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${literal}"`;
}
