/**
 * Repair of a log whose last write was torn: the last segment is copied to `<name>.broken` and cut behind
 * its last valid record. Nothing that was acknowledged is lost, because a write is acknowledged only when
 * all of it is durable.
 */
import type { DiskError, DiskFile, Done } from "../ports/disk.ts";
import { attempt } from "./failure.ts";
import { READ_CHUNK_BYTES } from "./limits.ts";
import { readerOf } from "./read-wal.ts";
import { listSegments } from "./segment-name.ts";
import type { WalDone, WalFailure, WalOptions } from "./types.ts";
import { WalError } from "./wal-error.ts";

/**
 * Repairs the log in place; nothing happens when its end is intact. Fails with what cannot be repaired: any
 * `WalError` but `unexpected-eof`, and any `DiskError`.
 */
export function repairWal(options: WalOptions, done: WalDone): void {
  const { disk, clock, log, directory } = options;
  let file: DiskFile | undefined;
  const end = (failure: WalFailure | undefined): void => {
    file?.close();
    if (failure !== undefined) log.warn("failed to repair", { error: failure.message });
    clock.defer(() => done(failure));
  };
  attempt(() => {
    const last = listSegments(disk, log, directory).at(-1);
    const path = `${directory}/${last?.name}`;
    file = disk.open(path, "readWrite");
    if (!file.tryLock()) throw new WalError("locked", `"${path}"`);
    log.info("repairing", { path });
    const validBytes = validPrefix(file);
    if (validBytes === undefined) {
      log.info("repaired", { path, error: "EOF" });
      end(undefined);
      return;
    }
    cutOff(options, file, validBytes, (failure) => {
      if (failure === undefined) log.info("repaired", { path, error: "unexpected EOF" });
      end(failure);
    });
  }, end);
}

/** Bytes up to the torn record; `undefined` when there is none. */
function validPrefix(file: DiskFile): number | undefined {
  const reader = readerOf([file]);
  try {
    while (reader.next());
    return undefined;
  } catch (error) {
    if (error instanceof WalError && error.code === "unexpected-eof") return reader.offset;
    throw error;
  }
}

/** Copies the file beside itself, then cuts it at `size`. */
function cutOff(options: WalOptions, file: DiskFile, size: number, done: WalDone): void {
  copyFile(options, file, `${file.path}.broken`, (error) => {
    if (error !== undefined) {
      done(error);
      return;
    }
    attempt(() => {
      options.disk.syncDirectory(options.directory);
      file.truncate(size);
      file.sync(done);
    }, done);
  });
}

/** Copies a file in pieces and flushes the copy; an older copy is replaced. */
function copyFile({ disk }: WalOptions, from: DiskFile, path: string, done: Done): void {
  disk.remove(path);
  const copy = disk.open(path, "create");
  const size = from.size();
  let position = 0;
  const next = (error: DiskError | undefined): void => {
    if (error !== undefined || position > size) {
      copy.close();
      done(error);
      return;
    }
    if (position === size) {
      position++;
      copy.sync(next);
      return;
    }
    const piece = new Uint8Array(Math.min(READ_CHUNK_BYTES, size - position));
    from.read(piece, position);
    const start = position;
    position += piece.length;
    copy.write([piece], start, "volatile", next);
  };
  next(undefined);
}
