/**
 * The log of a process: the port `Log` over standard error, standard output or files, one JSON line each,
 * with etcd's levels, keys and sampling. A line below the level costs one comparison; callers that must
 * compute a field ask `enabled` first.
 *
 * Each module logs under a static name such as "member/run-loop.ts", which stands where etcd shows file and
 * line.
 * Differs from etcd: lines carry no stack trace; capturing one costs more than it tells.
 */
import type { Clock } from "../ports/clock.ts";
import type { LogFields, LogLevel, NamedLog } from "../ports/log.ts";
import { encodeLogLine, localZoneOffset } from "./log-line.ts";
import { type LogOutput, openLogOutput } from "./log-output.ts";
import { LogSampler } from "./log-sampler.ts";

/** The levels of --log-level. "dpanic" and "panic" let only fatal lines through. */
export type LogThreshold = LogLevel | "dpanic" | "panic";

const SEVERITY: Readonly<Record<LogThreshold, number>> = {
  debug: -1,
  info: 0,
  warn: 1,
  error: 2,
  dpanic: 3,
  panic: 4,
  fatal: 5,
};

export interface LogSettings {
  readonly level: LogThreshold;
  /** Values of --log-outputs: "default", "stderr", "stdout" or paths. */
  readonly outputs: readonly string[];
}

/** What every log of one process shares. */
interface Shared {
  readonly clock: Clock;
  readonly severityMin: number;
  readonly outputs: readonly LogOutput[];
  readonly sampler: LogSampler;
}

/** Opens the outputs. Throws `LogOutputError` when a file cannot be opened. */
export function openLog(settings: LogSettings, clock: Clock, caller: string): NamedLog {
  const names = new Set(settings.outputs.map((name) => (name === "default" ? "stderr" : name)));
  // A process told to discard its log discards it, whatever else is named.
  const kept = names.has("/dev/null") ? ["/dev/null"] : [...names].sort();
  const outputs = kept.map(openLogOutput);
  const severityMin = SEVERITY[settings.level];
  return new JsonLog({ clock, severityMin, outputs, sampler: new LogSampler() }, caller);
}

class JsonLog implements NamedLog {
  readonly #shared: Shared;
  readonly #caller: string;
  readonly #severityMin: number;

  constructor(shared: Shared, caller: string) {
    this.#shared = shared;
    this.#caller = caller;
    this.#severityMin = shared.severityMin;
  }

  named(caller: string): NamedLog {
    return new JsonLog(this.#shared, caller);
  }

  enabled(level: LogLevel): boolean {
    return SEVERITY[level] >= this.#severityMin;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#severityMin <= SEVERITY.debug) this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#severityMin <= SEVERITY.info) this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#severityMin <= SEVERITY.warn) this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    if (this.#severityMin <= SEVERITY.error) this.#write("error", message, fields);
  }

  fatal(message: string, fields?: LogFields): void {
    this.#write("fatal", message, fields);
    for (const output of this.#shared.outputs) output.flush();
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const { clock, sampler, outputs } = this.#shared;
    if (!sampler.admits(level, message, clock.nowMs())) return;
    const line = this.#encode(level, message, fields);
    for (const output of outputs) {
      output.write(line);
      const lost = output.takeDropped();
      if (lost > 0) output.write(this.#encode("warn", "dropped log lines", { count: lost }));
    }
  }

  #encode(level: LogLevel, message: string, fields: LogFields | undefined): string {
    const wallMs = this.#shared.clock.wallMs();
    return encodeLogLine(level, wallMs, localZoneOffset, this.#caller, message, fields);
  }
}
