/**
 * Large output buffers between two uses, shared by all connections: a burst of one connection is written
 * into memory that another one's burst left, instead of into memory that the collector has to bring. Without
 * it most of the time of a watch fan-out or a snapshot is spent collecting buffers.
 *
 * Sizes are powers of two, from `SPARE_BUFFER_BYTES_MIN` to `SPARE_BUFFER_BYTES_MAX`.
 */
import { assert } from "../stdx/assert.ts";
import { SPARE_BUFFER_BYTES_MAX, SPARE_BUFFER_BYTES_MIN, SPARE_BYTES_MAX } from "./limits.ts";

export class SpareBuffers {
  /** By size. */
  readonly #spare = new Map<number, Uint8Array[]>();
  #bytes = 0;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A buffer of at least `count` bytes, with whatever was in it. */
  take(count: number): Uint8Array {
    if (count > SPARE_BUFFER_BYTES_MAX) return new Uint8Array(count);
    let size = SPARE_BUFFER_BYTES_MIN;
    while (size < count) size *= 2;
    const found = this.#spare.get(size)?.pop();
    if (found === undefined) return new Uint8Array(size);
    this.#bytes -= size;
    return found;
  }

  /** Nobody reads or writes `buffer`, which came from `take`, any more. */
  give(buffer: Uint8Array): void {
    const size = buffer.length;
    if (size > SPARE_BUFFER_BYTES_MAX || this.#bytes + size > SPARE_BYTES_MAX) return;
    assert((size & (size - 1)) === 0, "A spare buffer must have come from here");
    const ofSize = this.#spare.get(size);
    if (ofSize === undefined) this.#spare.set(size, [buffer]);
    else ofSize.push(buffer);
    this.#bytes += size;
  }
}
