/**
 * The grpc-timeout header: up to eight digits and a unit.
 * Source: gRPC over HTTP/2 "Timeout"; texts of grpc-go internal/transport/http_util.go.
 */
import { goQuote } from "../stdx/go-quote.ts";

const DIGITS_MAX = 8;

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/** Milliseconds, fractional and maybe negative; or the text of what is wrong with it. */
export function parseGrpcTimeout(text: string): number | string {
  if (text.length < 2) return `transport: timeout string is too short: ${goQuote(text)}`;
  if (text.length > DIGITS_MAX + 1) {
    return `transport: timeout string is too long: ${goQuote(text)}`;
  }
  const unitMs = UNIT_MS.get(text[text.length - 1]);
  if (unitMs === undefined) {
    return `transport: timeout unit is not recognized: ${goQuote(text)}`;
  }
  const digits = text.slice(0, -1);
  if (!/^[+-]?\d+$/.test(digits)) {
    return `strconv.ParseInt: parsing ${goQuote(digits)}: invalid syntax`;
  }
  return Number(digits) * unitMs;
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
