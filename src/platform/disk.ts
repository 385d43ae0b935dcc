/**
 * The port `Disk` on the operating system's files. Every error is a `DiskError`.
 *
 * Durable writes and locks are explained in disk-file.ts and disk-lock.ts, and when a write may run on the
 * event loop in disk-pace.ts. Made for Linux; works on other systems with the weaker promises they give.
 */
import fs from "node:fs";
import type { Disk, DiskFile, DiskStat, OpenMode } from "../ports/disk.ts";
import { isMissing, toDiskError, wrapped } from "./disk-error.ts";
import { SystemFile } from "./disk-file.ts";
import type { DiskShare } from "./disk-file.ts";
import { FileLocker } from "./disk-lock.ts";
import { DiskPace } from "./disk-pace.ts";
import { makeDirectories } from "./make-directories.ts";

/** Permissions as etcd gives them: its own files are for its own user. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const PERMISSION_BITS = 0o7777;

export interface SystemDiskOptions {
  /** Told about weaker guarantees than asked for (no kernel locks), once each. */
  readonly warn: (message: string) => void;
  /** Never wait for the device (--unsafe-no-fsync). */
  readonly isUnsynced?: boolean;
}

export class SystemDisk implements Disk {
  readonly #share: DiskShare;

  constructor(options: SystemDiskOptions) {
    const { warn, isUnsynced = false } = options;
    this.#share = { pace: new DiskPace(), locker: new FileLocker(warn), underWay: 0, isUnsynced };
  }

  open(path: string, mode: OpenMode, permissions: number = FILE_MODE): DiskFile {
    return new SystemFile(this.#share, path, mode, permissions);
  }

  stat(path: string): DiskStat | undefined {
    try {
      const found = fs.statSync(path);
      const kind = found.isFile() ? "file" : found.isDirectory() ? "directory" : "other";
      return { kind, size: found.size, mode: found.mode & PERMISSION_BITS };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw toDiskError("stat", path, error);
    }
  }

  list(directory: string): string[] {
    return wrapped("list", directory, () => fs.readdirSync(directory).sort());
  }

  makeDirectory(path: string, permissions: number = DIRECTORY_MODE): void {
    wrapped("make directory", path, () => makeDirectories(path, permissions));
  }

  rename(from: string, to: string): void {
    wrapped("rename", from, () => fs.renameSync(from, to));
  }

  remove(path: string): void {
    wrapped("remove", path, () => fs.rmSync(path, { recursive: true, force: true }));
  }

  freeBytes(directory: string): number | undefined {
    const { bavail, bsize } = wrapped("stat", directory, () => fs.statfsSync(directory));
    return bavail * bsize;
  }

  syncDirectory(path: string): void {
    if (this.#share.isUnsynced) return;
    wrapped("sync directory", path, () => {
      const descriptor = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      try {
        fs.fsyncSync(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
    });
  }
}
