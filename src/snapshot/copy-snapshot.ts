/**
 * The first step of a restore: the database out of a snapshot file, checked by what follows it there.
 *
 * ```
 *   database                                  | SHA-256 of it
 *   a multiple of 512 bytes (a whole number   | 32 bytes
 *   of pages)                                 |
 * ```
 *
 * A file copied from a data directory has no digest, which its size shows.
 *
 * Source: etcd etcdutl/snapshot/v3_snapshot.go (copyAndVerifyDB, hasChecksum).
 */
import type { Digest } from "../ports/digest.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { equalBytes } from "../stdx/bytes.ts";
import { COPY_CHUNK_BYTES } from "./limits.ts";
import { SnapshotError } from "./snapshot-error.ts";

export const DIGEST_BYTES = 32;

/** Sizes of pages are multiples of it. */
const SECTOR_BYTES = 512;

const DATABASE_MODE = 0o600;

/** A snapshot file, open. Close it. */
export interface SnapshotFile {
  readonly file: DiskFile;
  /** Bytes before the digest. */
  readonly databaseBytes: number;
  /** `undefined` where the file has none. */
  readonly digest: Uint8Array | undefined;
}

/** Whether a snapshot of this many bytes ends in a digest. */
export function hasDigest(size: number): boolean {
  return size % SECTOR_BYTES === DIGEST_BYTES;
}

/** Opens a snapshot file and reads its digest. Errors: SnapshotError, DiskError. */
export function openSnapshotFile(disk: Disk, path: string): SnapshotFile {
  const stat = disk.stat(path);
  if (stat?.kind === "directory") throw new SnapshotError(`read ${path}: is a directory`);
  const file = disk.open(path, "read");
  try {
    const size = file.size();
    if (size < DIGEST_BYTES) throw new SnapshotError(`seek ${path}: invalid argument`);
    if (!hasDigest(size)) {
      return { file, databaseBytes: size, digest: undefined };
    }
    const digest = new Uint8Array(DIGEST_BYTES);
    file.read(digest, size - DIGEST_BYTES);
    return { file, databaseBytes: size - DIGEST_BYTES, digest };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What copying needs of the world. */
export interface CopyEnvironment {
  readonly disk: Disk;
  readonly sha256: () => Digest;
  /** Told now and then how far it has come. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Copies the database of `snapshot` to the new file `path` and makes it durable. With `skipHashCheck` its
 * digest may be wrong or missing. Errors: SnapshotError in etcd's words, DiskError.
 */
export async function copySnapshot(
  environment: CopyEnvironment,
  snapshot: SnapshotFile,
  path: string,
  skipHashCheck: boolean,
): Promise<void> {
  const { digest } = snapshot;
  if (digest === undefined && !skipHashCheck) {
    throw new SnapshotError("snapshot missing hash but --skip-hash-check=false");
  }
  const target = environment.disk.open(path, "create", DATABASE_MODE);
  try {
    const computed = await copyBytes(environment, snapshot, target);
    if (!skipHashCheck && digest !== undefined && !equalBytes(digest, computed)) {
      throw new SnapshotError(`expected sha256 ${shownBytes(digest)}, got ${shownBytes(computed)}`);
    }
    await written((done) => target.sync(done));
  } finally {
    target.close();
  }
}

/** Calls an operation of the disk; rejects with what it hands to `done`. */
export function written(operation: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    operation((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

async function copyBytes(
  { sha256, onProgress }: CopyEnvironment,
  { file, databaseBytes }: SnapshotFile,
  target: DiskFile,
): Promise<Uint8Array> {
  const digest = sha256();
  const chunk = new Uint8Array(Math.min(COPY_CHUNK_BYTES, databaseBytes));
  for (let at = 0; at < databaseBytes; ) {
    const wanted = chunk.subarray(0, Math.min(chunk.length, databaseBytes - at));
    const count = file.read(wanted, at);
    if (count < wanted.length) throw new SnapshotError("unexpected EOF");
    digest.update(wanted);
    const position = at;
    await written((done) => target.write([wanted], position, "volatile", done));
    at += count;
    onProgress?.(at, databaseBytes);
  }
  return digest.finish();
}

/** Bytes as Go prints them. */
export function shownBytes(bytes: Uint8Array): string {
  return `[${bytes.join(" ")}]`;
}
