/**
 * Names of segment files: `%016x-%016x.wal` of the sequence number and of the first raft index that the
 * file may hold. Sequence numbers of one log are contiguous.
 */
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { WalError } from "./wal-error.ts";

const WAL_NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

export interface SegmentName {
  readonly name: string;
  readonly sequence: number;
  /** First raft index that the file may hold. */
  readonly index: number;
}

export function segmentName(sequence: number, index: number): SegmentName {
  return { name: `${hex16(sequence)}-${hex16(index)}.wal`, sequence, index };
}

/** `undefined` when the name is not one of a segment. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = WAL_NAME.exec(name);
  if (match === null) return undefined;
  const sequence = Number.parseInt(match[1], 16);
  const index = Number.parseInt(match[2], 16);
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(index)) return undefined;
  return { name, sequence, index };
}

/** Sixteen hex digits, also the form of names of snapshot files. */
export function hex16(value: number): string {
  return value.toString(16).padStart(16, "0");
}

/** The directory that holds `path`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}

/** Whether the directory holds a log. */
export function walExists(disk: Disk, directory: string): boolean {
  if (disk.stat(directory)?.kind !== "directory") return false;
  return disk.list(directory).some((name) => name.endsWith(".wal"));
}

/** The segments of the directory, oldest first. Throws `WalError` `file-not-found` when there is none. */
export function listSegments(disk: Disk, log: Log, directory: string): SegmentName[] {
  const segments: SegmentName[] = [];
  for (const name of disk.list(directory)) {
    const segment = parseSegmentName(name);
    if (segment !== undefined) segments.push(segment);
    else if (!name.endsWith(".tmp")) log.warn("ignored file in WAL directory", { path: name });
  }
  if (segments.length === 0) throw new WalError("file-not-found", `no segment in "${directory}"`);
  return segments;
}

/**
 * The segments needed to read on from raft index `index`: from the last one whose name is at or below it.
 * Throws `WalError` `file-not-found` when there is none or the sequence has a gap.
 */
export function selectSegments(segments: readonly SegmentName[], index: number): SegmentName[] {
  const first = segments.findLastIndex((segment) => segment.index <= index);
  if (first < 0) {
    throw new WalError("file-not-found", `no segment holds raft index ${index}`);
  }
  const selected = segments.slice(first);
  for (let at = 1; at < selected.length; at++) {
    if (selected[at].sequence === selected[at - 1].sequence + 1) continue;
    throw new WalError(
      "file-not-found",
      `segments ${selected[at - 1].name} and ${selected[at].name} do not follow each other`,
    );
  }
  return selected;
}

/**
 * The segments behind the last gap in the sequence. A gap is left by a crash that undid a part of a purge:
 * what is before it was to be removed, and is needed by nobody.
 */
export function segmentsBehindGaps(segments: readonly SegmentName[]): SegmentName[] {
  let first = segments.length - 1;
  while (first > 0 && segments[first - 1].sequence + 1 === segments[first].sequence) first--;
  return segments.slice(first);
}
