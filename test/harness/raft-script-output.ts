/**
 * Where raft scripts write to: what the nodes log and what the commands print, in the order it happens.
 * Levels above the chosen one are left out; the highest, NONE, silences commands too.
 */
import type { Log, LogLevel } from "../../src/ports/log.ts";

/** Names of levels in scripts, lowest first; all but the last are levels of the log. */
const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"] as const;

const LEVEL_OF: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  fatal: 4,
};

export class ScriptOutput implements Log {
  #text = "";
  #level = 0;

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  get level(): number {
    return this.#level;
  }

  set level(level: number) {
    this.#level = level;
  }

  /** Whether commands print nothing either. */
  get quiet(): boolean {
    return this.#level === LEVELS.length - 1;
  }

  /** Sets the level by its name, in any case; an error text when there is none of that name. */
  setLevel(name: string): string | undefined {
    const level = LEVELS.findIndex((each) => each === name.toUpperCase());
    if (level < 0) return `log levels must be either of [${LEVELS.join(" ")}]`;
    this.#level = level;
    return undefined;
  }

  reset(): void {
    this.#text = "";
  }

  /** What a command prints. */
  write(text: string): void {
    if (!this.quiet) this.#text += text;
  }

  /** Indents every line that `run` writes by two spaces. */
  indented<T>(run: () => T): T {
    const outer = this.#text;
    this.#text = "";
    const result = run();
    const lines = this.#text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.#text = outer + lines.map((line) => `  ${line}\n`).join("");
    return result;
  }

  enabled(level: LogLevel): boolean {
    return this.#level <= LEVEL_OF[level];
  }

  debug(message: string): void {
    this.#log("debug", message);
  }

  info(message: string): void {
    this.#log("info", message);
  }

  warn(message: string): void {
    this.#log("warn", message);
  }

  error(message: string): void {
    this.#log("error", message);
  }

  fatal(message: string): void {
    this.#log("fatal", message);
  }

  #log(level: LogLevel, message: string): void {
    if (this.enabled(level)) this.#text += `${LEVELS[LEVEL_OF[level]]} ${message}\n`;
  }
}
