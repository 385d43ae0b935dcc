/**
 * Opening a database file to read it: with etcd's answers for what is none, with the lock that keeps a
 * running member out, and with the check that everything in it is where it should be.
 *
 * Differs from etcd: damage is told in one line, with exit code 1; on most of it etcdutl crashes. A file that
 * lost its end is refused; etcdutl reads on as long as nothing it looks for is in the part that is missing.
 *
 * Source: etcd etcdutl/snapshot/v3_snapshot.go (Status); bbolt db.go (Open, mmap).
 */
import { check } from "../bolt/check.ts";
import { Db } from "../bolt/db.ts";
import { BoltError } from "../bolt/errors.ts";
import type { Tx } from "../bolt/tx.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { CACHE_BYTES_MAX, LOCK_NOTICE_MS, LOCK_RETRY_MS } from "./limits.ts";
import { asSnapshotError, SnapshotError } from "./snapshot-error.ts";

/** Pages of which bbolt must find two, and the size that it assumes of them before it has read any. */
const META_PAGES = 2;
const ASSUMED_PAGE_BYTES = 4096;

/** What reading a file needs of the world. */
export interface FileEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Called once when the lock is waited for longer than LOCK_NOTICE_MS. */
  readonly onLockWait: (path: string) => void;
  /** Milliseconds that the lock is waited for; without end when absent. */
  readonly lockTimeoutMs?: number | undefined;
  /** Called before the file is read, which takes as long as it is large. */
  readonly onRead?: (path: string, bytes: number) => void;
}

/**
 * Lets `use` read the newest state of the database at `path`, while nobody else can open it for writing.
 * Errors: SnapshotError.
 */
export async function withDatabase<T>(
  environment: FileEnvironment,
  path: string,
  use: (tx: Tx) => T,
): Promise<T> {
  const { disk } = environment;
  try {
    refuseOtherFiles(disk, path);
    const lock = disk.open(path, "read");
    try {
      await holdLock(environment, path, lock);
      environment.onRead?.(path, lock.size());
      return readDatabase(disk, path, lock, use);
    } finally {
      lock.close();
    }
  } catch (error) {
    throw asSnapshotError(error);
  }
}

/** Waits until the lock of an open file is taken. */
async function holdLock(
  { clock, onLockWait, lockTimeoutMs = Number.POSITIVE_INFINITY }: FileEnvironment,
  path: string,
  file: DiskFile,
): Promise<void> {
  if (await tryLockFor(clock, file, Math.min(LOCK_NOTICE_MS, lockTimeoutMs))) return;
  if (lockTimeoutMs <= LOCK_NOTICE_MS) throw lockTimedOut(path);
  onLockWait(path);
  const endMs = clock.nowMs() + lockTimeoutMs - LOCK_NOTICE_MS;
  for (;;) {
    const leftMs = endMs - clock.nowMs();
    if (leftMs <= 0) throw lockTimedOut(path);
    if (await tryLockFor(clock, file, Math.min(LOCK_NOTICE_MS, leftMs))) return;
  }
}

function lockTimedOut(path: string): SnapshotError {
  return new SnapshotError(
    `timeout: "${path}" is locked by another program, an etcd that runs on it most likely; stop it, or give --timeout more time`,
  );
}

/** Does the work when the database is not locked by somebody else; who waits long is told so. */
export async function whenUnlocked<T>(
  { clock, onLockWait, lockTimeoutMs = Number.POSITIVE_INFINITY }: FileEnvironment,
  path: string,
  work: () => T | Promise<T>,
): Promise<T> {
  const startMs = clock.nowMs();
  for (let isTold = false; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BoltError && error.code === "locked")) throw error;
    }
    const waitedMs = clock.nowMs() - startMs;
    if (waitedMs >= lockTimeoutMs) throw lockTimedOut(path);
    if (!isTold && waitedMs >= LOCK_NOTICE_MS) {
      isTold = true;
      onLockWait(path);
    }
    await new Promise<void>((resolve) => {
      clock.after(LOCK_RETRY_MS, resolve);
    });
  }
}

/** Tries to take the lock of an open file for some time; whether it is taken. */
export async function tryLockFor(
  clock: Clock,
  file: DiskFile,
  timeoutMs: number,
): Promise<boolean> {
  const endMs = clock.nowMs() + timeoutMs;
  while (!file.tryLock()) {
    if (clock.nowMs() >= endMs) return false;
    await new Promise<void>((resolve) => {
      clock.after(LOCK_RETRY_MS, resolve);
    });
  }
  return true;
}

/**
 * Throws a `SnapshotError` when something in the state is not where it should be, as `bbolt check` would
 * find it. Reads the whole file.
 */
export function requireIntegrity(tx: Tx): void {
  const problems = check(tx);
  if (problems.length === 0) return;
  const count = `snapshot file integrity check failed. ${problems.length} errors found.`;
  throw new SnapshotError(`${count}\n${problems.join("\n")}`);
}

function readDatabase<T>(disk: Disk, path: string, file: DiskFile, use: (tx: Tx) => T): T {
  const db = openDatabase(disk, path, file);
  try {
    return use(db.beginRead());
  } finally {
    db.close();
  }
}

function openDatabase(disk: Disk, path: string, file: DiskFile): Db {
  try {
    return Db.open(disk, path, { readOnly: true, cacheBytesMax: CACHE_BYTES_MAX });
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
    // bbolt looks at the size first, whatever it has read.
    const size = file.size();
    if (size < ASSUMED_PAGE_BYTES) throw new SnapshotError("invalid database", error);
    if (size < META_PAGES * ASSUMED_PAGE_BYTES) {
      throw new SnapshotError("file size too small", error);
    }
    throw error;
  }
}

/** Throws for what cannot be a database: nothing, a directory, an empty file. */
export function refuseOtherFiles(disk: Disk, path: string): void {
  const stat = disk.stat(path);
  if (stat === undefined) throw new SnapshotError(`stat ${path}: no such file or directory`);
  if (stat.kind === "directory") throw new SnapshotError(`open ${path}: is a directory`);
  // bbolt takes an empty file for a new one, and cannot make it one when it only reads.
  if (stat.size === 0) throw new SnapshotError(`write ${path}: bad file descriptor`);
}
