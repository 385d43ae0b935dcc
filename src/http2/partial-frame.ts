/**
 * The frame that a cut of the input left incomplete. Every other frame is read where it arrived.
 */
import { FRAME_HEADER_BYTES } from "./protocol.ts";

export class PartialFrame {
  /** The frame so far is `bytes[0, length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  /** Keeps a copy of `source[start, end)`, the beginning of a frame. */
  begin(source: Uint8Array, start: number, end: number): void {
    this.#append(source, start, end);
  }

  /**
   * Adds from `source[start, end)` what the frame misses and returns where it stopped. The frame may still
   * be incomplete then, or its header may just have become known: look at `missing`.
   */
  add(source: Uint8Array, start: number, end: number): number {
    const until = Math.min(start + this.missing, end);
    this.#append(source, start, until);
    return until;
  }

  /** Bytes still missing: to the header while it is incomplete, then to the whole frame. */
  get missing(): number {
    if (this.length < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES - this.length;
    return FRAME_HEADER_BYTES + this.payloadLength - this.length;
  }

  /** Valid once the header is complete. */
  get payloadLength(): number {
    return (this.bytes[0] << 16) | (this.bytes[1] << 8) | this.bytes[2];
  }

  get headerComplete(): boolean {
    return this.length >= FRAME_HEADER_BYTES;
  }

  /** Forgets the frame; the memory stays for the next one. */
  clear(): void {
    this.length = 0;
  }

  /** Gives the memory back. Only without a frame. */
  release(): void {
    if (this.length === 0) this.bytes = new Uint8Array(0);
  }

  #append(source: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(2 * length, 256));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(start, end), this.length);
    this.length = length;
  }
}
