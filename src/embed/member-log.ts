/** The log of a member inside a process: lines for a callback, or nothing at all. */
import { systemClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import type { LogFields, LogLevel, LogLevelControl, LogThreshold, NamedLog } from "../ports/log.ts";
import type { LogSettings } from "../platform/log.ts";
import type { EtcdLogLine } from "./options.ts";

/** A log whose level can be changed. */
export interface MemberLog extends NamedLog {
  readonly control: LogLevelControl;
}

const CALLER = "embed/member-log.ts";

/**
 * The log that goes to `write`; without it, to the outputs of `settings` where the program named any, else
 * nowhere. Throws `LogOutputError`.
 */
export function openMemberLog(
  write: ((line: EtcdLogLine) => void) | undefined,
  settings: LogSettings,
  hasOutputs: boolean,
): MemberLog {
  if (hasOutputs) return openLog(settings, systemClock, CALLER);
  return new CallbackLog({ write, level: settings.level }, CALLER);
}

/** For a client, whose failures are told by its calls. */
export function silentLog(): NamedLog {
  return new CallbackLog({ write: undefined, level: "fatal" }, CALLER);
}

interface Shared {
  readonly write: ((line: EtcdLogLine) => void) | undefined;
  level: LogThreshold;
}

const SEVERITY: Readonly<Record<LogThreshold, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  dpanic: 4,
  panic: 5,
  fatal: 6,
};

class CallbackLog implements MemberLog {
  readonly #shared: Shared;
  readonly #caller: string;

  constructor(shared: Shared, caller: string) {
    this.#shared = shared;
    this.#caller = caller;
  }

  get control(): LogLevelControl {
    const shared = this.#shared;
    return {
      level: () => shared.level,
      setLevel(level) {
        shared.level = level;
      },
    };
  }

  named(caller: string): NamedLog {
    return new CallbackLog(this.#shared, caller);
  }

  enabled(level: LogLevel): boolean {
    return this.#shared.write !== undefined && SEVERITY[level] >= SEVERITY[this.#shared.level];
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  fatal(message: string, fields?: LogFields): void {
    this.#write("fatal", message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.enabled(level)) return;
    try {
      this.#shared.write?.({ level, caller: this.#caller, message, fields });
    } catch (error) {
      // The program's own mistake: it must not look like one of the member, nor stop it half way.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
