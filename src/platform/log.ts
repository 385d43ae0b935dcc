/**
 * The log of a process: the port `Log` over standard error, standard output, the journal or files, one line
 * each, with etcd's levels, keys and sampling. A line below the level costs one comparison; callers that must
 * compute a field ask `enabled` first. The level can be changed while the process runs.
 *
 * Each module logs under a static name such as "member/run-loop.ts", which stands where etcd shows file and
 * line.
 * Differs from etcd: lines carry no stack trace; capturing one costs more than it tells.
 */
import type { Clock } from "../ports/clock.ts";
import type { LogFields, LogLevel, LogLevelControl, LogThreshold, NamedLog } from "../ports/log.ts";
import { encodeConsoleLine } from "./log-console.ts";
import { openJournal, SYSTEM_JOURNAL } from "./log-journal.ts";
import { encodeLogLine, localZoneOffset } from "./log-line.ts";
import { fileOf, LogOutput, LogOutputError, type LogTarget, openLogOutput } from "./log-output.ts";
import { type LogRotation, openRotatingFile } from "./log-rotation.ts";
import { LogSampler } from "./log-sampler.ts";

const SEVERITY: Readonly<Record<LogThreshold, number>> = {
  debug: -1,
  info: 0,
  warn: 1,
  error: 2,
  dpanic: 3,
  panic: 4,
  fatal: 5,
};

/** What a line looks like: JSON, or columns for people. */
export type LogFormat = "json" | "console";

export interface LogSettings {
  readonly level: LogThreshold;
  /** Values of --log-outputs: "default", "stderr", "stdout", "systemd/journal" or files. */
  readonly outputs: readonly string[];
  readonly format: LogFormat;
  /** When the one file among the outputs is set aside; never where this is undefined. */
  readonly rotation: LogRotation | undefined;
}

/** How a log is before anybody has said how it should be. */
export const DEFAULT_LOG: LogSettings = {
  level: "info",
  outputs: ["default"],
  format: "json",
  rotation: undefined,
};

/** The log of a process, and the level that it has. */
export interface ProcessLog extends NamedLog {
  readonly control: LogLevelControl;
}

/** The value of --log-outputs that names the journal. */
export const JOURNAL_OUTPUT = "systemd/journal";

const ROTATED_FILE_MODE = 0o644;

/** What every log of one process shares. */
interface Shared {
  readonly clock: Clock;
  readonly encode: typeof encodeLogLine;
  level: LogThreshold;
  severityMin: number;
  outputs: readonly LogTarget[];
  readonly sampler: LogSampler;
}

/** Opens the outputs. Throws `LogOutputError` when one of them cannot be opened. */
export function openLog(settings: LogSettings, clock: Clock, caller: string): ProcessLog {
  const shared: Shared = {
    clock,
    encode: settings.format === "console" ? encodeConsoleLine : encodeLogLine,
    level: settings.level,
    severityMin: SEVERITY[settings.level],
    outputs: [],
    sampler: new LogSampler(),
  };
  const log = new TextLog(shared, caller, "");
  shared.outputs = openOutputs(settings, clock, log);
  return log;
}

function openOutputs(settings: LogSettings, clock: Clock, log: NamedLog): readonly LogTarget[] {
  if (settings.outputs.includes(JOURNAL_OUTPUT)) {
    return [openJournal(SYSTEM_JOURNAL, "etcd", openLogOutput("stderr"))];
  }
  const names = new Set(settings.outputs.map((name) => (name === "default" ? "stderr" : name)));
  // A process told to discard its log discards it, whatever else is named.
  const kept = names.has("/dev/null") ? ["/dev/null"] : [...names].sort();
  const outputs: LogTarget[] = [];
  const problems: string[] = [];
  for (const name of kept) {
    try {
      outputs.push(openOutput(name, settings.rotation, clock, log));
    } catch (error) {
      if (!(error instanceof LogOutputError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new LogOutputError(problems.join("; "));
  return outputs;
}

function openOutput(
  name: string,
  rotation: LogRotation | undefined,
  clock: Clock,
  log: NamedLog,
): LogTarget {
  const isFile = name !== "stderr" && name !== "stdout" && name !== "/dev/null";
  if (rotation === undefined || !isFile) return openLogOutput(name);
  const own = log.named("platform/log-rotation.ts");
  const onProblem = (error: string): void => own.warn("failed to rotate the log file", { error });
  const file = fileOf(name);
  try {
    const mode = ROTATED_FILE_MODE;
    const rotating = openRotatingFile({ file, rotation, mode, clock, onProblem });
    return new LogOutput((bytes) => rotating.write(bytes));
  } catch (error) {
    throw LogOutputError.ofFile(name, file, error);
  }
}

class TextLog implements ProcessLog {
  readonly #shared: Shared;
  readonly #caller: string;
  readonly #logger: string;

  constructor(shared: Shared, caller: string, logger: string) {
    this.#shared = shared;
    this.#caller = caller;
    this.#logger = logger;
  }

  get control(): LogLevelControl {
    const shared = this.#shared;
    return {
      level: () => shared.level,
      setLevel(level) {
        shared.level = level;
        shared.severityMin = SEVERITY[level];
      },
    };
  }

  named(caller: string, logger = ""): NamedLog {
    return new TextLog(this.#shared, caller, logger);
  }

  enabled(level: LogLevel): boolean {
    return SEVERITY[level] >= this.#shared.severityMin;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#shared.severityMin <= SEVERITY.debug) this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#shared.severityMin <= SEVERITY.info) this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#shared.severityMin <= SEVERITY.warn) this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    if (this.#shared.severityMin <= SEVERITY.error) this.#write("error", message, fields);
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
      output.write(line, level);
      const lost = output.takeDropped();
      if (lost === 0) continue;
      output.write(this.#encode("warn", "dropped log lines", { count: lost }), "warn");
    }
  }

  #encode(level: LogLevel, message: string, fields: LogFields | undefined): string {
    const { clock, encode } = this.#shared;
    const origin = { caller: this.#caller, logger: this.#logger };
    return encode(level, clock.wallMs(), localZoneOffset, origin, message, fields);
  }
}
