/** What the two kinds of streams have in common. Bytes of both are drawn in docs/internals/peer.md. */
import type { Message } from "../wire/gen/raft.ts";

/** A stream that breaks the rules: it is closed. */
export class StreamError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StreamError";
  }
}

/** Says more than `MESSAGE_BYTES_MAX`. Source: etcd rafthttp (ErrExceedSizeLimit). */
export const SIZE_EXCEEDED = "rafthttp: error limit exceeded";

/** Makes frames of messages; has the state of one connection. */
export interface StreamEncoder {
  /** The frame, which nobody writes to again. Borrows `message` until return. */
  encode(message: Message): Uint8Array;
  /** A frame that only says that the connection is alive. */
  heartbeat(): Uint8Array;
}

/** Reads messages from the bytes of one connection. */
export interface StreamDecoder {
  /**
   * Takes in bytes that nobody writes to again and hands every message that is complete to `onMessage`;
   * heartbeats are left out. Throws `StreamError` or `WireError` on bytes that are no frames.
   */
  decode(bytes: Uint8Array, onMessage: (message: Message) => void): void;
}
