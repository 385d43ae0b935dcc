/**
 * The segments that a member keeps open and locked: from the one that holds its last snapshot to the one it
 * writes. What is not held may be purged.
 */
import type { Disk, DiskFile } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import type { SegmentName } from "./segment-name.ts";
import { parseSegmentName } from "./segment-name.ts";

export interface HeldSegment {
  readonly name: SegmentName;
  readonly file: DiskFile;
  /** The end of the file is being cut off: it cannot be closed yet. */
  isTrimming: boolean;
}

export class HeldSegments {
  /** Oldest first, never empty while the log is open. */
  readonly #segments: HeldSegment[];

  constructor(segments: HeldSegment[]) {
    assert(segments.length > 0, "Cannot write a log without a segment");
    this.#segments = segments;
  }

  /** The segment that is written. */
  get last(): HeldSegment {
    return this.#segments[this.#segments.length - 1];
  }

  get names(): readonly string[] {
    return this.#segments.map((segment) => segment.name.name);
  }

  get isTrimming(): boolean {
    return this.#segments.some((segment) => segment.isTrimming);
  }

  add(segment: HeldSegment): void {
    this.#segments.push(segment);
  }

  /**
   * Closes those that reading from a snapshot at `index` does not need: all before the last segment whose
   * name is below `index`. A segment still being trimmed, and those after it, wait for the next call.
   */
  releaseTo(index: number): void {
    const needed = this.#segments.findLastIndex((segment) => segment.name.index < index);
    for (let count = needed; count > 0 && !this.#segments[0].isTrimming; count--) {
      this.#segments.shift()?.file.close();
    }
  }

  closeAll(): void {
    for (const { file } of this.#segments) file.close();
    this.#segments.length = 0;
  }
}

/**
 * Which segments a sweep removes: the oldest ones beyond the newest `keep`, up to the first that is held.
 * `names` are those of the directory, sorted; others than segments are passed over. `keep` 0 removes none.
 */
export function purgeableSegments(
  names: readonly string[],
  heldNames: readonly string[],
  keep: number,
): string[] {
  if (keep === 0) return [];
  const segments = names.filter((name) => parseSegmentName(name) !== undefined);
  const purgeable: string[] = [];
  for (const name of segments.slice(0, Math.max(0, segments.length - keep))) {
    if (heldNames.includes(name)) break;
    purgeable.push(name);
  }
  return purgeable;
}

/** Removes the purgeable segments of the directory and returns their names. Throws `DiskError`. */
export function purgeSegments(
  disk: Disk,
  directory: string,
  heldNames: readonly string[],
  keep: number,
): string[] {
  const names = purgeableSegments(disk.list(directory), heldNames, keep);
  for (const name of names) disk.remove(`${directory}/${name}`);
  return names;
}
