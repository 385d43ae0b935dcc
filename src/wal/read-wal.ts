/**
 * Reading a log without writing it: everything from a snapshot on, the list of valid snapshots, and the
 * check of the whole. None of these takes locks; a torn end is taken as the end.
 */
import type { Disk, DiskFile } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { equalBytes } from "../stdx/bytes.ts";
import { createHardState, decodeHardState, encodeHardState, EntryType } from "../wire/gen/raft.ts";
import type { Entry, HardState } from "../wire/gen/raft.ts";
import { decodeSnapshot } from "../wire/gen/wal.ts";
import type { Snapshot as SnapshotRecord } from "../wire/gen/wal.ts";
import { WireError } from "../wire/wire-error.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordType } from "./record-type.ts";
import { SegmentBytes } from "./segment-bytes.ts";
import { listSegments, segmentsBehindGaps, selectSegments } from "./segment-name.ts";
import type { WalContent, WalSnapshot } from "./types.ts";
import { WalError } from "./wal-error.ts";

/** Where a log is read: only files and a place for remarks are needed. */
export interface WalLocation {
  readonly disk: Disk;
  readonly log: Log;
  readonly directory: string;
}

const ENTRY_TYPE_MAX = EntryType.EntryConfChangeV2;

/** The snapshot that a member without one starts from. */
export const NO_SNAPSHOT: WalSnapshot = { index: 0, term: 0 };

/**
 * Reads everything after the snapshot `start`, which must have been saved to the log. Throws `WalError`
 * (`snapshot-not-found`, `snapshot-mismatch`, …) and `DiskError`.
 */
export function readWal(location: WalLocation, start: WalSnapshot): WalContent {
  return withReader(location, start.index, (reader) => {
    const content = new ContentBuilder(start);
    readToTornEnd(reader, () => content.take(reader));
    return content.finish();
  });
}

/**
 * The snapshots that the log vouches for, oldest first: those at or below the last commit. Of a later one the
 * entries up to it may be missing. Reads all segments.
 */
export function validSnapshots(location: WalLocation): WalSnapshot[] {
  const snapshots: SnapshotRecord[] = [];
  let commit = 0;
  withReader(location, undefined, (reader) => {
    readToTornEnd(reader, () => {
      if (reader.type === RecordType.SNAPSHOT) snapshots.push(decoded(reader, decodeSnapshot));
      if (reader.type === RecordType.STATE) commit = decoded(reader, decodeHardState).commit;
    });
  });
  return snapshots.filter((snapshot) => snapshot.index <= commit);
}

/** Reads all records from the snapshot on and returns the last hard state. Throws as `readWal` does. */
export function verifyWal(location: WalLocation, start: WalSnapshot): HardState {
  return withReader(location, start.index, (reader) => {
    const frame = new FrameChecker(start);
    readToTornEnd(reader, () => {
      if (!frame.take(reader) && reader.type !== RecordType.ENTRY) throw unexpectedType(reader);
    });
    frame.mustHaveMetStart();
    return frame.hardState;
  });
}

/** Gathers what the log says after `start`, record by record, by the rules of reading. */
export class ContentBuilder {
  readonly #start: WalSnapshot;
  readonly #frame: FrameChecker;
  readonly #entries: Entry[] = [];
  #lastIndex: number;
  /** Term of the entry at the index of the start, as read so far. */
  #termAtStart: number | undefined;
  #startMet = false;

  constructor(start: WalSnapshot) {
    this.#start = start;
    this.#frame = new FrameChecker(start);
    this.#lastIndex = start.index;
  }

  /** Index of the entry last read, also when it overwrote later ones. At least that of the start. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Takes in the record that the reader stands on. */
  take(reader: RecordReader): void {
    if (reader.type !== RecordType.ENTRY) {
      if (!this.#frame.take(reader)) throw unexpectedType(reader);
      if (this.#frame.startMet !== this.#startMet) this.#meetStart();
      return;
    }
    const entry = takeEntry(reader);
    // Nor does the checksum tell an entry from a hard state, whose vote would be the term.
    if (entry.type > ENTRY_TYPE_MAX || entry.term === Number.MAX_SAFE_INTEGER) {
      throw reader.error("malformed", "the record is no entry that can stand here");
    }
    this.#lastIndex = Math.max(entry.index, this.#start.index);
    if (entry.index <= this.#start.index) {
      this.#entries.length = 0;
      this.#termAtStart = entry.index === this.#start.index ? entry.term : undefined;
      return;
    }
    const position = entry.index - this.#start.index - 1;
    if (position > this.#entries.length) {
      const expected = this.#start.index + this.#entries.length + 1;
      throw reader.error(
        "slice-out-of-range",
        `entry ${entry.index} stands where at most ${expected} can`,
      );
    }
    // The log of a deposed leader is overwritten from the first entry that differs.
    this.#entries.length = position;
    this.#entries.push(entry);
  }

  /**
   * The record of the start follows what the log held then. Where that has another entry in the place of the
   * start, a leader has sent it, instead of the whole log: what lay behind it is of a deposed leader. A log
   * without any entry there begins behind the start, as a backup does.
   *
   * Differs from etcd: such entries come back at its next start, with terms below the snapshot's. Until they
   * are overwritten the member votes as if it did not have the snapshot.
   */
  #meetStart(): void {
    this.#startMet = true;
    if (this.#termAtStart !== undefined && this.#termAtStart !== this.#start.term) {
      this.#entries.length = 0;
    }
  }

  finish(): WalContent {
    this.#frame.mustHaveMetStart();
    const { metadata, hardState } = this.#frame;
    return { metadata, hardState, entries: this.#entries };
  }
}

/** The records that are no entries: one metadata for all segments, the last hard state, the start. */
class FrameChecker {
  metadata: Uint8Array | undefined = undefined;
  hardState: HardState = createHardState();
  startMet = false;
  readonly #start: WalSnapshot;

  constructor(start: WalSnapshot) {
    this.#start = start;
  }

  /** Takes in a record; false when it is of another type. */
  take(reader: RecordReader): boolean {
    if (reader.type === RecordType.STATE) this.#takeHardState(reader);
    else if (reader.type === RecordType.METADATA) this.#takeMetadata(reader);
    else if (reader.type === RecordType.SNAPSHOT) this.#takeSnapshot(reader);
    else return reader.type === RecordType.CRC;
    return true;
  }

  mustHaveMetStart(): void {
    if (this.startMet) return;
    const { index, term } = this.#start;
    throw new WalError(
      "snapshot-not-found",
      `the log has no snapshot of index ${index}, term ${term}`,
    );
  }

  /**
   * The checksum does not cover the type of a record, so one flipped bit makes a hard state of an entry. That
   * shows: an entry has a field more, or no term where a term was before.
   */
  #takeHardState(reader: RecordReader): void {
    const hardState = decoded(reader, decodeHardState);
    const { length } = encodeHardState(hardState);
    if (length !== reader.data?.length || hardState.term < this.hardState.term) {
      throw reader.error("malformed", "the record is no hard state that can stand here");
    }
    this.hardState = hardState;
  }

  #takeMetadata(reader: RecordReader): void {
    const { data } = reader;
    if (this.metadata !== undefined && (data === undefined || !equalBytes(this.metadata, data))) {
      throw reader.error("metadata-conflict", "the segment is of another member or cluster");
    }
    this.metadata = data;
  }

  #takeSnapshot(reader: RecordReader): void {
    const snapshot = decoded(reader, decodeSnapshot);
    if (snapshot.index !== this.#start.index) return;
    if (snapshot.term !== this.#start.term) {
      const detail = `snapshot ${snapshot.index} has term ${snapshot.term}, not ${this.#start.term}`;
      throw reader.error("snapshot-mismatch", detail);
    }
    this.startMet = true;
  }
}

function takeEntry(reader: RecordReader): Entry {
  try {
    return reader.entry();
  } catch (error) {
    throw undecodable(reader, error);
  }
}

/** Decodes the data of the record that the reader stands on. */
function decoded<T>(reader: RecordReader, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(reader.data ?? new Uint8Array(0));
  } catch (error) {
    throw undecodable(reader, error);
  }
}

function undecodable(reader: RecordReader, error: unknown): unknown {
  if (!(error instanceof WireError)) return error;
  return reader.error("malformed", `the data of the record cannot be decoded (${error.message})`);
}

function unexpectedType(reader: RecordReader): WalError {
  return reader.error("unexpected-type", String(reader.type));
}

/** Reads to the end, or to where the last write was torn. */
function readToTornEnd(reader: RecordReader, take: () => void): void {
  try {
    while (reader.next()) take();
  } catch (error) {
    if (!(error instanceof WalError && error.code === "unexpected-eof")) throw error;
  }
}

/** Opens the segments from `index` on (`undefined`: all) for reading while `use` runs. */
function withReader<T>(
  { disk, log, directory }: WalLocation,
  index: number | undefined,
  use: (reader: RecordReader) => T,
): T {
  const all = listSegments(disk, log, directory);
  const segments = index === undefined ? segmentsBehindGaps(all) : selectSegments(all, index);
  const files: DiskFile[] = [];
  try {
    for (const { name } of segments) files.push(disk.open(`${directory}/${name}`, "read"));
    return use(readerOf(files));
  } finally {
    for (const file of files) file.close();
  }
}

/** A reader over open files. */
export function readerOf(files: readonly DiskFile[]): RecordReader {
  return new RecordReader(files.map((file) => new SegmentBytes(file)));
}
