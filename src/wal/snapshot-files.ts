/**
 * Snapshot files: what a member starts from instead of the whole log.
 *
 * ```
 *   <16 hex digits of the term>-<16 of the index>.snap
 *     08 crc (CRC-32C of data) | 12 length data          (protobuf snappb.Snapshot)
 *                                   data: raftpb.Snapshot { data: opaque here, metadata { confState, index, term } }
 * ```
 *
 * A file counts only when the log has a record of the same term and index at or below its last commit. So the
 * file is made durable first and the record second, and a crash between leaves a file that nobody looks at.
 *
 * Differs from etcd: the file is written under another name and renamed, so that a crash leaves no torn one;
 * the result is the same.
 *
 * Source: etcd server/etcdserver/api/snap (3.5).
 */
import type { Disk, DiskFile } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { crc32c } from "../stdx/crc32c.ts";
import { decodeSnapshot, encodeSnapshot } from "../wire/gen/raft.ts";
import type { Snapshot } from "../wire/gen/raft.ts";
import { decodeSnapshot as decodeFile, encodeSnapshot as encodeFile } from "../wire/gen/snap.ts";
import { WireError } from "../wire/wire-error.ts";
import { attempt } from "./failure.ts";
import type { SnapshotFileMetrics } from "./metrics.ts";
import { hex16 } from "./segment-name.ts";
import type { WalDone, WalEnvironment, WalSnapshot } from "./types.ts";
import { WalError } from "./wal-error.ts";

export const SNAPSHOT_SUFFIX = ".snap";
const DATABASE_SUFFIX = ".snap.db";

/** Beginnings of names of files that only a crash leaves: defragmentation and unfinished downloads. */
const DEFRAG_PREFIX = "db.tmp";
const TEMPORARY_PREFIX = "tmp";

/** Files that belong into the directory beside snapshots. */
const DATABASE_NAME = "db";

/** Permissions of snapshot files before the umask, as etcd's. */
const SNAPSHOT_MODE = 0o666;

/** The directory of snapshots. */
export interface SnapshotLocation {
  readonly disk: Disk;
  readonly log: Log;
  readonly directory: string;
}

export function snapshotFileName({ term, index }: { term: number; index: number }): string {
  return `${hex16(term)}-${hex16(index)}${SNAPSHOT_SUFFIX}`;
}

/** Name of the database that a leader sent along with the snapshot at `index`. */
export function snapshotDatabaseName(index: number): string {
  return `${hex16(index)}${DATABASE_SUFFIX}`;
}

/** The index in the name of such a database; `undefined` when `name` is not one. */
export function parseSnapshotDatabaseName(name: string): number | undefined {
  if (!name.endsWith(DATABASE_SUFFIX)) return undefined;
  const hex = name.slice(0, -DATABASE_SUFFIX.length);
  return /^[0-9a-f]{1,16}$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
}

/** Name of that database while it arrives: what a crash leaves of it is removed at start. */
export function temporarySnapshotDatabaseName(index: number): string {
  return `${TEMPORARY_PREFIX}${hex16(index)}${DATABASE_SUFFIX}.part`;
}

/** What saving a snapshot needs; `fileMetrics` count it. */
export interface SnapshotSaving extends WalEnvironment, SnapshotLocation {
  readonly fileMetrics?: SnapshotFileMetrics;
}

/** Makes the snapshot durable as a file. An empty one (index 0) is not saved. Borrows it until return. */
export function saveSnapshotFile(
  { disk, clock, log, directory, fileMetrics }: SnapshotSaving,
  snapshot: Snapshot,
  done: WalDone,
): void {
  if (snapshot.metadata.index === 0) {
    clock.defer(() => done(undefined));
    return;
  }
  const path = `${directory}/${snapshotFileName(snapshot.metadata)}`;
  const temporary = `${directory}/${TEMPORARY_PREFIX}${snapshotFileName(snapshot.metadata)}.part`;
  const startMs = clock.nowMs();
  const data = encodeSnapshot(snapshot);
  const bytes = encodeFile({ crc: crc32c(0, data), data });
  const marshalledMs = clock.nowMs();
  fileMetrics?.marshalSeconds.observe((marshalledMs - startMs) / 1000);
  let file: DiskFile | undefined;
  const end: WalDone = (failure) => {
    file?.close();
    if (failure !== undefined) {
      log.warn("failed to write a snap file", { path, error: failure.message });
    }
    done(failure);
  };
  const fail: WalDone = (failure) => clock.defer(() => end(failure));
  attempt(() => {
    disk.remove(temporary);
    file = disk.open(temporary, "create", SNAPSHOT_MODE);
    file.write([bytes], 0, "durable", (error) => {
      if (error !== undefined) {
        end(error);
        return;
      }
      fileMetrics?.fsyncSeconds.observe((clock.nowMs() - marshalledMs) / 1000);
      attempt(() => {
        disk.rename(temporary, path);
        disk.syncDirectory(directory);
        fileMetrics?.saveSeconds.observe((clock.nowMs() - startMs) / 1000);
        end(undefined);
      }, end);
    });
  }, fail);
}

/**
 * Returns the newest readable snapshot that is among `valid` (from `validSnapshots`; `undefined`: any), or
 * `undefined` when there is none. Unreadable files are renamed to `.broken` on the way. Throws `DiskError`.
 */
export function loadSnapshot(
  location: SnapshotLocation,
  valid: readonly WalSnapshot[] | undefined,
): Snapshot | undefined {
  const { disk, log, directory } = location;
  for (const name of snapshotNames(location)) {
    const path = `${directory}/${name}`;
    try {
      const snapshot = readSnapshotFile(disk, path);
      if (valid === undefined || isAmong(valid, snapshot)) return snapshot;
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
      log.warn("failed to read a snap file", { path, error: error.message });
      disk.rename(path, `${path}.broken`);
      log.warn("renamed to a broken snap file", { path, "broken-path": `${path}.broken` });
    }
  }
  return undefined;
}

/** Reads one file. Throws `WalError` when it is empty, corrupt or no snapshot, and `DiskError`. */
export function readSnapshotFile(disk: Disk, path: string): Snapshot {
  const bytes = readWhole(disk, path);
  if (bytes.length === 0) throw new WalError("empty-snapshot", `"${path}"`);
  try {
    const { crc, data } = decodeFile(bytes);
    if (data === undefined || data.length === 0 || crc === 0) {
      throw new WalError("empty-snapshot", `"${path}"`);
    }
    const computed = crc32c(0, data);
    if (computed !== crc) {
      throw new WalError("snapshot-crc-mismatch", `"${path}" says ${crc}, its data ${computed}`);
    }
    return decodeSnapshot(data);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new WalError("malformed", `"${path}" cannot be decoded (${error.message})`);
  }
}

/** Removes what only a crash leaves in the directory: parts of downloads and of defragmentation. */
export function cleanSnapshotDirectory({ disk, log, directory }: SnapshotLocation): void {
  for (const name of disk.list(directory)) {
    const isDefrag = name.startsWith(DEFRAG_PREFIX);
    if (!isDefrag && !name.startsWith(TEMPORARY_PREFIX)) continue;
    if (isDefrag) log.info("found orphaned defragmentation file; deleting", { path: name });
    disk.remove(`${directory}/${name}`);
  }
}

/** Removes databases received for snapshots before `index`: they were applied or passed over. */
export function releaseSnapshotDatabases(
  { disk, log, directory }: SnapshotLocation,
  index: number,
): void {
  for (const name of disk.list(directory)) {
    if (!name.endsWith(DATABASE_SUFFIX)) continue;
    const came = parseSnapshotDatabaseName(name);
    if (came === undefined) {
      log.error("failed to parse index from filename", { path: name });
    } else if (came < index) {
      log.info("found orphaned .snap.db file; deleting", { path: name });
      disk.remove(`${directory}/${name}`);
    }
  }
}

/**
 * Removes the oldest snapshot files beyond the newest `keep` (0: none), and likewise the databases beside
 * them. Returns the names removed. Throws `DiskError`.
 */
export function purgeSnapshots({ disk, directory }: SnapshotLocation, keep: number): string[] {
  if (keep === 0) return [];
  const names = disk.list(directory);
  const removed: string[] = [];
  for (const suffix of [SNAPSHOT_SUFFIX, DATABASE_SUFFIX]) {
    const same = names.filter((name) => name.endsWith(suffix));
    removed.push(...same.slice(0, Math.max(0, same.length - keep)));
  }
  for (const name of removed) disk.remove(`${directory}/${name}`);
  return removed;
}

/** Names of snapshot files, newest first. */
function snapshotNames({ disk, log, directory }: SnapshotLocation): string[] {
  const names: string[] = [];
  for (const name of disk.list(directory)) {
    if (name.endsWith(SNAPSHOT_SUFFIX)) names.push(name);
    else if (name !== DATABASE_NAME) {
      log.warn("found unexpected non-snap file; skipping", { path: name });
    }
  }
  return names.reverse();
}

function isAmong(valid: readonly WalSnapshot[], { metadata }: Snapshot): boolean {
  return valid.some(({ term, index }) => term === metadata.term && index === metadata.index);
}

function readWhole(disk: Disk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(file.size());
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}
