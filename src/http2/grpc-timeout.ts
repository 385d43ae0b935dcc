/**
 * The grpc-timeout header: up to eight digits and a unit.
 * Source: gRPC over HTTP/2 "Timeout"; texts of grpc-go internal/transport/http_util.go.
 */
import { goQuote } from "../stdx/go-quote.ts";

const DIGITS_MAX = 8;

/** Milliseconds of a unit; 0 for what is none. */
function unitMsOf(unit: string): number {
  switch (unit) {
    case "H":
      return 3_600_000;
    case "M":
      return 60_000;
    case "S":
      return 1000;
    case "m":
      return 1;
    case "u":
      return 1e-3;
    case "n":
      return 1e-6;
    default:
      return 0;
  }
}

/** Milliseconds, fractional and maybe negative; or the text of what is wrong with it. */
export function parseGrpcTimeout(text: string): number | string {
  if (text.length < 2) return `transport: timeout string is too short: ${goQuote(text)}`;
  if (text.length > DIGITS_MAX + 1) {
    return `transport: timeout string is too long: ${goQuote(text)}`;
  }
  const unitMs = unitMsOf(text[text.length - 1]);
  if (unitMs === 0) {
    return `transport: timeout unit is not recognized: ${goQuote(text)}`;
  }
  let value = 0;
  for (let i = 0; i < text.length - 1; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return parseUnusual(text.slice(0, -1), unitMs);
    value = 10 * value + digit;
  }
  return value * unitMs;
}

/** Go also reads a sign. */
function parseUnusual(digits: string, unitMs: number): number | string {
  if (/^[+-]\d+$/.test(digits)) return Number(digits) * unitMs;
  return `strconv.ParseInt: parsing ${goQuote(digits)}: invalid syntax`;
}

/** The header for `timeoutMs`, rounded up to a microsecond or whatever eight digits allow. */
export function formatGrpcTimeout(timeoutMs: number): string {
  if (timeoutMs <= 0) return "0n";
  const limit = 10 ** DIGITS_MAX;
  const micros = Math.ceil(timeoutMs * 1000);
  if (micros < limit) return `${micros}u`;
  const millis = Math.ceil(timeoutMs);
  if (millis < limit) return `${millis}m`;
  const seconds = Math.ceil(timeoutMs / 1000);
  return seconds < limit ? `${seconds}S` : `${Math.min(Math.ceil(seconds / 3600), limit - 1)}H`;
}
