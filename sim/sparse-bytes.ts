/**
 * The content of a simulated file: bytes in chunks, absent chunks are zeros, copies share their chunks.
 * A preallocated segment of 64 MB costs nothing until it is written, and an image of the whole disk at
 * some moment costs one map entry per written chunk.
 */
import { assert } from "../src/stdx/assert.ts";

const CHUNK_BYTES = 4096;

interface Chunk {
  /** Who may write in place; anybody else copies first. */
  readonly owner: object;
  readonly bytes: Uint8Array;
}

export class SparseBytes {
  readonly #chunks = new Map<number, Chunk>();
  #owner: object = {};
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Fills `into` from `position`; returns the bytes read, fewer only at the end. */
  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - position));
    for (let done = 0; done < count; ) {
      const at = position + done;
      const start = at % CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - start, count - done);
      const chunk = this.#chunks.get(Math.floor(at / CHUNK_BYTES));
      if (chunk === undefined) into.fill(0, done, done + length);
      else into.set(chunk.bytes.subarray(start, start + length), done);
      done += length;
    }
    return count;
  }

  /** Writes and, where needed, grows. Copies `bytes`. */
  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const at = position + done;
      const start = at % CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - start, bytes.length - done);
      const chunk = this.#writable(Math.floor(at / CHUNK_BYTES));
      chunk.set(bytes.subarray(done, done + length), start);
      done += length;
    }
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  /** Grows with zeros or cuts. */
  resize(size: number): void {
    assert(size >= 0, () => `Cannot resize to ${size} bytes`);
    if (size < this.#size) {
      const firstGone = Math.ceil(size / CHUNK_BYTES);
      for (const index of this.#chunks.keys()) {
        if (index >= firstGone) this.#chunks.delete(index);
      }
      // What is cut off must read as zeros when the file grows again.
      const last = Math.floor(size / CHUNK_BYTES);
      if (this.#chunks.has(last)) this.#writable(last).fill(0, size % CHUNK_BYTES);
    }
    this.#size = size;
  }

  /** A copy that shares chunks until one of the two writes. O(written chunks). */
  clone(): SparseBytes {
    const copy = new SparseBytes();
    for (const [index, chunk] of this.#chunks) copy.#chunks.set(index, chunk);
    copy.#size = this.#size;
    this.#owner = {};
    return copy;
  }

  #writable(index: number): Uint8Array {
    const chunk = this.#chunks.get(index);
    if (chunk !== undefined && chunk.owner === this.#owner) return chunk.bytes;
    const bytes = chunk === undefined ? new Uint8Array(CHUNK_BYTES) : chunk.bytes.slice();
    this.#chunks.set(index, { owner: this.#owner, bytes });
    return bytes;
  }
}
