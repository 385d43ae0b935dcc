import type { Log, LogFields, LogLevel } from "../../ports/log.ts";

/** A line of the log as a value: what is decided before there is a log is said once there is one. */
export interface LogRecord {
  readonly level: LogLevel;
  /** The module that says it, such as "cmd/etcd.ts". */
  readonly caller: string;
  readonly message: string;
  readonly fields?: LogFields;
}

/** Writes `records` in order. */
export function replayRecords(records: readonly LogRecord[], named: (caller: string) => Log): void {
  for (const { level, caller, message, fields } of records) named(caller)[level](message, fields);
}
