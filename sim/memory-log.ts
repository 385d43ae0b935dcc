/** A log that keeps its lines, for tests that look at them. */
import type { LogFields, LogLevel, NamedLog } from "../src/ports/log.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export class MemoryLog implements NamedLog {
  readonly lines: LogLine[] = [];

  /** All modules share the lines. */
  named(_caller: string): this {
    return this;
  }

  enabled(_level: LogLevel): boolean {
    return true;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "debug", message, fields });
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "info", message, fields });
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "warn", message, fields });
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "error", message, fields });
  }

  fatal(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: "fatal", message, fields });
  }
}
