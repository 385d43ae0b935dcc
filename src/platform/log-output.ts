/**
 * Where log lines go: standard error, standard output, or a file that is appended to. Lines are written at
 * once and in order. A pipe whose reader is slow may take nothing at the moment: what it refused waits in a
 * bounded backlog and is tried again, so that a stuck reader of the log cannot stop the member.
 */
import * as fs from "node:fs";
import type { LogLevel } from "../ports/log.ts";
import { LOG_BACKLOG_BYTES_MAX, LOG_FLUSH_WAIT_MS, LOG_RETRY_MS } from "./limits.ts";

/** Writes as much of `bytes` as it can; throws with code EAGAIN when that is nothing at the moment. */
export type WriteSome = (bytes: Uint8Array) => number;

/** An output of the log cannot be opened; the message is for the user. */
export class LogOutputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LogOutputError";
  }

  /** The system does not open `file`, for the output `name`. */
  static ofFile(name: string, file: string, cause: unknown): LogOutputError {
    const code = errorCode(cause);
    const reason = REASONS.get(code) ?? (code === "" ? String(cause) : code);
    const message = `open sink ${JSON.stringify(name)}: open ${file}: ${reason}`;
    return new LogOutputError(message, { cause });
  }
}

/** What the system calls these conditions, as Go prints them. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["EISDIR", "is a directory"],
  ["ENOTDIR", "not a directory"],
  ["EROFS", "read-only file system"],
]);

/** Where the lines of a log go. */
export interface LogTarget {
  /** Writes one line, or keeps it for later, or drops and counts it. Never throws. */
  write(line: string, level: LogLevel): void;
  /** Lines lost since the last call; 0 while nobody could be told. */
  takeDropped(): number;
  /** Writes what waits, blocking for a moment at most. For the last words of a process. */
  flush(): void;
}

/** Opens the output that a value of --log-outputs names. Throws `LogOutputError`. */
export function openLogOutput(name: string): LogOutput {
  if (name === "stdout") return new LogOutput(writeTo(1));
  if (name === "stderr" || name === "default") return new LogOutput(writeTo(2));
  const file = fileOf(name);
  try {
    return new LogOutput(writeTo(fs.openSync(file, "a", LOG_FILE_MODE)));
  } catch (error) {
    throw LogOutputError.ofFile(name, file, error);
  }
}

/** The file that a value of --log-outputs names: a path, or a URL of scheme "file". Throws `LogOutputError`. */
export function fileOf(name: string): string {
  const scheme = SCHEME.exec(name)?.[1];
  if (scheme === undefined) return name;
  if (scheme.toLowerCase() !== "file") {
    const problem = `no sink found for scheme ${JSON.stringify(scheme)}`;
    throw new LogOutputError(`open sink ${JSON.stringify(name)}: ${problem}`);
  }
  return decodeURIComponent(name.slice(scheme.length + "://".length).replace(/^localhost/, ""));
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

/** As etcd; the umask of the process takes its part. */
const LOG_FILE_MODE = 0o666;
function writeTo(descriptor: number): WriteSome {
  return (bytes) => fs.writeSync(descriptor, bytes);
}

export class LogOutput implements LogTarget {
  readonly #write: WriteSome;
  /** Whether what is there ends in a part of a line: the next one to get there begins on a line of its own. */
  #torn = false;
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(write: WriteSome) {
    this.#write = write;
  }

  takeDropped(): number {
    if (this.#backlog.length > 0) return 0;
    const count = this.#dropped;
    this.#dropped = 0;
    return count;
  }

  write(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    if (this.#backlog.length > 0) this.#drain();
    if (this.#backlog.length === 0) this.#keep(this.#writeWhole(bytes));
    else if (this.#backlogBytes + bytes.length <= LOG_BACKLOG_BYTES_MAX) this.#keep(bytes);
    else this.#dropped++;
  }

  flush(): void {
    const sleep = new Int32Array(new SharedArrayBuffer(4));
    for (let waitedMs = 0; waitedMs < LOG_FLUSH_WAIT_MS; waitedMs += LOG_RETRY_MS) {
      this.#drain();
      if (this.#backlog.length === 0) return;
      Atomics.wait(sleep, 0, 0, LOG_RETRY_MS);
    }
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#backlog.push(rest);
    this.#backlogBytes += rest.length;
    // The timer keeps nothing alive: a process that is done does not wait for the reader of its log.
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#drain();
    }, LOG_RETRY_MS).unref();
  }

  #drain(): void {
    const waiting = this.#backlog;
    this.#backlog = [];
    this.#backlogBytes = 0;
    for (let at = 0; at < waiting.length; at++) {
      const rest = this.#writeWhole(waiting[at]);
      if (rest.length === 0) continue;
      this.#keep(rest);
      for (const later of waiting.slice(at + 1)) this.#keep(later);
      return;
    }
  }

  /** Returns what could not be written at the moment. */
  #writeWhole(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    while (rest.length > 0) {
      try {
        rest = rest.subarray(this.#write(rest));
      } catch (error) {
        if (errorCode(error) === "EAGAIN") return rest;
        // A log that is closed, or on a full disk, must not take the member with it.
        this.#dropped++;
        if (rest.length < bytes.length) this.#torn = true;
        return rest.subarray(rest.length);
      }
    }
    this.#torn = false;
    return rest;
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
