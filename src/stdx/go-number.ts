/**
 * Numbers and booleans read from text as Go's strconv reads them, with the same refusals word for word,
 * because users see those texts behind flags and arguments.
 *
 * Text is a byte string here: one character U+0000 to U+00FF per byte, as a Go string is.
 *
 * Source: Go strconv (ParseInt, ParseUint, ParseFloat, ParseBool, NumError).
 */
import { goQuote } from "./go-quote.ts";

const INT64_MAX = (1n << 63n) - 1n;
const INT64_MIN = -(1n << 63n);
const UINT64_MAX = (1n << 64n) - 1n;

/** A refused number: what Go prints for it, and the value Go stores in spite of the refusal. */
export class GoNumberError extends Error {
  /** Zero for bad syntax, the nearest bound for a value out of range. */
  readonly stored: bigint;

  constructor(call: string, text: string, reason: string, stored: bigint) {
    super(`strconv.${call}: parsing ${goQuote(text)}: ${reason}`);
    this.name = "GoNumberError";
    this.stored = stored;
  }
}

const INVALID_SYNTAX = "invalid syntax";
const OUT_OF_RANGE = "value out of range";

/**
 * Reads a signed 64-bit integer in `base` 10 or 16 without a prefix, or in base 0: decimal, `0x`, `0o`, `0`
 * or `0b`, with underscores between digits. Returns the refusal instead of throwing it.
 */
export function parseGoInt64(text: string, base: 0 | 10 | 16): bigint | GoNumberError {
  const negative = text.startsWith("-");
  const unsigned = negative || text.startsWith("+") ? text.slice(1) : text;
  const magnitude = parseMagnitude(unsigned, base);
  if (magnitude === undefined) return new GoNumberError("ParseInt", text, INVALID_SYNTAX, 0n);
  if (!negative && magnitude > INT64_MAX) {
    return new GoNumberError("ParseInt", text, OUT_OF_RANGE, INT64_MAX);
  }
  if (negative && magnitude > -INT64_MIN) {
    return new GoNumberError("ParseInt", text, OUT_OF_RANGE, INT64_MIN);
  }
  return negative ? -magnitude : magnitude;
}

/** Reads an unsigned 64-bit integer; no sign is allowed. Bases as for `parseGoInt64`. */
export function parseGoUint64(text: string, base: 0 | 10 | 16): bigint | GoNumberError {
  const magnitude = parseMagnitude(text, base);
  if (magnitude === undefined) return new GoNumberError("ParseUint", text, INVALID_SYNTAX, 0n);
  if (magnitude > UINT64_MAX) return new GoNumberError("ParseUint", text, OUT_OF_RANGE, UINT64_MAX);
  return magnitude;
}

/** Reads a decimal fraction with or without an exponent, or an infinity. Other forms that Go knows are refused. */
export function parseGoFloat64(text: string): number | GoNumberError {
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    return new GoNumberError("ParseFloat", text, OUT_OF_RANGE, 0n);
  }
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity === null) return new GoNumberError("ParseFloat", text, INVALID_SYNTAX, 0n);
  return infinity[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Reads the spellings of a truth value that Go accepts: 1, t, T, true, TRUE, True and their opposites. */
export function parseGoBool(text: string): boolean | GoNumberError {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  return new GoNumberError("ParseBool", text, INVALID_SYNTAX, 0n);
}

function parseMagnitude(text: string, base: 0 | 10 | 16): bigint | undefined {
  if (base === 10) return /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
  if (base === 16) return /^[0-9a-fA-F]+$/.test(text) ? BigInt(`0x${text}`) : undefined;
  // An underscore stands between digits, or between a prefix and a digit. "0_7" counts as octal.
  const plain = text.replaceAll("_", "");
  if (text.includes("_") && !/^(?:0[xXbBoO]?_?)?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*$/.test(text)) {
    return undefined;
  }
  if (/^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[1-9][0-9]*|0)$/.test(plain)) {
    return BigInt(plain.toLowerCase());
  }
  return /^0[0-7]+$/.test(plain) ? BigInt(`0o${plain.slice(1)}`) : undefined;
}
