/**
 * Memory for many small copies of bytes that all end at the same time. An array for each would be work for the
 * garbage collector, over and over.
 */
import { SLAB_BYTES } from "./limits.ts";

export class Slab {
  #bytes = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** Returns a copy of `bytes`, valid until `clear`. */
  keep(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > SLAB_BYTES) return bytes.slice();
    if (this.#used + length > SLAB_BYTES) {
      // The full one stays as long as somebody has a part of it.
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const copy = this.#bytes.subarray(this.#used, this.#used + length);
    copy.set(bytes);
    this.#used += length;
    return copy;
  }

  /** All copies are given up: their memory is used again. */
  clear(): void {
    this.#used = 0;
  }
}
