/**
 * One log line for people: time, level, caller and message between tabs, then the fields as JSON with spaces.
 *
 *   2026-01-02T15:04:05.000000Z	info	server/start.ts	starting	{"name": "a"}
 *
 * Source: uber-go/zap zapcore/console_encoder.go (layout), json_encoder.go (spaced).
 */
import type { LogFields, LogLevel, LogValue } from "../ports/log.ts";
import { encodeLogValue, encodeTime, type LogOrigin, type ZoneOffset } from "./log-line.ts";

/** The line with its final newline. `wallMs` is milliseconds since the Unix epoch. */
export function encodeConsoleLine(
  level: LogLevel,
  wallMs: number,
  zone: ZoneOffset,
  { caller, logger }: LogOrigin,
  message: string,
  fields: LogFields | undefined,
): string {
  let line = `${encodeTime(wallMs, zone)}\t${level}`;
  if (logger !== "") line += `\t${logger}`;
  if (caller !== "") line += `\t${caller}`;
  line += `\t${message}`;
  const names = fields === undefined ? [] : Object.keys(fields);
  if (fields === undefined || names.length === 0) return `${line}\n`;
  const encoded = names.map((name) => `${JSON.stringify(name)}: ${spaced(fields[name])}`);
  return `${line}\t{${encoded.join(", ")}}\n`;
}

function spaced(value: LogValue): string {
  return Array.isArray(value) ? `[${value.map(encodeLogValue).join(", ")}]` : encodeLogValue(value);
}
