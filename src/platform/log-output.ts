/**
 * Where log lines go: standard error, standard output, or a file that is appended to. Lines are written at
 * once and in order. A pipe whose reader is slow may take nothing at the moment: what it refused waits in a
 * bounded backlog and is tried again, so that a stuck reader of the log cannot stop the member.
 */
import * as fs from "node:fs";
import { LOG_BACKLOG_BYTES_MAX, LOG_FLUSH_WAIT_MS, LOG_RETRY_MS } from "./limits.ts";

/** Writes as much of `bytes` as it can; throws with code EAGAIN when that is nothing at the moment. */
export type WriteSome = (bytes: Uint8Array) => number;

/** A log file cannot be opened; the message is for the user. */
export class LogOutputError extends Error {
  constructor(path: string, cause: unknown) {
    const code = errorCode(cause);
    const reason = REASONS.get(code) ?? (code === "" ? String(cause) : code);
    super(`open sink ${JSON.stringify(path)}: open ${path}: ${reason}`, { cause });
    this.name = "LogOutputError";
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

/** Opens the output that a value of --log-outputs names. Throws `LogOutputError`. */
export function openLogOutput(name: string): LogOutput {
  if (name === "stdout") return new LogOutput(writeTo(1));
  if (name === "stderr" || name === "default") return new LogOutput(writeTo(2));
  try {
    return new LogOutput(writeTo(fs.openSync(name, "a", 0o666)));
  } catch (error) {
    throw new LogOutputError(name, error);
  }
}

function writeTo(descriptor: number): WriteSome {
  return (bytes) => fs.writeSync(descriptor, bytes);
}

export class LogOutput {
  readonly #write: WriteSome;
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(write: WriteSome) {
    this.#write = write;
  }

  /** Lines lost since the last call; 0 while the reader still blocks, when nobody could be told. */
  takeDropped(): number {
    if (this.#backlog.length > 0) return 0;
    const count = this.#dropped;
    this.#dropped = 0;
    return count;
  }

  /** Writes one line, or keeps it for later, or drops and counts it. Never throws. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#backlog.length > 0) this.#drain();
    if (this.#backlog.length === 0) this.#keep(this.#writeWhole(bytes));
    else if (this.#backlogBytes + bytes.length <= LOG_BACKLOG_BYTES_MAX) this.#keep(bytes);
    else this.#dropped++;
  }

  /** Writes what waits, blocking for at most `LOG_FLUSH_WAIT_MS`. For the last words of a process. */
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
        return rest.subarray(rest.length);
      }
    }
    return rest;
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
