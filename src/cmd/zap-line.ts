/**
 * The log lines that a tool writes on standard error, in the form of etcd's client library: one JSON object
 * with level, ts, logger (where named), caller, msg and the fields.
 *
 * Source: etcd client/pkg/logutil/zap.go (encoder settings).
 */
import type { Clock } from "../ports/clock.ts";
import type { Log, LogFields, LogLevel, LogValue } from "../ports/log.ts";
import { encodeTime, localZoneOffset } from "../platform/log-line.ts";
import { byteString } from "./byte-text.ts";

const SEVERITIES: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  fatal: 4,
};

export interface ZapSettings {
  /** Empty for none. */
  readonly logger: string;
  /** The module that logs, such as "client/unary.ts". */
  readonly caller: string;
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line with its line break, as a byte string. */
  readonly write: (line: string) => void;
}

/** A log whose lines look like those of etcd's own tools. */
export function zapLog(settings: ZapSettings): Log {
  const { logger, caller, clock, write } = settings;
  const enabled = (level: LogLevel): boolean => SEVERITIES[level] >= SEVERITIES[settings.level];
  const log = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    if (!enabled(level)) return;
    const named = logger === "" ? "" : `,"logger":${JSON.stringify(logger)}`;
    let line = `{"level":"${level}","ts":"${encodeTime(clock.wallMs(), localZoneOffset)}"${named}`;
    line += `,"caller":${JSON.stringify(caller)},"msg":${JSON.stringify(message)}`;
    for (const [key, value] of Object.entries(fields ?? {})) {
      line += `,${JSON.stringify(key)}:${encodeValue(value)}`;
    }
    write(byteString(`${line}}\n`));
  };
  return {
    enabled,
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    fatal: (message, fields) => log("fatal", message, fields),
  };
}

function encodeValue(value: LogValue): string {
  if (typeof value === "bigint") return value.toString();
  return typeof value === "object" && value !== null
    ? `[${value.map((item) => JSON.stringify(item)).join(",")}]`
    : JSON.stringify(value);
}
