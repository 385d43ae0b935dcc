/** What happens in a simulated world, line by line, for people: nothing is kept unless somebody asked. */
import type { LogFields, LogLevel, NamedLog } from "../../src/ports/log.ts";
import type { EventLoop } from "./event-loop.ts";

export class Trace {
  readonly #loop: EventLoop;
  readonly #print: ((line: string) => void) | undefined;

  /** Without `print` nothing is traced, and texts are never made. */
  constructor(loop: EventLoop, print: ((line: string) => void) | undefined) {
    this.#loop = loop;
    this.#print = print;
  }

  get isOn(): boolean {
    return this.#print !== undefined;
  }

  /** `who` did or suffered `what`. */
  note(who: string, what: string | (() => string)): void {
    if (this.#print === undefined) return;
    const text = typeof what === "string" ? what : what();
    const seconds = (this.#loop.nowUs / 1e6).toFixed(6).padStart(11);
    this.#print(`${seconds}  ${who.padEnd(8)}  ${text}`);
  }

  /** The log of a member, as lines of the trace. */
  logOf(who: string): NamedLog {
    return new TracedLog(this, who);
  }
}

class TracedLog implements NamedLog {
  readonly #trace: Trace;
  readonly #who: string;

  constructor(trace: Trace, who: string) {
    this.#trace = trace;
    this.#who = who;
  }

  named(_caller: string): this {
    return this;
  }

  enabled(_level: LogLevel): boolean {
    return this.#trace.isOn;
  }

  debug(message: string, fields?: LogFields): void {
    this.#line("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#line("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#line("error", message, fields);
  }

  fatal(message: string, fields?: LogFields): void {
    this.#line("fatal", message, fields);
  }

  #line(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.#trace.isOn) return;
    const values = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
    this.#trace.note(this.#who, `${level.padEnd(5)} ${message} ${values.join(" ")}`);
  }
}
