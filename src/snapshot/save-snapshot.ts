/**
 * A snapshot on its way from a member to a file. It appears under its name only when it is whole, what it
 * says of itself is true, and it is on the device.
 *
 * Source: etcd client/v3/snapshot/v3_snapshot.go (Save).
 */
import type { Digest } from "../ports/digest.ts";
import { type Disk, DiskError, type DiskFile } from "../ports/disk.ts";
import { concatBytes, equalBytes } from "../stdx/bytes.ts";
import { parentOf } from "../wal/segment-name.ts";
import { DIGEST_BYTES, hasDigest, shownBytes, written } from "./copy-snapshot.ts";
import { asSnapshotError, SnapshotError } from "./snapshot-error.ts";

/** A piece of a snapshot. */
export interface SnapshotPiece {
  readonly blob: Uint8Array;
  /** Bytes of the database that come after this piece. */
  readonly remainingBytes: number;
}

export interface SaveEnvironment {
  readonly disk: Disk;
  readonly sha256: () => Digest;
  /** Told after each piece. */
  readonly onPiece: (doneBytes: number, remainingBytes: number) => void;
}

/** A file that is being saved. `publish` it, and in any case `discard` what is left. */
export class SnapshotDownload {
  readonly partPath: string;
  readonly #environment: SaveEnvironment;
  readonly #path: string;
  readonly #file: DiskFile;

  private constructor(environment: SaveEnvironment, path: string, file: DiskFile) {
    this.#environment = environment;
    this.#path = path;
    this.#file = file;
    this.partPath = file.path;
  }

  /** Makes `<path>.part`, replacing what another try has left. Errors: SnapshotError. */
  static begin(environment: SaveEnvironment, path: string): SnapshotDownload {
    const { disk } = environment;
    const part = `${path}.part`;
    try {
      if (disk.stat(part) !== undefined) disk.remove(part);
      return new SnapshotDownload(environment, path, disk.open(part, "create", 0o600));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const reason = asSnapshotError(error).message;
      throw new SnapshotError(`could not open ${part} (${reason})`, error);
    }
  }

  /**
   * Writes all pieces and makes them durable; returns how many bytes there were. Errors: SnapshotError; those
   * of `pieces`.
   */
  async receive(pieces: AsyncIterable<SnapshotPiece>): Promise<number> {
    const { sha256, onPiece } = this.#environment;
    const digest = sha256();
    // What may be the digest itself, and so is no part of what it is computed over.
    let tail: Uint8Array = new Uint8Array(0);
    let size = 0;
    for await (const { blob, remainingBytes } of pieces) {
      await this.#attempt((done) => this.#file.write([blob], size, "volatile", done));
      size += blob.length;
      const unread = concatBytes([tail, blob]);
      const end = Math.max(0, unread.length - DIGEST_BYTES);
      digest.update(unread.subarray(0, end));
      tail = unread.subarray(end);
      onPiece(size, remainingBytes);
    }
    if (!hasDigest(size)) {
      throw new SnapshotError(`sha256 checksum not found [bytes: ${size}]`);
    }
    const computed = digest.finish();
    // Differs from etcd: it looks at the digest only when the file is restored.
    if (!equalBytes(tail, computed)) {
      throw new SnapshotError(`expected sha256 ${shownBytes(tail)}, got ${shownBytes(computed)}`);
    }
    await this.#attempt((done) => this.#file.sync(done));
    return size;
  }

  /** Gives the file its name. Errors: SnapshotError. */
  publish(): void {
    const { disk } = this.#environment;
    this.#file.close();
    try {
      disk.rename(this.partPath, this.#path);
      disk.syncDirectory(parentOf(this.#path));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const { code } = error;
      const detail = error.message.slice(`Cannot ${error.operation} "${error.path}": `.length);
      // What the system says of a directory in the place of the file.
      const reason = code === "EISDIR" || code === "ENOTEMPTY" ? "file exists" : detail;
      const names = `${this.partPath} to ${this.#path}`;
      const call = `rename ${this.partPath} ${this.#path}: ${reason}`;
      throw new SnapshotError(`could not rename ${names} (${call})`, error);
    }
  }

  /** Removes the unfinished file; after `publish` there is none. */
  discard(): void {
    this.#file.close();
    this.#environment.disk.remove(this.partPath);
  }

  async #attempt(operation: Parameters<typeof written>[0]): Promise<void> {
    try {
      await written(operation);
    } catch (error) {
      throw asSnapshotError(error);
    }
  }
}
