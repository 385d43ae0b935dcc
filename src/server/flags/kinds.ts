/**
 * The kinds of values that flags have: how a text becomes a value, and the refusal where it does not. The
 * same kinds read the command line and the environment.
 *
 * A flag given twice keeps its last value. Numbers beyond the safe integers are clamped: no such count, size
 * or time differs from the bound in effect.
 *
 * Source: Go flag (value types); etcd pkg/flags (3.5).
 */
import { bytesFromUtf8, latin1FromBytes } from "../../stdx/bytes.ts";
import { GoDurationError, parseGoDuration } from "../../stdx/go-duration.ts";
import { GoNumberError, parseGoBool, parseGoInt64, parseGoUint64 } from "../../stdx/go-number.ts";
import { goQuoteText } from "../../stdx/go-url.ts";
import { FlagRefusal } from "./refusal.ts";
import { parseServerUrls, type ServerUrl } from "../config/server-url.ts";

export interface FlagKind<T> {
  /** Whether the flag alone means true, so that a value needs "=". */
  readonly isBool: boolean;
  /** Returns the refusal instead of throwing it. `current` is the value before. */
  readonly parse: (text: string, current: T) => T | FlagRefusal;
  /** All values that there are, where they can be counted. */
  readonly values?: readonly T[];
}

const PARSE_ERROR = "parse error";
const OUT_OF_RANGE = "value out of range";
const UINT32_MAX = 4294967295n;

export const bool: FlagKind<boolean> = {
  isBool: true,
  parse(text) {
    const value = parseGoBool(text);
    return value instanceof GoNumberError ? new FlagRefusal(PARSE_ERROR) : value;
  },
};

export const string: FlagKind<string> = { isBool: false, parse: (text) => text };

/** Go's int and int64. */
export const int64: FlagKind<number> = {
  isBool: false,
  parse: (text) => numberOf(parseGoInt64(byteString(text), 0)),
};

/** Go's uint and uint64. */
export const uint64: FlagKind<number> = {
  isBool: false,
  parse: (text) => numberOf(parseGoUint64(byteString(text), 0)),
};

export const uint32: FlagKind<number> = {
  isBool: false,
  parse(text) {
    const value = parseGoUint64(byteString(text), 0);
    if (value instanceof GoNumberError) return new FlagRefusal(value.message);
    if (value <= UINT32_MAX) return Number(value);
    return new FlagRefusal(`strconv.ParseUint: parsing ${goQuoteText(text)}: ${OUT_OF_RANGE}`);
  },
};

/** A duration in Go's syntax; the value is milliseconds, with a fraction where the text has one. */
export const durationMs: FlagKind<number> = {
  isBool: false,
  parse(text) {
    const value = parseGoDuration(byteString(text));
    return value instanceof GoDurationError ? new FlagRefusal(PARSE_ERROR) : Number(value) / 1e6;
  },
};

/** URLs separated by commas. An empty text counts as given and changes nothing, as in etcd. */
export const urls: FlagKind<readonly ServerUrl[]> = {
  isBool: false,
  parse: (text, current) => (text === "" ? current : parseServerUrls(text)),
};

/** Texts separated by commas, sorted, each one once. */
export const texts: FlagKind<readonly string[]> = {
  isBool: false,
  parse: (text) => [...new Set(text.split(","))].sort(),
};

/** Texts separated by commas, in the order given. */
export const list: FlagKind<readonly string[]> = {
  isBool: false,
  parse: (text) => text.split(","),
};

const ANY_ORIGIN = "*";

/** Origins for CORS: URLs separated by commas, or "*" for all of them. */
export const origins: FlagKind<readonly string[]> = {
  isBool: false,
  parse(text, current) {
    if (current.includes(text)) return current;
    if (text === ANY_ORIGIN) return [...current, ANY_ORIGIN].sort();
    const parsed = parseServerUrls(text);
    return parsed instanceof FlagRefusal ? parsed : parsed.map((url) => url.text);
  },
};

/** Some of `values`, separated by commas; they are added to those of before. */
export function someOf(...values: readonly string[]): FlagKind<string> {
  return {
    isBool: false,
    parse(text, current) {
      const given = text.split(",");
      const unknown = given.find((value) => !values.includes(value));
      if (unknown !== undefined) return new FlagRefusal(`invalid value ${goQuoteText(unknown)}`);
      return [...(current === "" ? [] : current.split(",")), ...given].sort().join(",");
    },
  };
}

/** One of `values`. */
export function oneOf<T extends string>(...values: readonly T[]): FlagKind<T> {
  return {
    isBool: false,
    parse: (text) => values.find((value) => value === text) ?? new FlagRefusal("invalid value"),
    values,
  };
}

function numberOf(value: bigint | GoNumberError): number | FlagRefusal {
  if (value instanceof GoNumberError) {
    return new FlagRefusal(value.message.endsWith(OUT_OF_RANGE) ? OUT_OF_RANGE : PARSE_ERROR);
  }
  const number = Number(value);
  const bound = Number.MAX_SAFE_INTEGER;
  return number > bound ? bound : number < -bound ? -bound : number;
}

function byteString(text: string): string {
  return latin1FromBytes(bytesFromUtf8(text));
}
