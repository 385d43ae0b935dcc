/**
 * From bytes to frames, where they arrived; only the one that a cut of the input left incomplete is copied. What
 * frames do is told in frame-handler.ts.
 *
 * Source: RFC 9113 sections 3.4 and 4.
 */
import type { Connection } from "./connection.ts";
import { FrameHandler } from "./frame-handler.ts";
import type { Keepalive } from "./keepalive.ts";
import { RECEIVE_FRAME_BYTES_MAX } from "./limits.ts";
import { PartialFrame } from "./partial-frame.ts";
import { CLIENT_PREFACE, ErrorCode, FRAME_HEADER_BYTES } from "./protocol.ts";

export class FrameReader {
  readonly #connection: Connection;
  readonly #keepalive: Keepalive;
  readonly #handler: FrameHandler;
  readonly #partial = new PartialFrame();
  /** Bytes of the client's preface still to come. */
  #prefaceLeft: number;
  #partialSinceMs = -1;
  #framesRead = 0;

  constructor(connection: Connection, keepalive: Keepalive) {
    this.#connection = connection;
    this.#keepalive = keepalive;
    this.#handler = new FrameHandler(connection);
    this.#prefaceLeft = connection.role.isServer ? CLIENT_PREFACE.length : 0;
  }

  /** The peer's first SETTINGS have arrived. */
  get handshakeDone(): boolean {
    return this.#handler.handshakeDone;
  }

  get settingsAcked(): boolean {
    return this.#handler.settingsAcked;
  }

  sentSettings(): void {
    this.#handler.sentSettings();
  }

  /** Since when a frame or a header block is incomplete; `Infinity` when none is. */
  get incompleteSinceMs(): number {
    const frameMs = this.#partialSinceMs >= 0 ? this.#partialSinceMs : Number.POSITIVE_INFINITY;
    return Math.min(this.#handler.incompleteSinceMs, frameMs);
  }

  /** Gives back memory that an idle connection does not need. */
  releaseMemory(): void {
    this.#partial.release();
  }

  receive(chunk: Uint8Array, nowMs: number): void {
    const connection = this.#connection;
    if (connection.ended) return;
    connection.nowMs = nowMs;
    this.#keepalive.onRead(nowMs);
    // Node's Buffers become plain arrays, so that everything behind sees one kind of object.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    const framesBefore = this.#framesRead;
    let at = this.#prefaceLeft > 0 ? this.#readPreface(bytes) : 0;
    if (this.#partial.length > 0) at = this.#completePartial(bytes, at);
    at = this.#readFrames(bytes, at);
    connection.role.onReceiveEnd();
    if (connection.ended) return;
    if (at < bytes.length) this.#partial.begin(bytes, at, bytes.length);
    if (this.#partial.length === 0) this.#partialSinceMs = -1;
    else if (this.#partialSinceMs < 0 || this.#framesRead !== framesBefore) {
      this.#partialSinceMs = nowMs;
    }
    connection.checkOutput();
  }

  /** Returns where the preface ended, or the length of `bytes`. */
  #readPreface(bytes: Uint8Array): number {
    const from = CLIENT_PREFACE.length - this.#prefaceLeft;
    const count = Math.min(this.#prefaceLeft, bytes.length);
    for (let i = 0; i < count; i++) {
      if (bytes[i] !== CLIENT_PREFACE[from + i]) {
        this.#connection.fail(
          ErrorCode.PROTOCOL_ERROR,
          "received a bogus greeting from the client",
        );
        return bytes.length;
      }
    }
    this.#prefaceLeft -= count;
    return count;
  }

  /** Goes on with the incomplete frame; returns where the next one starts. */
  #completePartial(bytes: Uint8Array, start: number): number {
    const partial = this.#partial;
    let at = start;
    if (!partial.headerComplete) at = partial.add(bytes, at, bytes.length);
    if (!partial.headerComplete || !this.#checkSize(partial.payloadLength)) return at;
    at = partial.add(bytes, at, bytes.length);
    if (partial.missing > 0) return at;
    partial.clear();
    this.#framesRead++;
    this.#handler.onFrame(partial.bytes, 0, partial.payloadLength);
    return at;
  }

  /** Reads all whole frames of `bytes` from `start`; returns where it stopped. */
  #readFrames(bytes: Uint8Array, start: number): number {
    const handler = this.#handler;
    const connection = this.#connection;
    const end = bytes.length;
    let at = start;
    while (end - at >= FRAME_HEADER_BYTES) {
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      if (!this.#checkSize(length)) return end;
      const next = at + FRAME_HEADER_BYTES + length;
      if (next > end) break;
      this.#framesRead++;
      handler.onFrame(bytes, at, length);
      if (connection.ended) return end;
      at = next;
    }
    return at;
  }

  #checkSize(payloadLength: number): boolean {
    if (payloadLength <= RECEIVE_FRAME_BYTES_MAX) return !this.#connection.ended;
    this.#connection.fail(ErrorCode.FRAME_SIZE_ERROR, "frame larger than SETTINGS_MAX_FRAME_SIZE");
    return false;
  }
}
