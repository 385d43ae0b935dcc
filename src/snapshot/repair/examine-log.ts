/** What a log holds, as far as it can be read, without changing anything. */
import type { DiskFile } from "../../ports/disk.ts";
import { readerOf, readWal, validSnapshots, type WalLocation } from "../../wal/read-wal.ts";
import { listSegments, segmentsBehindGaps, type SegmentName } from "../../wal/segment-name.ts";
import type { WalSnapshot } from "../../wal/types.ts";
import { WalError } from "../../wal/wal-error.ts";
import { type Entry, EntryType } from "../../wire/gen/raft.ts";

/** The end of a log that the last write did not reach as a whole. */
export interface TornEnd {
  readonly path: string;
  /** Bytes of the file that hold whole records. */
  readonly validBytes: number;
}

export interface ExaminedLog {
  /** Those behind the last gap, oldest first. */
  readonly segments: readonly SegmentName[];
  readonly torn: TornEnd | undefined;
  /** Why not all of it can be read, however much of that is needed. */
  readonly damage: WalError | undefined;
}

/** Reads every record of every segment. Throws `WalError` when there is no segment at all; `DiskError`. */
export function examineLog(location: WalLocation): ExaminedLog {
  const { disk, log, directory } = location;
  const segments = segmentsBehindGaps(listSegments(disk, log, directory));
  const files: DiskFile[] = [];
  try {
    for (const { name } of segments) files.push(disk.open(`${directory}/${name}`, "read"));
    const reader = readerOf(files);
    try {
      while (reader.next());
      return { segments, torn: undefined, damage: undefined };
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
      if (error.code !== "unexpected-eof") return { segments, torn: undefined, damage: error };
      const { path } = files[files.length - 1];
      return { segments, torn: { path, validBytes: reader.offset }, damage: undefined };
    }
  } finally {
    for (const file of files) file.close();
  }
}

/** What the log says from a snapshot on. */
export interface LogFrom {
  /** Index of its last entry, or of the snapshot. */
  readonly lastIndex: number;
  readonly commit: number;
  /** Entries that it holds. */
  readonly entries: number;
  /** How many of the first ones are changes of the membership. */
  readonly leadingChanges: number;
}

/** Reads the log from `start`; what is wrong when that cannot be. Errors: DiskError. */
export function readLogFrom(location: WalLocation, start: WalSnapshot): LogFrom | WalError {
  try {
    const { entries, hardState } = readWal(location, start);
    return {
      lastIndex: entries.at(-1)?.index ?? start.index,
      commit: hardState.commit,
      entries: entries.length,
      leadingChanges: leadingChanges(entries),
    };
  } catch (error) {
    if (error instanceof WalError) return error;
    throw error;
  }
}

function leadingChanges(entries: readonly Entry[]): number {
  const other = entries.findIndex(({ type }) => type === EntryType.EntryNormal);
  return other < 0 ? entries.length : other;
}

/**
 * Whether the log is one that a restore has made: with a snapshot behind nothing but changes of the
 * membership. What was in its database has never been in the log.
 */
export function isOfRestore(location: WalLocation, log: LogFrom): boolean {
  return validSnapshots(location).some(({ index }) => index > 0 && index <= log.leadingChanges);
}
