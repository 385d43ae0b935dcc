/**
 * Keeps zeros written durably ahead of the records of one segment.
 *
 * A durable write into blocks that the device already has needs no change of metadata, so no commit of the
 * file system's journal: it takes half the time (numbers in platform/disk-file.ts). Writing the zeros in
 * steps behind the scenes, instead of all 64 MB at once, costs nothing at the start and never fills the
 * device's queue.
 *
 * ```
 *   | records ...... | zeros on the device ........ | chunk under way | nothing (the file system's zeros) |
 *                    ^- writer                      ^- #end
 * ```
 *
 * Invariant: a chunk under way never overlaps a write under way; the writer asks `overlaps` first.
 */
import type { DiskError, DiskFile } from "../ports/disk.ts";
import { ZERO_AHEAD_BYTES, ZERO_CHUNK_BYTES, ZERO_FOR_WRITES_BYTES_MAX } from "./limits.ts";

const PAGE_BYTES = 4096;

const ZEROS = new Uint8Array(ZERO_CHUNK_BYTES);

export class ZeroAhead {
  readonly #file: DiskFile;
  /** Where the zeros end for good: the size of a segment. */
  readonly #limit: number;
  readonly #onIdle: (error: DiskError | undefined) => void;
  #end: number;
  #isUnderWay = false;
  #isStopped = false;

  /** `from`: where records are written next. `onIdle` is called after each chunk, with its error. */
  constructor(
    file: DiskFile,
    from: number,
    limit: number,
    onIdle: (error: DiskError | undefined) => void,
  ) {
    this.#file = file;
    this.#end = from;
    this.#limit = limit;
    this.#onIdle = onIdle;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Whether a write up to `end` would meet the chunk under way. */
  overlaps(end: number): boolean {
    return this.#isUnderWay && end > this.#end;
  }

  /**
   * Tells that records are, or are being, written up to `end`, lately with `writeBytes` at once; starts a
   * chunk when it is due.
   */
  advance(end: number, writeBytes: number): void {
    if (this.#isUnderWay || this.#isStopped) return;
    this.#end = Math.max(this.#end, end);
    if (writeBytes > ZERO_FOR_WRITES_BYTES_MAX) return;
    // Whole pages at the end, so that the next chunk starts with a page that is not in memory yet.
    const pageEnd = this.#end + ZERO_CHUNK_BYTES - ((this.#end + ZERO_CHUNK_BYTES) % PAGE_BYTES);
    const length = Math.min(pageEnd, this.#limit) - this.#end;
    if (length <= 0 || this.#end - end >= ZERO_AHEAD_BYTES) return;
    this.#isUnderWay = true;
    this.#file.write([ZEROS.subarray(0, length)], this.#end, "durable", (error) => {
      this.#isUnderWay = false;
      if (error === undefined) this.#end += length;
      // Without space there is nothing to prepare; records still fit where zeros are.
      else this.#isStopped = true;
      this.#onIdle(error?.code === "ENOSPC" ? undefined : error);
    });
  }

  /** Starts no more chunks. */
  stop(): void {
    this.#isStopped = true;
  }
}
