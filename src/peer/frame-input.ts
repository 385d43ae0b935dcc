/**
 * Bytes that arrive in pieces, read as frames that start and end anywhere. A frame that lies whole in one
 * piece is read where it lies; one that is spread over pieces is put together, each byte copied once, or
 * twice while the room grows.
 */
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { FRAME_TRUST_BYTES } from "./limits.ts";

const TWO_32 = 4_294_967_296;

export class FrameInput {
  #bytes: Uint8Array = EMPTY_BYTES;
  #start = 0;
  #end = 0;
  /** Whether `#bytes` is a block of ours that is written to. */
  #isOwn = false;

  /** Bytes that are there and were not taken. */
  get available(): number {
    return this.#end - this.#start;
  }

  /**
   * Takes in bytes that nobody writes to again. `needed`: bytes of the frame under way as far as is known,
   * for which room is made.
   */
  add(bytes: Uint8Array, needed: number): void {
    const waiting = this.available;
    if (waiting === 0) {
      // A view of the plain type: those that are cut from it cost less than a Buffer's.
      this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#start = 0;
      this.#end = bytes.length;
      this.#isOwn = false;
      return;
    }
    if (!this.#isOwn || this.#end + bytes.length > this.#bytes.length) {
      this.#move(waiting + bytes.length, needed);
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  byteAt(offset: number): number {
    return this.#bytes[this.#start + offset];
  }

  /** The unsigned 64-bit integer at `offset`, most significant byte first; beyond 2^53 it is not exact. */
  uint64At(offset: number): number {
    return this.#uint32At(offset) * TWO_32 + this.#uint32At(offset + 4);
  }

  /** A view of `length` bytes, which stays valid for good. */
  view(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(this.#start + offset, this.#start + offset + length);
  }

  /** The first `length` bytes are done with. */
  take(length: number): void {
    this.#start += length;
  }

  #uint32At(offset: number): number {
    const at = this.#start + offset;
    const bytes = this.#bytes;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  }

  /** Moves what waits to the start of a new block. The old one may be seen by views of earlier frames. */
  #move(atLeast: number, needed: number): void {
    const promised = Math.min(needed, FRAME_TRUST_BYTES);
    const grown = new Uint8Array(Math.max(promised, atLeast + (atLeast >>> 1)));
    grown.set(this.#bytes.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = grown;
    this.#isOwn = true;
  }
}
