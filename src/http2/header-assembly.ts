/**
 * A header block that came in several frames: HEADERS without END_HEADERS, then CONTINUATION.
 * Source: RFC 9113 sections 4.3 and 6.10.
 */
import { CONTINUATION_FRAMES_MAX, HEADER_BLOCK_BYTES_MAX } from "./limits.ts";

export class HeaderAssembly {
  /** The stream of the block; 0 when there is none. */
  streamId = 0;
  endStream = false;
  /** When the block began. */
  sinceMs = 0;
  #bytes = new Uint8Array(0);
  #length = 0;
  #frames = 0;

  get active(): boolean {
    return this.streamId !== 0;
  }

  begin(streamId: number, endStream: boolean, nowMs: number): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.sinceMs = nowMs;
    this.#length = 0;
    this.#frames = -1;
  }

  /** Adds a fragment; false when the block has become too long or too cut up. */
  add(source: Uint8Array, start: number, end: number): boolean {
    this.#frames++;
    const length = this.#length + end - start;
    if (length > HEADER_BLOCK_BYTES_MAX || this.#frames > CONTINUATION_FRAMES_MAX) return false;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(2 * length);
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length = length;
    return true;
  }

  /** The whole block, a view that the next one overwrites. Ends the assembly. */
  finish(): Uint8Array {
    const block = this.#bytes.subarray(0, this.#length);
    this.streamId = 0;
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return block;
  }
}
