/**
 * The stream for appends, "msgappv2": both ends remember term and index, so that an append that continues
 * the last one is only its entries and the commit index.
 *
 *   00                                                         heartbeat
 *   01  count:8  (size:8 entry:size)*  commit:8                entries behind the last ones, same term
 *   02  size:8  message:size                                   any MsgApp; from here on its term and end
 *
 * Numbers are big-endian. Both ends begin with term 0 and index 0.
 *
 * Source: etcd server/etcdserver/api/rafthttp (msgappv2_codec.go).
 */
import {
  createEntry,
  createMessage,
  decodeMessage,
  mergeEntry,
  MessageType,
  writeEntry,
  writeMessage,
} from "../wire/gen/raft.ts";
import type { Entry, Message } from "../wire/gen/raft.ts";
import { Reader } from "../wire/reader.ts";
import { Writer } from "../wire/writer.ts";
import { FrameInput } from "./frame-input.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import { uint64BigEndian } from "./message-stream.ts";
import { SIZE_EXCEEDED, StreamError } from "./stream-codec.ts";
import type { StreamDecoder, StreamEncoder } from "./stream-codec.ts";

const TYPE_HEARTBEAT = 0;
const TYPE_ENTRIES = 1;
const TYPE_MESSAGE = 2;

const NUMBER_BYTES = 8;
/** Type and count, or type and size. */
const HEAD_BYTES = 1 + NUMBER_BYTES;

/** Memory blocks of frames: a batch of a busy turn fits into one. */
const FRAME_SLAB_BYTES = 256 * 1024;

const HEARTBEAT_FRAME = Uint8Array.of(TYPE_HEARTBEAT);

/**
 * Makes frames of entries, and remembers the newest: a leader sends the same entries to all its followers,
 * and as a rule one after the other.
 */
export class EntriesFrames {
  readonly #writer = new Writer(FRAME_SLAB_BYTES);
  #first: Entry | undefined;
  #last: Entry | undefined;
  #count = 0;
  #commit = 0;
  #frame: Uint8Array | undefined;

  /** The frame of consecutive entries of one log and a commit index. */
  encode(entries: readonly Entry[], commit: number): Uint8Array {
    const known = this.#frame;
    const count = entries.length;
    // Entries do not change, and in front of an entry only one log can stand.
    const isSame = this.#first === entries[0] && this.#last === entries[count - 1];
    if (known !== undefined && isSame && this.#count === count && this.#commit === commit) {
      return known;
    }
    const frame = this.#write(entries, commit);
    this.#first = entries[0];
    this.#last = entries[count - 1];
    this.#count = count;
    this.#commit = commit;
    this.#frame = frame;
    return frame;
  }

  /** The frame of a whole message. */
  encodeMessage(message: Message): Uint8Array {
    const writer = this.#writer;
    writer.begin();
    writeMessage(writer, message);
    uint64BigEndian(writer, writer.size(0));
    writer.byte(TYPE_MESSAGE);
    return writer.take();
  }

  #write(entries: readonly Entry[], commit: number): Uint8Array {
    const writer = this.#writer;
    writer.begin();
    uint64BigEndian(writer, commit);
    for (let at = entries.length - 1; at >= 0; at--) {
      const mark = writer.mark();
      writeEntry(writer, entries[at]);
      uint64BigEndian(writer, writer.size(mark));
    }
    uint64BigEndian(writer, entries.length);
    writer.byte(TYPE_ENTRIES);
    return writer.take();
  }
}

export class AppendEncoder implements StreamEncoder {
  readonly #frames: EntriesFrames;
  #term = 0;
  #index = 0;

  /** `frames` is shared by the streams of one member. */
  constructor(frames: EntriesFrames) {
    this.#frames = frames;
  }

  heartbeat(): Uint8Array {
    return HEARTBEAT_FRAME;
  }

  encode(message: Message): Uint8Array {
    const { entries, index, term, logTerm, commit } = message;
    if (this.#index === index && this.#term === logTerm && logTerm === term) {
      this.#index += entries.length;
      return this.#frames.encode(entries, commit);
    }
    this.#term = term;
    this.#index = entries.length === 0 ? index : entries[entries.length - 1].index;
    return this.#frames.encodeMessage(message);
  }
}

export class AppendDecoder implements StreamDecoder {
  readonly #localId: bigint;
  readonly #remoteId: bigint;
  readonly #input = new FrameInput();
  readonly #reader = new Reader(new Uint8Array(0));
  #term = 0;
  #index = 0;
  /** Bytes of the frame under way, as far as they are known. */
  #needed = 1;
  /** Of a frame of entries under way: how many of them were passed, and the bytes up to there. */
  #passed = 0;
  #passedBytes = HEAD_BYTES;

  constructor(localId: bigint, remoteId: bigint) {
    this.#localId = localId;
    this.#remoteId = remoteId;
  }

  decode(bytes: Uint8Array, onMessage: (message: Message) => void): void {
    const input = this.#input;
    input.add(bytes, this.#needed);
    while (input.available >= this.#needed) {
      const type = input.byteAt(0);
      if (type === TYPE_HEARTBEAT) {
        input.take(1);
        this.#needed = 1;
        continue;
      }
      if (type !== TYPE_ENTRIES && type !== TYPE_MESSAGE) {
        throw new StreamError(`failed to parse type ${type} in msgappv2 stream`);
      }
      if (input.available < HEAD_BYTES) {
        this.#needed = HEAD_BYTES;
        return;
      }
      const message = type === TYPE_ENTRIES ? this.#entries() : this.#message();
      if (message === undefined) return;
      this.#needed = 1;
      onMessage(message);
    }
  }

  /** Takes a frame of entries, if it is there; else notes how much of it is. */
  #entries(): Message | undefined {
    const input = this.#input;
    const count = input.uint64At(1);
    while (this.#passed < count) {
      if (!this.#has(this.#passedBytes + NUMBER_BYTES)) return undefined;
      const size = input.uint64At(this.#passedBytes);
      const end = this.#passedBytes + NUMBER_BYTES + size;
      if (!this.#has(end)) return undefined;
      this.#passedBytes = end;
      this.#passed++;
    }
    if (!this.#has(this.#passedBytes + NUMBER_BYTES)) return undefined;

    const message = createMessage({
      type: MessageType.MsgApp,
      from: this.#remoteId,
      to: this.#localId,
      term: this.#term,
      logTerm: this.#term,
      index: this.#index,
      commit: Math.min(input.uint64At(this.#passedBytes), Number.MAX_SAFE_INTEGER),
    });
    let at = HEAD_BYTES;
    for (let i = 0; i < count; i++) {
      const size = input.uint64At(at);
      message.entries.push(this.#entry(input.view(at + NUMBER_BYTES, size)));
      at += NUMBER_BYTES + size;
    }
    input.take(at + NUMBER_BYTES);
    this.#index = Math.min(this.#index + count, Number.MAX_SAFE_INTEGER);
    this.#passed = 0;
    this.#passedBytes = HEAD_BYTES;
    return message;
  }

  #entry(bytes: Uint8Array): Entry {
    const entry = createEntry();
    this.#reader.reset(bytes);
    mergeEntry(this.#reader, entry);
    return entry;
  }

  /** Takes a frame of a message, if it is there. */
  #message(): Message | undefined {
    const input = this.#input;
    const size = input.uint64At(1);
    if (!this.#has(HEAD_BYTES + size)) return undefined;
    const message = decodeMessage(input.view(HEAD_BYTES, size));
    input.take(HEAD_BYTES + size);
    const { entries } = message;
    this.#term = message.term;
    this.#index = entries.length === 0 ? message.index : entries[entries.length - 1].index;
    return message;
  }

  /** Whether the frame under way is there up to `length`. */
  #has(length: number): boolean {
    if (length > MESSAGE_BYTES_MAX) throw new StreamError(SIZE_EXCEEDED);
    this.#needed = length;
    return this.#input.available >= length;
  }
}
