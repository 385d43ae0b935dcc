/**
 * Structured logging as a port. Level meanings are etcd's: debug = for developers; info = normal life;
 * warn = may heal by itself; error = something was lost or refused; fatal = the process ends after it.
 * Field names are etcd's kebab-case keys. An error is logged once, where it is handled.
 */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

/** The levels below which a log can be silenced. "dpanic" and "panic" let only fatal lines through. */
export type LogThreshold = LogLevel | "dpanic" | "panic";

/** Values a line can carry; a bigint prints as a plain number, bytes never appear. */
export type LogValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly string[]
  | readonly number[];

/** What a line carries beside its message, by etcd's names. */
export type LogFields = Readonly<Record<string, LogValue>>;

/** Where lines are written. No method throws or waits. */
export interface Log {
  /** Whether lines of the level are written: what is costly to say is only said then. */
  enabled(level: LogLevel): boolean;
  /** For developers. */
  debug(message: string, fields?: LogFields): void;
  /** Normal life. */
  info(message: string, fields?: LogFields): void;
  /** May heal by itself. */
  warn(message: string, fields?: LogFields): void;
  /** Something was lost or refused. */
  error(message: string, fields?: LogFields): void;
  /** Writes the line at once; ending the process is the caller's business. */
  fatal(message: string, fields?: LogFields): void;
}

/** A log that makes logs of the same outputs for other modules. */
export interface NamedLog extends Log {
  /**
   * `caller` names the module that its lines come from, such as "member/member.ts"; `logger` is what etcd calls the
   * part of the program, where it has a name for it.
   */
  named(caller: string, logger?: string): NamedLog;
}

/** The level of a log, while the process runs. */
export interface LogLevelControl {
  level(): LogThreshold;
  setLevel(level: LogThreshold): void;
}
