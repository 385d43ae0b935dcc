/** Opens an existing log for appending: locks, reads, repairs once where that is possible, cleans its end. */
import type { DiskFile } from "../ports/disk.ts";
import { equalBytes } from "../stdx/bytes.ts";
import type { WalOpened } from "./create-wal.ts";
import { attempt } from "./failure.ts";
import type { HeldSegment } from "./held-segments.ts";
import { READ_CHUNK_BYTES } from "./limits.ts";
import { ContentBuilder, readerOf } from "./read-wal.ts";
import { repairWal } from "./repair-wal.ts";
import { listSegments, parentOf, selectSegments } from "./segment-name.ts";
import type { WalContent, WalDone, WalFailure, WalOptions, WalSnapshot } from "./types.ts";
import { WalError } from "./wal-error.ts";
import { Wal } from "./wal.ts";
import type { WalStart } from "./wal.ts";

export interface OpenedWal {
  readonly wal: Wal;
  readonly content: WalContent;
}

/**
 * Opens the log at the snapshot `start` (`NO_SNAPSHOT` for a member that has none), reads everything after
 * it, and is then ready to append. A torn last write is repaired, with a copy of the segment kept beside it.
 *
 * Fails with `WalError`: `locked` when another process has it; `file-not-found`, `snapshot-not-found`,
 * `snapshot-mismatch` when it does not fit to the snapshot; `crc-mismatch` and others when it is corrupt.
 *
 * Differs from etcd: `snapshot-not-found` is reported here as by the read-only functions; etcd loses it.
 */
export function openWal(options: WalOptions, start: WalSnapshot, done: WalOpened<OpenedWal>): void {
  tryOpen(options, start, (failure, opened) => {
    if (!(failure instanceof WalError && failure.code === "unexpected-eof")) {
      done(failure, opened);
      return;
    }
    repairWal(options, (repairFailure) => {
      if (repairFailure !== undefined) {
        done(repairFailure);
        return;
      }
      options.log.info("repaired WAL", { error: failure.message });
      tryOpen(options, start, done);
    });
  });
}

function tryOpen(options: WalOptions, start: WalSnapshot, done: WalOpened<OpenedWal>): void {
  const segments: HeldSegment[] = [];
  const fail = (failure: WalFailure): void => {
    for (const { file } of segments) file.close();
    options.clock.defer(() => done(failure));
  };
  attempt(() => {
    openSegments(options, start, segments);
    const { content, walStart } = readAll(segments, start);
    settle(options, walStart, (failure) => {
      if (failure === undefined) done(undefined, { wal: new Wal(options, walStart), content });
      else fail(failure);
    });
  }, fail);
}

/** Opens and locks into `segments`, so that the caller can close what was opened before a failure. */
function openSegments(
  { disk, log, directory }: WalOptions,
  start: WalSnapshot,
  segments: HeldSegment[],
): void {
  for (const name of selectSegments(listSegments(disk, log, directory), start.index)) {
    const file = disk.open(`${directory}/${name.name}`, "readWrite");
    segments.push({ name, file, isTrimming: false });
    if (!file.tryLock()) throw new WalError("locked", `"${file.path}"`);
  }
}

function readAll(
  segments: HeldSegment[],
  start: WalSnapshot,
): { readonly content: WalContent; readonly walStart: WalStart } {
  const reader = readerOf(segments.map((segment) => segment.file));
  const builder = new ContentBuilder(start);
  while (reader.next()) builder.take(reader);
  const content = builder.finish();
  const { offset: position, crc } = reader;
  const { metadata, hardState } = content;
  const { lastIndex } = builder;
  return { content, walStart: { segments, position, crc, metadata, hardState, lastIndex } };
}

/**
 * Makes what was read durable, and everything behind the last record zeros.
 *
 * A process that was killed under a write leaves records that are read back but are nowhere else than in the
 * system's memory, and names likewise. New records are flushed alone, so they would survive a power failure
 * that those before them do not. And a torn write may have left bytes whose start is missing; new records that
 * cover only a part of them would be followed by garbage.
 */
function settle(
  { disk, directory }: WalOptions,
  { segments, position }: WalStart,
  done: WalDone,
): void {
  const file = segments[segments.length - 1].file;
  const size = file.size();
  const isClean = isZeroFrom(file, position);
  disk.syncDirectory(parentOf(directory));
  disk.syncDirectory(directory);
  if (!isClean) file.truncate(position);
  file.sync((error) => {
    if (error !== undefined || isClean) {
      done(error);
      return;
    }
    attempt(() => {
      file.truncate(size);
      file.sync(done);
    }, done);
  });
}

function isZeroFrom(file: DiskFile, position: number): boolean {
  const pieceBytes = Math.min(READ_CHUNK_BYTES, Math.max(1, file.size() - position));
  const piece = new Uint8Array(pieceBytes);
  const zeros = new Uint8Array(pieceBytes);
  for (let at = position; ; at += pieceBytes) {
    const count = file.read(piece, at);
    if (count === 0) return true;
    if (!equalBytes(piece.subarray(0, count), zeros.subarray(0, count))) return false;
  }
}
