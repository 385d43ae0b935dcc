/**
 * The log lines of work on files, in the form of etcdutl: time, level, module, message and the fields as
 * JSON, with tabs between them.
 *
 *   2026-01-02T15:04:05Z	info	snapshot/restore-snapshot.ts	restored snapshot	{"path": "a"}
 *
 * Source: uber-go/zap zapcore/console_encoder.go; etcd etcdutl/etcdutl/common.go (GetLogger).
 */
import type { Clock } from "../ports/clock.ts";
import type { LogFields, LogLevel, LogValue, NamedLog } from "../ports/log.ts";
import { encodeTime, localZoneOffset } from "../platform/log-line.ts";
import { byteString } from "./byte-text.ts";

/** A log for people; `write` takes one line with its line break, as a byte string. Nothing below info. */
export function consoleLog(clock: Clock, write: (line: string) => void, caller = ""): NamedLog {
  const log = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    const parts = [timeOf(clock.wallMs()), level, caller, message];
    if (fields !== undefined) parts.push(encodeFields(fields));
    write(byteString(`${parts.join("\t")}\n`));
  };
  return {
    named: (name) => consoleLog(clock, write, name),
    enabled: (level) => level !== "debug",
    debug: () => {},
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    fatal: (message, fields) => log("fatal", message, fields),
  };
}

/** Local time in whole seconds, with a colon in the zone: RFC 3339. */
function timeOf(wallMs: number): string {
  return encodeTime(wallMs, localZoneOffset)
    .replace(/\.\d+/, "")
    .replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
}

function encodeFields(fields: LogFields): string {
  const members = Object.entries(fields).map(
    ([key, value]) => `${JSON.stringify(key)}: ${encodeValue(value)}`,
  );
  return `{${members.join(", ")}}`;
}

function encodeValue(value: LogValue): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
}
