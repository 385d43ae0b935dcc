/**
 * A new log. It appears under its name only when it is whole: made in `<directory>.tmp`, renamed, and the
 * parent directory synced.
 */
import type { DiskError } from "../ports/disk.ts";
import { createHardState } from "../wire/gen/raft.ts";
import { asFailure, attempt } from "./failure.ts";
import { SEGMENT_BYTES } from "./limits.ts";
import { SEGMENT_MODE } from "./next-segment.ts";
import { NO_SNAPSHOT } from "./read-wal.ts";
import { RecordBuffer } from "./record-buffer.ts";
import { parentOf, segmentName, walExists } from "./segment-name.ts";
import type { WalFailure, WalOptions } from "./types.ts";
import { WalError } from "./wal-error.ts";
import { Wal } from "./wal.ts";

const DIRECTORY_MODE = 0o700;

/** Called once with the open log, or with why there is none. */
export type WalOpened<T> = (failure: WalFailure | undefined, opened?: T) => void;

/**
 * Makes a log that starts with `metadata` (repeated in every segment) and the empty snapshot. Fails with
 * `exists` where there is one; anything else in the directory is removed, as etcd does. The parent directory
 * must exist, and whoever made it must have synced its name.
 */
export function createWal(
  options: WalOptions,
  metadata: Uint8Array | undefined,
  done: WalOpened<Wal>,
): void {
  const { clock } = options;
  try {
    writeFirstSegment(options, metadata, (failure, written) => {
      if (written === undefined) {
        done(failure);
        return;
      }
      finish(options, metadata, written, done);
    });
  } catch (error) {
    const failure = asFailure(error);
    clock.defer(() => done(failure));
  }
}

/** Where the first segment ends, and the checksum there. */
interface FirstSegment {
  readonly position: number;
  readonly crc: number;
}

const FIRST_NAME = segmentName(0, 0);

function writeFirstSegment(
  { disk, directory, segmentBytes }: WalOptions,
  metadata: Uint8Array | undefined,
  done: WalOpened<FirstSegment>,
): void {
  if (walExists(disk, directory)) throw new WalError("exists", `"${directory}"`);
  const temporary = `${directory}.tmp`;
  disk.remove(temporary);
  disk.makeDirectory(temporary, DIRECTORY_MODE);
  const file = disk.open(`${temporary}/${FIRST_NAME.name}`, "create", SEGMENT_MODE);
  file.truncate(segmentBytes ?? SEGMENT_BYTES);
  const records = new RecordBuffer(0);
  records.crcRecord();
  records.metadata(metadata);
  records.snapshot(NO_SNAPSHOT);
  const position = records.length;
  const end = (error: DiskError | undefined): void => {
    file.close();
    if (error === undefined) done(undefined, { position, crc: records.crc });
    else done(error);
  };
  file.write([records.take()], 0, "volatile", (error) => {
    if (error === undefined) file.sync(end);
    else end(error);
  });
}

function finish(
  options: WalOptions,
  metadata: Uint8Array | undefined,
  first: FirstSegment,
  done: WalOpened<Wal>,
): void {
  const { disk, directory } = options;
  let wal: Wal;
  try {
    disk.syncDirectory(`${directory}.tmp`);
    disk.remove(directory);
    disk.rename(`${directory}.tmp`, directory);
    wal = openFirstSegment(options, metadata, first);
  } catch (error) {
    const failure = asFailure(error);
    moveAside(options);
    done(failure);
    return;
  }
  done(undefined, wal);
}

function openFirstSegment(
  options: WalOptions,
  metadata: Uint8Array | undefined,
  { position, crc }: FirstSegment,
): Wal {
  const { disk, directory } = options;
  disk.syncDirectory(parentOf(directory));
  const path = `${directory}/${FIRST_NAME.name}`;
  const file = disk.open(path, "readWrite");
  if (!file.tryLock()) {
    file.close();
    throw new WalError("locked", `"${path}"`);
  }
  const segments = [{ name: FIRST_NAME, file, isTrimming: false }];
  const hardState = createHardState();
  return new Wal(options, { segments, position, crc, metadata, hardState, lastIndex: 0 });
}

/**
 * A log whose creation failed at the end must not be taken for a member's own at the next start. What goes
 * wrong here is told by the failure that led here.
 */
function moveAside({ disk, clock, log, directory }: WalOptions): void {
  if (!walExists(disk, directory)) return;
  const brokenDirectory = `${directory}.broken.${timestamp(clock.wallMs())}`;
  attempt(
    () => disk.rename(directory, brokenDirectory),
    (failure) => {
      const paths = { "source-path": directory, "rename-path": brokenDirectory };
      log.error("failed to rename WAL during cleanup", { ...paths, error: failure.message });
    },
  );
}

/** `yyyymmdd.hhmmss.fff` in UTC. */
function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/[-:Z]/g, "").replace("T", ".");
}
