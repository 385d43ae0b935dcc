/**
 * The bytes of one connection that wait to be written, contiguous, appended in place.
 *
 *   | taken by the shell | waiting: start .. at | free |
 *
 * `take` gives away a view of the waiting part and goes on behind it, so one allocation serves many small
 * flushes and bytes that were given away are not written again: no copy, and nothing to hand back. Who knows
 * that they have been written out says so (`reuse`): then the same memory serves the next flush.
 */
import { SpareBuffers } from "./spare-buffers.ts";

/** Bytes of the first and smallest allocation. */
const CHUNK_BYTES_MIN = 2048;

/** Bytes that are kept for a connection; a burst that needs more gets a shared buffer. */
const CHUNK_BYTES_MAX = 65_536;

/** Flushes of the recent size that one allocation should serve. */
const FLUSHES_PER_CHUNK = 16;

/** Of all connections. What is in a buffer from here is never read before it is written. */
const spareBuffers = new SpareBuffers();

const NOTHING = new Uint8Array(0);

export class OutBuffer {
  /** Write at `bytes[at++]` after `reserve`. */
  bytes: Uint8Array = NOTHING;
  at = 0;
  /** First byte not yet taken. */
  start = 0;
  #chunkBytes = CHUNK_BYTES_MIN;
  /** The shared buffer that was taken last, until something else is written. */
  #takenSpare: Uint8Array | undefined = undefined;

  /** Bytes that wait. */
  get length(): number {
    return this.at - this.start;
  }

  /** Makes room for `count` more bytes; afterwards `bytes` may be another array, with `start` 0. */
  reserve(count: number): void {
    if (this.bytes.length - this.at < count) this.#grow(count);
  }

  /** Appends a copy of `source[start, end)`. */
  append(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    copyBytes(source, start, end, this.bytes, this.at);
    this.at += count;
  }

  /** The waiting bytes, `undefined` when there are none. They belong to the caller. */
  take(): Uint8Array | undefined {
    const count = this.at - this.start;
    if (count === 0) return undefined;
    const { bytes } = this;
    const taken = new Uint8Array(bytes.buffer, bytes.byteOffset + this.start, count);
    this.#chunkBytes = chunkBytesAfter(count);
    if (bytes.length > CHUNK_BYTES_MAX) {
      this.#takenSpare = bytes;
      this.#empty();
    } else {
      this.start = this.at;
    }
    return taken;
  }

  /** Nothing that was taken is needed any more: its memory serves again. */
  reuse(): void {
    if (this.start !== this.at) return;
    if (this.#takenSpare !== undefined) {
      spareBuffers.give(this.#takenSpare);
      this.#takenSpare = undefined;
    }
    this.at = 0;
    this.start = 0;
  }

  /** Gives the free memory back; waiting bytes must have been taken. */
  release(): void {
    this.#takenSpare = undefined;
    this.#chunkBytes = CHUNK_BYTES_MIN;
    this.#empty();
  }

  #empty(): void {
    this.bytes = NOTHING;
    this.at = 0;
    this.start = 0;
  }

  #grow(count: number): void {
    const waiting = this.at - this.start;
    const needed = waiting + count;
    const size = needed <= this.#chunkBytes ? this.#chunkBytes : needed + (needed >> 1);
    // Whoever writes what was taken before it still does.
    this.#takenSpare = undefined;
    const grown = size > CHUNK_BYTES_MAX ? spareBuffers.take(size) : new Uint8Array(size);
    if (waiting > 0) grown.set(this.bytes.subarray(this.start, this.at));
    this.bytes = grown;
    this.at = waiting;
    this.start = 0;
  }
}

/** Bytes to make room for at once behind a flush of `count` bytes: for the like of it, or many small ones. */
function chunkBytesAfter(count: number): number {
  if (count > CHUNK_BYTES_MAX) return count;
  return Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, FLUSHES_PER_CHUNK * count));
}

/** Bytes up to which a loop beats the call into native code (bench/http2.mjs). */
const COPY_LOOP_BYTES = 64;

/** Copies `source[start, end)` to `target` from `at`. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start > COPY_LOOP_BYTES) {
    const whole = start === 0 && end === source.length;
    target.set(whole ? source : source.subarray(start, end), at);
    return;
  }
  let to = at;
  for (let from = start; from < end; from++) target[to++] = source[from];
}
