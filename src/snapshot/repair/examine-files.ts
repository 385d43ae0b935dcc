/** What the snapshots and the database of a member hold, without changing anything. */
import { readPosition } from "../../backend/backend.ts";
import { check } from "../../bolt/check.ts";
import { Db } from "../../bolt/db.ts";
import { BoltError, CorruptionError } from "../../bolt/errors.ts";
import type { Disk } from "../../ports/disk.ts";
import {
  parseSnapshotDatabaseName,
  readSnapshotFile,
  SNAPSHOT_SUFFIX,
} from "../../wal/snapshot-files.ts";
import type { WalSnapshot } from "../../wal/types.ts";
import { WalError } from "../../wal/wal-error.ts";
import { CACHE_BYTES_MAX } from "../limits.ts";

export type ExaminedDatabase =
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly reason: string }
  /** `lostPages`: pages that nothing uses and that are not known as free; the data is whole. */
  | {
      readonly kind: "whole";
      readonly index: number;
      readonly bytes: number;
      readonly lostPages: number;
    };

/** How a page is told of that is neither used nor free. */
const LOST_PAGE = /unreachable unfreed$/;

/** Reads every page of the database at `path`. Errors: DiskError; BoltError `locked`. */
export function examineDatabase(disk: Disk, path: string): ExaminedDatabase {
  const stat = disk.stat(path);
  if (stat === undefined) return { kind: "missing" };
  if (stat.kind !== "file") return { kind: "damaged", reason: `"${path}" is no file` };
  try {
    const db = Db.open(disk, path, { readOnly: true, cacheBytesMax: CACHE_BYTES_MAX });
    try {
      const problems = check(db.beginRead());
      const damage = problems.find((problem) => !LOST_PAGE.test(problem));
      if (damage !== undefined) return { kind: "damaged", reason: `"${path}": ${damage}` };
      const { index } = readPosition(disk, path);
      return { kind: "whole", index, bytes: stat.size, lostPages: problems.length };
    } finally {
      db.close();
    }
  } catch (error) {
    const isDamage =
      error instanceof CorruptionError || (error instanceof BoltError && error.code !== "locked");
    if (!isDamage) throw error;
    return { kind: "damaged", reason: error.message };
  }
}

export interface ExaminedSnapshot {
  readonly name: string;
  /** `undefined` when it cannot be read; `reason` says why. */
  readonly start: WalSnapshot | undefined;
  readonly reason: string;
}

/** The snapshot files of the directory, newest first. Errors: DiskError. */
export function examineSnapshots(disk: Disk, directory: string): ExaminedSnapshot[] {
  const names = disk.list(directory).filter((name) => name.endsWith(SNAPSHOT_SUFFIX));
  return names.reverse().map((name) => {
    try {
      const { metadata } = readSnapshotFile(disk, `${directory}/${name}`);
      return { name, start: metadata, reason: "" };
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
      return { name, start: undefined, reason: error.message };
    }
  });
}

/** Files that only a crash leaves, and databases that came with snapshots before `index`. */
export function orphansOf(disk: Disk, snap: string, index: number): string[] {
  const orphans: string[] = [];
  for (const name of disk.list(snap)) {
    const came = parseSnapshotDatabaseName(name);
    const isPart = name.startsWith("db.tmp") || name.startsWith("tmp");
    if (isPart || (came !== undefined && came < index)) orphans.push(`${snap}/${name}`);
  }
  return orphans;
}
