/**
 * The stream for messages of all kinds: each is its length, 8 bytes big-endian, and its encoding.
 *
 * Source: etcd server/etcdserver/api/rafthttp (msg_codec.go).
 */
import { createMessage, decodeMessage, MessageType, writeMessage } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { Writer } from "../wire/writer.ts";
import { FrameInput } from "./frame-input.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import { SIZE_EXCEEDED, StreamError } from "./stream-codec.ts";
import type { StreamDecoder, StreamEncoder } from "./stream-codec.ts";

const LENGTH_BYTES = 8;
const TWO_32 = 4_294_967_296;

/** Encoding never calls foreign code, so one writer is enough. */
const writer = new Writer();

/** The frame of one message. */
export function encodeMessageFrame(message: Message): Uint8Array {
  writer.begin();
  writeMessage(writer, message);
  uint64BigEndian(writer, writer.size(0));
  return writer.take();
}

/** Writes a safe integer as 8 bytes, most significant byte first, in front of what `to` holds. */
export function uint64BigEndian(to: Writer, value: number): void {
  to.uint32BigEndian(value >>> 0);
  to.uint32BigEndian(Math.floor(value / TWO_32));
}

/** Nobody else sends a message that comes from nobody. */
const HEARTBEAT = createMessage({ type: MessageType.MsgHeartbeat });

function isHeartbeat({ type, from, to }: Message): boolean {
  return type === MessageType.MsgHeartbeat && from === 0n && to === 0n;
}

export const messageEncoder: StreamEncoder = {
  encode: encodeMessageFrame,
  heartbeat: () => encodeMessageFrame(HEARTBEAT),
};

export class MessageDecoder implements StreamDecoder {
  readonly #input = new FrameInput();
  #needed = LENGTH_BYTES;

  decode(bytes: Uint8Array, onMessage: (message: Message) => void): void {
    const input = this.#input;
    input.add(bytes, this.#needed);
    for (;;) {
      this.#needed = LENGTH_BYTES;
      if (input.available < LENGTH_BYTES) return;
      const length = input.uint64At(0);
      if (length > MESSAGE_BYTES_MAX) throw new StreamError(SIZE_EXCEEDED);
      this.#needed = LENGTH_BYTES + length;
      if (input.available < this.#needed) return;
      const message = decodeMessage(input.view(LENGTH_BYTES, length));
      input.take(this.#needed);
      if (!isHeartbeat(message)) onMessage(message);
    }
  }
}

/** Reads one message from the front of a body; what follows it is something else. */
export class LeadingMessage {
  readonly #input = new FrameInput();
  #needed = LENGTH_BYTES;

  /**
   * Takes in bytes; returns the message once it is complete, and the bytes behind it. Throws `StreamError`
   * or `WireError` on bytes that are no frame.
   */
  decode(bytes: Uint8Array): { readonly message: Message; readonly rest: Uint8Array } | undefined {
    const input = this.#input;
    input.add(bytes, this.#needed);
    if (input.available < LENGTH_BYTES) return undefined;
    const length = input.uint64At(0);
    if (length > MESSAGE_BYTES_MAX) throw new StreamError(SIZE_EXCEEDED);
    this.#needed = LENGTH_BYTES + length;
    if (input.available < this.#needed) return undefined;
    const message = decodeMessage(input.view(LENGTH_BYTES, length));
    input.take(this.#needed);
    return { message, rest: input.view(0, input.available) };
  }
}
