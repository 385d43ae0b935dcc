/**
 * The one door to storage: wal, bolt and backend know this port, never `node:fs`.
 *
 * Two implementations: `platform/` (the real file system) and `sim/` (seeded, crashing, torn, failing).
 * Reads and directory operations are synchronous: they are served from the page cache of the operating
 * system or happen at start. Everything that can wait for a device calls back.
 *
 * Errors: synchronous methods throw `DiskError`; asynchronous ones hand it to `done`. `done` is never
 * called before the method returns, and exactly once. A failed durable write or sync leaves the content
 * of the file unknown: the caller ends the process, it never retries ("Can Applications Recover from
 * fsync Failures?", USENIX ATC 2020).
 */

/** Called once when an operation is over; `undefined` means success. */
export type Done = (error: DiskError | undefined) => void;

/** Whether a write must survive a power failure before `done` is called. */
export type Durability = "volatile" | "durable";

/** How a file is opened. `create` makes a new file and fails where one exists. */
export type OpenMode = "read" | "readWrite" | "create";

/** What is at a path. */
export interface DiskStat {
  /** What it is. */
  readonly kind: "file" | "directory" | "other";
  /** Bytes. */
  readonly size: number;
  /** Permission bits, such as 0o700. */
  readonly mode: number;
}

/** An open file. Positions and sizes are bytes from the start of the file. */
export interface DiskFile {
  /** The path that it was opened with, or last renamed to. */
  readonly path: string;

  /** Size now, in bytes, with all completed and pending writes of this handle. */
  size(): number;

  /** Fills `into` from `position`; returns the bytes read, fewer than asked only at the end of the file. */
  read(into: Uint8Array, position: number): number;

  /**
   * Writes `chunks` one after the other from `position`. The chunks are borrowed until `done`.
   * `durable`: the bytes (and a grown size) are on the device when `done` is called; earlier volatile
   * writes of this file need `sync`.
   */
  write(chunks: readonly Uint8Array[], position: number, durability: Durability, done: Done): void;

  /** Makes all completed writes of this file durable (fdatasync). */
  sync(done: Done): void;

  /** Sets the size, growing with zeros or cutting. Not durable before `sync`. */
  truncate(size: number): void;

  /**
   * Grows the file to `size` bytes of zeros, with the blocks allocated where the platform can do it, so
   * that later writes inside need no metadata. Never shrinks. Not durable before `sync`.
   */
  preallocate(size: number, done: Done): void;

  /**
   * Takes the exclusive advisory lock that etcd takes on the same file (flock), without waiting.
   * Returns false when another process or handle holds it. Released by `close` or by the end of the process.
   */
  tryLock(): boolean;

  /**
   * Gives the open file another name in the same directory; atomic, replaces what has it. The lock stays.
   * Durable after `syncDirectory`.
   */
  rename(to: string): void;

  /** No operation of this file may be under way. Closing twice does nothing. */
  close(): void;

  /**
   * Closes a file for good, when operations under way have ended. When its name is gone its space is given
   * back bit by bit, without holding anybody up: of a gigabyte at once, writes to other files would notice.
   */
  discard(): void;
}

/** Files and directories. Synchronous methods throw DiskError. */
export interface Disk {
  /** Opens a file; `permissions` are those of one that is made, such as 0o600. */
  open(path: string, mode: OpenMode, permissions?: number): DiskFile;
  /** `undefined` when nothing is there. */
  stat(path: string): DiskStat | undefined;
  /** Names in the directory, sorted by code unit; without "." and "..". */
  list(directory: string): string[];
  /** Creates the directory and its parents; no error when it exists. */
  makeDirectory(path: string, permissions?: number): void;
  /** Atomic; replaces `to`. Durable after `syncDirectory` of the parents. */
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with its content; no error when nothing is there. */
  remove(path: string): void;
  /** Bytes that can still be written below the directory; `undefined` when that is not known. */
  freeBytes(directory: string): number | undefined;
  /** Makes creations, renames and removals in the directory durable. Synchronous. */
  syncDirectory(path: string): void;
}

/** A failed storage operation: what was tried, on which path, and the system's code (ENOSPC, EIO, …). */
export class DiskError extends Error {
  /** What was tried: `open`, `write`, `sync`, … */
  readonly operation: string;
  /** Where. */
  readonly path: string;
  /** The system's code: `ENOSPC`, `EIO`, `ENOENT`, … */
  readonly code: string;

  /** `detail`: what the system says. */
  constructor(operation: string, path: string, code: string, detail: string) {
    super(`Cannot ${operation} "${path}": ${detail}`);
    this.name = "DiskError";
    this.operation = operation;
    this.path = path;
    this.code = code;
  }
}
