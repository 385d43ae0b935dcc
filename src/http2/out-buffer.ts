/**
 * The bytes of one connection that wait to be written, contiguous, appended in place.
 *
 *   | taken by the shell | waiting: start .. at | free |
 *
 * `take` gives away a view of the waiting part and goes on behind it, so one allocation serves many small
 * flushes and bytes that were given away are never written again: no copy, and nothing to hand back.
 */

/** Bytes of the first and smallest allocation. */
const CHUNK_BYTES_MIN = 2048;

/** Bytes of an allocation made ahead; a burst that needs more gets what it needs. */
const CHUNK_BYTES_MAX = 65_536;

/** Flushes of the recent size that one allocation should serve. */
const FLUSHES_PER_CHUNK = 16;

/** Free bytes that are not worth keeping. */
const TAIL_BYTES_MIN = 512;

const NOTHING = new Uint8Array(0);

export class OutBuffer {
  /** Write at `bytes[at++]` after `reserve`. */
  bytes: Uint8Array = NOTHING;
  at = 0;
  /** First byte not yet taken. */
  start = 0;
  #chunkBytes = CHUNK_BYTES_MIN;

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
    const wanted = FLUSHES_PER_CHUNK * count;
    this.#chunkBytes =
      wanted > CHUNK_BYTES_MAX
        ? CHUNK_BYTES_MAX
        : wanted < CHUNK_BYTES_MIN
          ? CHUNK_BYTES_MIN
          : wanted;
    if (bytes.length - this.at < TAIL_BYTES_MIN) this.release();
    else this.start = this.at;
    return taken;
  }

  /** Gives the free memory back; waiting bytes must have been taken. */
  release(): void {
    this.bytes = NOTHING;
    this.at = 0;
    this.start = 0;
    this.#chunkBytes = CHUNK_BYTES_MIN;
  }

  #grow(count: number): void {
    const waiting = this.at - this.start;
    const needed = waiting + count;
    const size = needed <= this.#chunkBytes ? this.#chunkBytes : needed + (needed >> 1);
    const grown = new Uint8Array(size);
    if (waiting > 0) grown.set(this.bytes.subarray(this.start, this.at));
    this.bytes = grown;
    this.at = waiting;
    this.start = 0;
  }
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
