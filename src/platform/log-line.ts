/**
 * One log line in the shape of etcd's: a JSON object with the keys level, ts, caller, msg and then the
 * fields in the order in which they were given.
 *
 *   {"level":"info","ts":"2026-01-02T15:04:05.000000Z","caller":"server/start.ts","msg":"…","name":"a"}
 *
 * Source: etcd client/pkg/logutil/zap.go (encoder settings); uber-go/zap zapcore/json_encoder.go.
 */
import type { LogFields, LogLevel, LogValue } from "../ports/log.ts";

/** Minutes of the local zone ahead of UTC at an instant; a parameter so that tests choose their zone. */
export type ZoneOffset = (wallMs: number) => number;

/** Where a line comes from: the module, and what etcd calls that part of the program; either may be empty. */
export interface LogOrigin {
  readonly caller: string;
  readonly logger: string;
}

export function localZoneOffset(wallMs: number): number {
  return -new Date(wallMs).getTimezoneOffset();
}

/**
 * The line with its final newline. `wallMs` is milliseconds since the Unix epoch; its fraction gives the
 * microseconds.
 */
export function encodeLogLine(
  level: LogLevel,
  wallMs: number,
  zone: ZoneOffset,
  { caller, logger }: LogOrigin,
  message: string,
  fields: LogFields | undefined,
): string {
  let line = `{"level":"${level}","ts":"${encodeTime(wallMs, zone)}"`;
  if (logger !== "") line += `,"logger":${JSON.stringify(logger)}`;
  if (caller !== "") line += `,"caller":${JSON.stringify(caller)}`;
  line += `,"msg":${JSON.stringify(message)}`;
  if (fields !== undefined) {
    for (const key of Object.keys(fields)) {
      line += `,${JSON.stringify(key)}:${encodeLogValue(fields[key])}`;
    }
  }
  return `${line}}\n`;
}

/** Local time with microseconds and a numeric zone, "Z" where the zone is UTC. */
export function encodeTime(wallMs: number, zone: ZoneOffset): string {
  const micros = Math.floor(wallMs * 1000);
  const wholeMs = Math.floor(micros / 1000);
  const offset = zone(wholeMs);
  // Up to the milliseconds this is the ISO form of the instant moved by the offset.
  const local = new Date(wholeMs + offset * 60_000).toISOString().slice(0, -1);
  const text = local + String(micros - wholeMs * 1000).padStart(3, "0");
  if (offset === 0) return `${text}Z`;
  const minutes = Math.abs(offset);
  const hours = String(Math.floor(minutes / 60)).padStart(2, "0");
  return `${text}${offset < 0 ? "-" : "+"}${hours}${String(minutes % 60).padStart(2, "0")}`;
}

/** A value as JSON writes it. */
export function encodeLogValue(value: LogValue): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      // What JSON has no number for is written as text.
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return value === null ? "null" : `[${value.map(encodeLogValue).join(",")}]`;
  }
}
