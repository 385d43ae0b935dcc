/**
 * gRPC messages in the DATA of a stream.
 *
 *   message:  compressed flag 1B | length 4B big endian | payload        any cut over DATA frames
 *
 * A message that lies whole in one piece of input is handed over where it is. Only an incomplete one is
 * gathered, in memory that grows with what has arrived, not with what its prefix promises.
 *
 * Source: gRPC over HTTP/2, "Length-Prefixed-Message".
 */
import { readUint32 } from "./protocol.ts";

export const MESSAGE_PREFIX_BYTES = 5;

/** Memory for an incomplete message is what its prefix promises up to here, then grows with its content. */
const GATHER_BYTES_MIN = 262_144;
const GATHER_FACTOR = 4;

/** What an incomplete message needs of its connection: one account for all of them, in bytes. */
export interface AssemblyAccount {
  assemblyBytes: number;
  readonly assemblyBytesMax: number;
}

/** Who reads messages. */
export interface MessageSink {
  /** The incomplete message; kept here for the reader. */
  assembly: MessageAssembly | undefined;
  /** Largest payload accepted, in bytes. */
  readonly messageBytesMax: number;
  /** One payload, `bytes[start, end)`, borrowed. False stops the reading: the rest is dropped. */
  onWholeMessage(flag: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** The prefix promises more than `messageBytesMax`. Reading stops. */
  onMessageTooLarge(length: number): void;
  /** All incomplete messages of the connection together are too large. Reading stops. */
  onAssemblyFull(): void;
}

export class MessageAssembly {
  readonly #account: AssemblyAccount;
  #prefixLeft = MESSAGE_PREFIX_BYTES;
  #flag = 0;
  #promised = 0;
  #bytes = new Uint8Array(0);
  #length = 0;

  constructor(account: AssemblyAccount) {
    this.#account = account;
  }

  /** Adds from `source[start, end)` and returns where it stopped; -1 when it told `sink` to give up. */
  add(sink: MessageSink, source: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.#prefixLeft > 0 && at < end) {
      if (this.#prefixLeft === MESSAGE_PREFIX_BYTES) this.#flag = source[at];
      else this.#promised = ((this.#promised << 8) | source[at]) >>> 0;
      this.#prefixLeft--;
      at++;
    }
    if (this.#prefixLeft > 0) return at;
    if (this.#promised > sink.messageBytesMax) {
      sink.onMessageTooLarge(this.#promised);
      return -1;
    }
    const until = Math.min(at + this.#promised - this.#length, end);
    const length = this.#length + until - at;
    if (length > this.#bytes.length && !this.#grow(length)) {
      sink.onAssemblyFull();
      return -1;
    }
    this.#bytes.set(source.subarray(at, until), this.#length);
    this.#length = length;
    return until;
  }

  get complete(): boolean {
    return this.#prefixLeft === 0 && this.#length === this.#promised;
  }

  /** Hands the complete message over; false stops the reading. */
  deliver(sink: MessageSink): boolean {
    return sink.onWholeMessage(this.#flag, this.#bytes, 0, this.#length);
  }

  /** Takes its memory off the account. */
  release(): void {
    this.#account.assemblyBytes -= this.#bytes.length;
    this.#bytes = new Uint8Array(0);
  }

  #grow(length: number): boolean {
    const size = Math.min(this.#promised, Math.max(GATHER_FACTOR * length, GATHER_BYTES_MIN));
    const more = size - this.#bytes.length;
    const account = this.#account;
    if (account.assemblyBytes + more > account.assemblyBytesMax) return false;
    account.assemblyBytes += more;
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    return true;
  }
}

/** Reads `bytes[start, end)` (borrowed), the next piece of DATA of the stream that `sink` stands for. */
export function readMessages(
  sink: MessageSink,
  account: AssemblyAccount,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  let at = start;
  for (;;) {
    if (sink.assembly === undefined) {
      while (end - at >= MESSAGE_PREFIX_BYTES) {
        const length = readUint32(bytes, at + 1);
        if (length > sink.messageBytesMax) {
          sink.onMessageTooLarge(length);
          return;
        }
        const next = at + MESSAGE_PREFIX_BYTES + length;
        if (next > end) break;
        if (!sink.onWholeMessage(bytes[at], bytes, at + MESSAGE_PREFIX_BYTES, next)) return;
        at = next;
      }
      if (at === end) return;
      sink.assembly = new MessageAssembly(account);
    }
    const { assembly } = sink;
    at = assembly.add(sink, bytes, at, end);
    if (at < 0 || !assembly.complete) return;
    sink.assembly = undefined;
    const goOn = assembly.deliver(sink);
    assembly.release();
    if (!goOn) return;
  }
}

/** Forgets an incomplete message. */
export function dropAssembly(sink: MessageSink): void {
  sink.assembly?.release();
  sink.assembly = undefined;
}
