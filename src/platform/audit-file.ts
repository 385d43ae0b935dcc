/**
 * The file of the audit log. Lines gather and are written together, beside everything else: a slow disk delays
 * no call. What waits is bounded. While the disk takes nothing it is tried again; what does not fit meanwhile is
 * counted, and in its place there is a line that says so:
 *
 *   {"time":"2026-01-02T15:04:05.123Z","gap":17,"reason":"write audit.log: no space left on device"}
 *
 * So calls go on when the audit log cannot be written, and nobody can overlook that.
 */
import * as fs from "node:fs";
import type { AuditSink } from "../ports/audit.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { AUDIT_BUFFER_BYTES_MAX, AUDIT_RETRY_MS } from "./limits.ts";
import { fileOf, LogOutputError } from "./log-output.ts";
import { type LogRotation, openRotatingFile, type RotatingFile } from "./log-rotation.ts";

const AUDIT_FILE_MODE = 0o600;
const STDOUT = 1;

export interface AuditFileSettings {
  /** A file, or "-" for standard output, which is not set aside. */
  readonly path: string;
  readonly rotation: LogRotation;
  readonly clock: Clock;
  readonly log: Log;
}

/** Writes all of `bytes` or a part; tells how many, or the failure. */
type Write = (bytes: Uint8Array, done: (error: Error | null, written: number) => void) => void;

/** Opens the file, making its folder. Throws `LogOutputError`. */
export function openAuditFile(settings: AuditFileSettings): AuditFile {
  const { path: name, rotation, clock, log } = settings;
  if (name === "-") {
    return new AuditFile(settings, (bytes, done) => fs.write(STDOUT, bytes, done), undefined);
  }
  const file = fileOf(name);
  const onProblem = (error: string): void => log.warn("failed to rotate the audit log", { error });
  try {
    const mode = AUDIT_FILE_MODE;
    const rotating = openRotatingFile({ file, rotation, mode, clock, onProblem });
    return new AuditFile(settings, (bytes, done) => rotating.writeSoon(bytes, done), rotating);
  } catch (error) {
    throw LogOutputError.ofFile(name, file, error);
  }
}

export class AuditFile implements AuditSink {
  readonly #settings: AuditFileSettings;
  readonly #write: Write;
  readonly #rotating: RotatingFile | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** What is being written, or could not be written yet. */
  #writing: Uint8Array | undefined;
  #isBusy = false;
  #lost = 0;
  /** Why lines may have been lost since the last line that said so. */
  #failure = "";
  /** Whether the last attempt failed. */
  #isFailing = false;
  #retry: Timer | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(settings: AuditFileSettings, write: Write, rotating: RotatingFile | undefined) {
    this.#settings = settings;
    this.#write = write;
    this.#rotating = rotating;
  }

  write(line: string): void {
    const length = line.length + 1;
    if (this.#waitingBytes + length > AUDIT_BUFFER_BYTES_MAX) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) this.#keep(this.#gap());
    this.#keep(line);
    if (this.#isBusy || this.#retry !== undefined) return;
    // The lines of a turn of the event loop leave together.
    this.#isBusy = true;
    this.#settings.clock.defer(() => this.#next());
  }

  /** Resolves when all that was written so far is in the file, or the disk has refused it once more. */
  async close(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = undefined;
    if (this.#lost > 0) this.#keep(this.#gap());
    if (this.#waiting.length > 0 || this.#writing !== undefined) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        if (this.#isBusy) return;
        this.#isBusy = true;
        this.#next();
      });
    }
    this.#rotating?.close();
  }

  /** Writes what waits, at once: the process ends. What is on its way may be written twice. */
  flushAtExit(): void {
    const rest = [...(this.#writing === undefined ? [] : [this.#writing]), this.#takeWaiting()];
    for (const bytes of rest) {
      try {
        if (this.#rotating === undefined) fs.writeSync(STDOUT, bytes);
        else this.#rotating.write(bytes);
      } catch {
        // There is nobody left to tell.
        return;
      }
    }
  }

  #keep(line: string): void {
    this.#waiting.push(line);
    this.#waitingBytes += line.length + 1;
  }

  #gap(): string {
    const time = new Date(this.#settings.clock.wallMs()).toISOString();
    const reason =
      this.#failure === "" ? "lines came faster than they could be written" : this.#failure;
    const line = JSON.stringify({ time, gap: this.#lost, reason });
    this.#lost = 0;
    this.#failure = "";
    return line;
  }

  #takeWaiting(): Uint8Array {
    const bytes = Buffer.from(this.#waiting.map((line) => `${line}\n`).join(""));
    this.#waiting = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  #next(): void {
    this.#writing ??= this.#takeWaiting();
    const bytes = this.#writing;
    this.#write(bytes, (error, written) => {
      if (error !== null) {
        this.#failed(error);
        return;
      }
      this.#isFailing = false;
      this.#writing = written < bytes.length ? bytes.subarray(written) : undefined;
      if (this.#lost > 0 && this.#waiting.length === 0) this.#keep(this.#gap());
      if (this.#writing !== undefined || this.#waiting.length > 0) this.#next();
      else this.#idle();
    });
  }

  #failed(error: Error): void {
    if (!this.#isFailing) {
      this.#settings.log.warn("failed to write the audit log; trying again", {
        error: error.message,
      });
    }
    this.#failure = error.message;
    this.#isFailing = true;
    this.#idle();
    if (this.#onEmpty !== undefined) return;
    this.#retry = this.#settings.clock.after(AUDIT_RETRY_MS, () => {
      this.#retry = undefined;
      this.#isBusy = true;
      this.#next();
    });
  }

  #idle(): void {
    this.#isBusy = false;
    const done = this.#onEmpty;
    done?.();
  }
}
