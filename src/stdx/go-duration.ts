/**
 * Durations as Go prints and reads them: "5s", "1.5ms", "2h45m0s". Values are whole nanoseconds.
 *
 * Source: Go time (Duration.String, ParseDuration).
 */
import { bytesFromLatin1 } from "./bytes.ts";

const DURATION_MAX_NS = (1n << 63n) - 1n;

const UNITS_NS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  // Micro sign and Greek mu, as the bytes of their UTF-8 form.
  ["\xc2\xb5s", 1_000n],
  ["\xce\xbcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

/** `nanoseconds` in Go's form: hours and minutes from one minute on, one fractional unit below a second. */
export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${formatGoDuration(-nanoseconds)}`;
  if (nanoseconds === 0n) return "0s";
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}\u00b5s`;
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 6)}ms`;
  const minutes = nanoseconds / 60_000_000_000n;
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `formatGoDuration` of milliseconds, as far as they are exact. */
export function goDurationOfMs(milliseconds: number): string {
  return formatGoDuration(BigInt(Math.round(milliseconds * 1_000_000)));
}

/** `value` / 10^`digits` without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const text = value.toString().padStart(digits + 1, "0");
  const fraction = text.slice(-digits).replace(/0+$/, "");
  const whole = text.slice(0, -digits);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** A refused duration, in Go's words. */
export class GoDurationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GoDurationError";
  }
}

/**
 * Reads a duration such as "300ms", "-1.5h" or "2h45m" into nanoseconds. `text` is a byte string (one
 * character per byte). Returns the refusal instead of throwing it.
 */
export function parseGoDuration(text: string): bigint | GoDurationError {
  const invalid = new GoDurationError(`time: invalid duration ${quote(text)}`);
  const negative = text.startsWith("-");
  let rest = negative || text.startsWith("+") ? text.slice(1) : text;
  if (rest === "0") return 0n;
  if (rest === "") return invalid;
  let total = 0n;
  while (rest !== "") {
    const number = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest);
    const whole = number?.[1] ?? "";
    const fraction = number?.[2] ?? "";
    if (whole === "" && fraction === "") return invalid;
    if (BigInt(whole) > DURATION_MAX_NS + 1n) return invalid;
    rest = rest.slice(number?.[0].length ?? 0);
    const unit = /^[^.0-9]*/.exec(rest)?.[0] ?? "";
    if (unit === "") return new GoDurationError(`time: missing unit in duration ${quote(text)}`);
    const unitNs = UNITS_NS.get(unit);
    if (unitNs === undefined) {
      return new GoDurationError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    }
    rest = rest.slice(unit.length);
    total += BigInt(whole) * unitNs;
    // Fractions are computed in floating point upstream, cut off below a nanosecond; digits that matter agree.
    if (fraction !== "") total += (BigInt(fraction) * unitNs) / 10n ** BigInt(fraction.length);
    if (total > DURATION_MAX_NS + (negative ? 1n : 0n)) return invalid;
  }
  return negative ? -total : total;
}

/** Quoting of its own, as Go's time package does: control characters and non-ASCII bytes in hex. */
function quote(text: string): string {
  let quoted = "";
  for (const byte of bytesFromLatin1(text)) {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (byte >= 0x80 || byte < 0x20) quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
    else quoted += character;
  }
  return `"${quoted}"`;
}
