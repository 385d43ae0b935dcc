/**
 * A file that is set aside when it is full: renamed to `name-2006-01-02T15-04-05.000.ext` in the same folder,
 * a new one begun, old ones removed by number and age, and packed, as asked for. Writes and renames are done
 * at once; removing and packing go on beside everything else.
 *
 * Differs from etcd: a file that cannot be set aside is written on, and tried again a little later; a line lost
 * is worse than a file too long. Two files never get the same name. A file that cannot be opened is told at start.
 *
 * Source: natefinch/lumberjack v2.0 (names, order of steps, what is kept).
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Clock } from "../ports/clock.ts";
import { LOG_ROTATION_RETRY_MS } from "./limits.ts";
import { localZoneOffset } from "./log-line.ts";
import { makeDirectories } from "./make-directories.ts";

/** When a log file is set aside, and what becomes of it. */
export interface LogRotation {
  /** Megabytes (of 1024 * 1024 bytes) that a file may have; 0 means 100. */
  readonly maxSizeMegabytes: number;
  /** Days after which a file set aside is removed; 0 means never. */
  readonly maxAgeDays: number;
  /** Files set aside that are kept; 0 means all. */
  readonly maxBackups: number;
  /** Whether names tell local time; UTC otherwise. */
  readonly localTime: boolean;
  /** Whether files set aside are packed with gzip. */
  readonly compress: boolean;
}

const MEGABYTE = 1024 * 1024;
const DEFAULT_MAX_MEGABYTES = 100;
const DAY_MS = 24 * 60 * 60 * 1000;
const PACKED = ".gz";
const STAMP = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/;

/** Opens `file`, making its folder where there is none. Throws what the system says. */
export function openRotatingFile(settings: RotatingFileSettings): RotatingFile {
  return new RotatingFile(settings);
}

export interface RotatingFileSettings {
  readonly file: string;
  readonly rotation: LogRotation;
  /** Permissions of a new file; later ones have those of the file before. */
  readonly mode: number;
  readonly clock: Clock;
  /** Told what could not be renamed, removed or packed, in words for the log. */
  readonly onProblem: (problem: string) => void;
}

interface Backup {
  readonly name: string;
  readonly stampMs: number;
}

export class RotatingFile {
  readonly #settings: RotatingFileSettings;
  readonly #bytesMax: number;
  readonly #folder: string;
  /** Name of the file without its extension, and "-". */
  readonly #prefix: string;
  readonly #extension: string;
  #descriptor: number;
  #bytes: number;
  #retryAtMs = 0;
  #tidying = false;
  #tidyAgain = false;

  constructor(settings: RotatingFileSettings) {
    const { file, rotation, mode } = settings;
    this.#settings = settings;
    this.#bytesMax = (rotation.maxSizeMegabytes || DEFAULT_MAX_MEGABYTES) * MEGABYTE;
    this.#folder = path.dirname(file);
    this.#extension = path.extname(file);
    this.#prefix = `${path.basename(file, this.#extension)}-`;
    makeDirectories(this.#folder, 0o744);
    this.#descriptor = fs.openSync(file, "a", mode);
    this.#bytes = fs.fstatSync(this.#descriptor).size;
    this.#tidy();
  }

  /** Appends a line, or its rest; returns how many bytes were taken. Throws what the system says. */
  write(line: Uint8Array): number {
    if (line.length > this.#bytesMax) {
      throw new Error(`write length ${line.length} exceeds maximum file size ${this.#bytesMax}`);
    }
    this.#makeRoom(line.length);
    const written = fs.writeSync(this.#descriptor, line);
    this.#bytes += written;
    return written;
  }

  /**
   * Appends lines beside everything else, one such call at a time; `done` is told how many bytes were taken. Lines
   * that are more than a file together stay together.
   */
  writeSoon(lines: Uint8Array, done: (error: Error | null, written: number) => void): void {
    this.#makeRoom(lines.length);
    fs.write(this.#descriptor, lines, (error, written) => {
      if (error === null) this.#bytes += written;
      done(error, written);
    });
  }

  #makeRoom(length: number): void {
    if (this.#bytes > 0 && this.#bytes + length > this.#bytesMax) this.#rotate();
  }

  /** For tests and the end of a process: nothing may be written any more. */
  close(): void {
    fs.closeSync(this.#descriptor);
  }

  #rotate(): void {
    const { file, clock, onProblem } = this.#settings;
    const now = clock.nowMs();
    if (now < this.#retryAtMs) return;
    try {
      const before = fs.fstatSync(this.#descriptor);
      const backup = this.#backupPath();
      fs.renameSync(file, backup);
      const next = fs.openSync(file, "w", before.mode);
      keepOwner(next, before);
      fs.closeSync(this.#descriptor);
      this.#descriptor = next;
      this.#bytes = 0;
      this.#tidy();
    } catch (error) {
      this.#retryAtMs = now + LOG_ROTATION_RETRY_MS;
      onProblem(`cannot set the file aside: ${textOf(error)}`);
    }
  }

  /** A name that is not taken; the clock of a fast writer may not have moved on. */
  #backupPath(): string {
    const { clock, rotation } = this.#settings;
    for (let ms = Math.floor(clock.wallMs()); ; ms++) {
      const offsetMs = rotation.localTime ? localZoneOffset(ms) * 60_000 : 0;
      const stamp = new Date(ms + offsetMs).toISOString().slice(0, -1).replaceAll(":", "-");
      const backup = path.join(this.#folder, `${this.#prefix}${stamp}${this.#extension}`);
      if (!fs.existsSync(backup) && !fs.existsSync(backup + PACKED)) return backup;
    }
  }

  /** Begins to remove and pack, or goes over it once more when that is under way. */
  #tidy(): void {
    const { maxAgeDays, maxBackups, compress } = this.#settings.rotation;
    if (maxAgeDays === 0 && maxBackups === 0 && !compress) return;
    this.#tidyAgain = true;
    if (this.#tidying) return;
    this.#tidying = true;
    void this.#tidyUntilDone();
  }

  async #tidyUntilDone(): Promise<void> {
    while (this.#tidyAgain) {
      this.#tidyAgain = false;
      try {
        await this.#tidyOnce();
      } catch (error) {
        this.#settings.onProblem(`cannot tidy up old files: ${textOf(error)}`);
      }
    }
    this.#tidying = false;
  }

  async #tidyOnce(): Promise<void> {
    const { maxAgeDays, maxBackups, compress } = this.#settings.rotation;
    const oldestMs =
      maxAgeDays > 0 ? this.#settings.clock.wallMs() - maxAgeDays * DAY_MS : -Infinity;
    const counted = new Set<string>();
    for (const { name, stampMs } of await this.#backups()) {
      // A file and its packed form, of which a crash may leave both, count once.
      counted.add(name.endsWith(PACKED) ? name.slice(0, -PACKED.length) : name);
      const backup = path.join(this.#folder, name);
      const isTooMany = maxBackups > 0 && counted.size > maxBackups;
      if (isTooMany || stampMs < oldestMs) await fs.promises.rm(backup, { force: true });
      else if (compress && !name.endsWith(PACKED)) await pack(backup);
    }
  }

  /** Newest first, as their names say. */
  async #backups(): Promise<Backup[]> {
    const found: Backup[] = [];
    for (const entry of await fs.promises.readdir(this.#folder, { withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const stampMs = this.#stampOf(entry.name);
      if (stampMs !== undefined) found.push({ name: entry.name, stampMs });
    }
    return found.sort((a, b) => b.stampMs - a.stampMs);
  }

  #stampOf(name: string): number | undefined {
    if (!name.startsWith(this.#prefix)) return undefined;
    const plain = name.endsWith(this.#extension + PACKED) ? name.slice(0, -PACKED.length) : name;
    if (!plain.endsWith(this.#extension)) return undefined;
    const stamp = plain.slice(this.#prefix.length, plain.length - this.#extension.length);
    const match = STAMP.exec(stamp);
    if (match === null) return undefined;
    const [, day, hours, minutes, seconds] = match;
    const ms = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
    return Number.isNaN(ms) ? undefined : ms;
  }
}

function keepOwner(descriptor: number, { uid, gid }: fs.Stats): void {
  const now = fs.fstatSync(descriptor);
  if (now.uid !== uid || now.gid !== gid) fs.fchownSync(descriptor, uid, gid);
}

/** Packs a file; what was there is removed only when all of it is packed. */
async function pack(file: string): Promise<void> {
  const packed = file + PACKED;
  const { mode } = await fs.promises.stat(file);
  try {
    await pipeline(fs.createReadStream(file), createGzip(), fs.createWriteStream(packed, { mode }));
  } catch (error) {
    await fs.promises.rm(packed, { force: true });
    throw error;
  }
  await fs.promises.rm(file);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
