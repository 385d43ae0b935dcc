/**
 * Command-line flags as etcd's tools take them: `--name=value`, `--name value`, `-n value`, `-nvalue`,
 * `-n=value`, flags after arguments, `--` as the end of flags; with the refusals word for word.
 *
 * All texts are byte strings (one character per byte), as Go strings are.
 *
 * Source: spf13/pflag 1.0.5 (FlagSet.Parse, Value types, FlagUsages).
 */
import { GoDurationError, formatGoDuration, parseGoDuration } from "../stdx/go-duration.ts";
import {
  GoNumberError,
  parseGoBool,
  parseGoFloat64,
  parseGoInt64,
  parseGoUint64,
} from "../stdx/go-number.ts";
import { goQuote, goQuoteRune } from "../stdx/go-quote.ts";
import { assert } from "../stdx/assert.ts";
import { csvRecord, parseCsvRecord } from "./csv-record.ts";

/** The kind of a flag decides how its value is read, printed and described. */
export type FlagKind =
  | "bool"
  | "string"
  | "int64"
  | "uint64"
  | "uint32"
  | "float64"
  | "duration"
  | "stringSlice";

/** What a flag of each kind holds. Durations are nanoseconds. */
export type FlagValue = boolean | string | bigint | number | readonly string[];

/** A flag and its value now. */
export interface Flag {
  readonly kind: FlagKind;
  readonly name: string;
  /** One letter, or empty. */
  readonly shorthand: string;
  readonly usage: string;
  /** The default as help shows it. */
  readonly defaultText: string;
  /** Whether no page and no shell names it. */
  isHidden: boolean;
  value: FlagValue;
  /** Whether somebody set it, on the command line or through the environment. */
  changed: boolean;
}

/** A refused command line. `isHelp` marks the request for help, which prints no error. */
export class FlagError extends Error {
  readonly isHelp: boolean;

  constructor(message: string, isHelp = false) {
    super(message);
    this.name = "FlagError";
    this.isHelp = isHelp;
  }
}

/** A set of flags by name. Sets may share flags: a value set through one is seen through the other. */
export class FlagSet {
  readonly #flags = new Map<string, Flag>();

  /** Declares a flag; returns the set for chaining. */
  bool(name: string, value: boolean, usage: string, shorthand = ""): this {
    return this.#declare("bool", name, value, usage, shorthand);
  }

  string(name: string, value: string, usage: string, shorthand = ""): this {
    return this.#declare("string", name, value, usage, shorthand);
  }

  int64(name: string, value: bigint, usage: string): this {
    return this.#declare("int64", name, value, usage, "");
  }

  uint64(name: string, value: bigint, usage: string): this {
    return this.#declare("uint64", name, value, usage, "");
  }

  uint32(name: string, value: bigint, usage: string): this {
    return this.#declare("uint32", name, value, usage, "");
  }

  float64(name: string, value: number, usage: string): this {
    return this.#declare("float64", name, value, usage, "");
  }

  duration(name: string, nanoseconds: bigint, usage: string): this {
    return this.#declare("duration", name, nanoseconds, usage, "");
  }

  stringSlice(name: string, value: readonly string[], usage: string): this {
    return this.#declare("stringSlice", name, value, usage, "");
  }

  /** Takes flags off the pages: those of a later release than the one whose pages these are. */
  hide(...names: readonly string[]): this {
    for (const name of names) {
      const flag = this.lookup(name);
      assert(flag !== undefined, () => `There is no flag --${name} to hide`);
      flag.isHidden = true;
    }
    return this;
  }

  /** Adds a flag of another set, shared, unless one of the name is there. */
  share(flag: Flag): void {
    if (!this.#flags.has(flag.name)) this.#flags.set(flag.name, flag);
  }

  /** Adds the flags of another set, shared, except those whose names are there. Returns the set for chaining. */
  shareAll(others: FlagSet | undefined): this {
    if (others !== undefined) for (const flag of others.#flags.values()) this.share(flag);
    return this;
  }

  lookup(name: string): Flag | undefined {
    return this.#flags.get(name);
  }

  lookupShorthand(shorthand: string): Flag | undefined {
    for (const flag of this.#flags.values()) {
      if (shorthand !== "" && flag.shorthand === shorthand) return flag;
    }
    return undefined;
  }

  /** All flags, ordered by name. */
  all(): Flag[] {
    return [...this.#flags.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  getBool(name: string): boolean {
    const value = this.#value(name, "bool");
    assert(typeof value === "boolean", "A bool flag holds a boolean");
    return value;
  }

  getString(name: string): string {
    const value = this.#value(name, "string");
    assert(typeof value === "string", "A string flag holds text");
    return value;
  }

  /** The value of an int64, uint64, uint32 or duration flag. */
  getInteger(name: string): bigint {
    const value = this.lookup(name)?.value;
    assert(typeof value === "bigint", () => `Flag --${name} is not an integer`);
    return value;
  }

  /** The value of a float64 flag. */
  getNumber(name: string): number {
    const value = this.#value(name, "float64");
    assert(typeof value === "number", "A float64 flag holds a number");
    return value;
  }

  getStrings(name: string): readonly string[] {
    const value = this.#value(name, "stringSlice");
    assert(typeof value === "object", "A slice flag holds a list");
    return value;
  }

  isChanged(name: string): boolean {
    return this.lookup(name)?.changed === true;
  }

  /**
   * Sets a flag from text. A refused value still stores what Go stores then (zero, false, the nearest bound).
   * Returns the refusal.
   */
  set(flag: Flag, text: string): FlagError | undefined {
    const refusal = store(flag, text);
    if (refusal === undefined) {
      flag.changed = true;
      return undefined;
    }
    const shown = flag.shorthand === "" ? `--${flag.name}` : `-${flag.shorthand}, --${flag.name}`;
    return new FlagError(
      `invalid argument ${goQuote(text)} for ${goQuote(shown)} flag: ${refusal}`,
    );
  }

  /** Sets the flags of a command line and returns the remaining arguments, or the first refusal. */
  parse(commandLine: readonly string[]): string[] | FlagError {
    const rest: string[] = [];
    for (let at = 0; at < commandLine.length; ) {
      const word = commandLine[at++];
      if (word === "--") return rest.concat(commandLine.slice(at));
      if (!word.startsWith("-") || word === "-") {
        rest.push(word);
        continue;
      }
      const following = commandLine[at];
      const used = word.startsWith("--")
        ? this.#parseLong(word, following)
        : this.#parseShort(word, following);
      if (used instanceof FlagError) return used;
      if (used) at++;
    }
    return rest;
  }

  /** Reads `--name[=value]`; reports whether the following word was its value. */
  #parseLong(word: string, following: string | undefined): boolean | FlagError {
    const [name, value] = splitAtEquals(word.slice(2));
    if (name === "" || name.startsWith("-")) return new FlagError(`bad flag syntax: ${word}`);
    const flag = this.#flags.get(name);
    if (flag === undefined) {
      return name === "help" ? helpRequested() : new FlagError(`unknown flag: --${name}`);
    }
    if (value !== undefined) return this.set(flag, value) ?? false;
    if (flag.kind === "bool") return this.set(flag, "true") ?? false;
    if (following === undefined) return new FlagError(`flag needs an argument: ${word}`);
    return this.set(flag, following) ?? true;
  }

  /** Reads `-abc`, `-avalue`, `-a=value`; reports whether the following word was the value. */
  #parseShort(word: string, following: string | undefined): boolean | FlagError {
    for (let rest = word.slice(1); rest !== ""; rest = rest.slice(1)) {
      const letter = rest[0];
      const flag = this.lookupShorthand(letter);
      if (flag === undefined) {
        if (letter === "h") return helpRequested();
        const shown = goQuoteRune(letter.charCodeAt(0));
        return new FlagError(`unknown shorthand flag: ${shown} in -${rest}`);
      }
      if (rest.length > 2 && rest[1] === "=") return this.set(flag, rest.slice(2)) ?? false;
      if (flag.kind !== "bool") {
        if (rest.length > 1) return this.set(flag, rest.slice(1)) ?? false;
        if (following !== undefined) return this.set(flag, following) ?? true;
        const shown = goQuoteRune(letter.charCodeAt(0));
        return new FlagError(`flag needs an argument: ${shown} in -${rest}`);
      }
      const refusal = this.set(flag, "true");
      if (refusal !== undefined) return refusal;
    }
    return false;
  }

  #declare(kind: FlagKind, name: string, value: FlagValue, usage: string, shorthand: string): this {
    assert(!this.#flags.has(name), () => `Flag --${name} is declared twice`);
    const defaultText = flagText(kind, value);
    const flag = { kind, name, shorthand, usage, defaultText, value };
    this.#flags.set(name, { ...flag, isHidden: false, changed: false });
    return this;
  }

  #value(name: string, kind: FlagKind): FlagValue | undefined {
    const flag = this.#flags.get(name);
    assert(flag?.kind === kind, () => `Flag --${name} is not a ${kind}`);
    return flag.value;
  }
}

/** The value of a flag as Go prints it. */
export function flagText(kind: FlagKind, value: FlagValue): string {
  if (typeof value === "object") return `[${csvRecord(value)}]`;
  if (kind === "duration" && typeof value === "bigint") return formatGoDuration(value);
  return String(value);
}

const UINT32_MAX = 2n ** 32n - 1n;

function helpRequested(): FlagError {
  return new FlagError("pflag: help requested", true);
}

function splitAtEquals(text: string): [name: string, value: string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Reads `text` into the flag; returns the reason of a refusal. */
function store(flag: Flag, text: string): string | undefined {
  switch (flag.kind) {
    case "bool":
      return keep(flag, parseGoBool(text), false);
    case "int64":
    case "uint64": {
      const parsed = flag.kind === "int64" ? parseGoInt64(text, 0) : parseGoUint64(text, 0);
      return keep(flag, parsed, parsed instanceof GoNumberError ? parsed.stored : 0n);
    }
    case "uint32": {
      const parsed = parseGoUint64(text, 0);
      if (typeof parsed !== "bigint" || parsed <= UINT32_MAX) {
        return keep(flag, parsed, parsed instanceof GoNumberError ? parsed.stored : 0n);
      }
      flag.value = UINT32_MAX;
      return `strconv.ParseUint: parsing ${goQuote(text)}: value out of range`;
    }
    case "float64":
      return keep(flag, parseGoFloat64(text), 0);
    case "duration":
      return keep(flag, parseGoDuration(text), 0n);
    case "string":
      flag.value = text;
      return undefined;
    case "stringSlice": {
      const parsed = text === "" ? [] : parseCsvRecord(text);
      if (typeof parsed === "string") return parsed;
      // Given again, a list grows; the first time it replaces the default.
      flag.value =
        flag.changed && typeof flag.value === "object" ? [...flag.value, ...parsed] : parsed;
      return undefined;
    }
  }
}

function keep(
  flag: Flag,
  parsed: boolean | bigint | number | GoNumberError | GoDurationError,
  stored: boolean | bigint | number,
): string | undefined {
  const isRefused = parsed instanceof GoNumberError || parsed instanceof GoDurationError;
  flag.value = isRefused ? stored : parsed;
  return isRefused ? parsed.message : undefined;
}
