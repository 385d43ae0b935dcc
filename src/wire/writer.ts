/**
 * Writes protobuf messages from their end to their start.
 *
 * Backwards, because the length of an embedded message stands before it: once its fields are written the
 * length is simply known, and one pass without a size computation is enough. Callers (the generated
 * `writeX` functions) therefore write fields in descending number order, and of each field first the
 * value, then its length, then its tag.
 *
 * ```
 *   buffer:  [ free ................ | tag len value | tag value | older messages ]
 *                          position -^                            ^- end
 * ```
 *
 * Invariant: after any value at least `TAG_BYTES_MAX` bytes are free, so `tag` needs no check of its own.
 * Measured in bench/wire.mjs.
 */

import { assert } from "../stdx/assert.ts";
import { utf8Length, writeUtf8 } from "../stdx/utf8.ts";
import { highHalf, lowHalf } from "./int64.ts";
import { COPY_LOOP_BYTES_MAX, SLAB_BYTES, VARINT_BYTES_MAX } from "./limits.ts";

/** Bytes of the largest tag: field numbers have 29 bits. */
const TAG_BYTES_MAX = 5;

/** Room that every value asks for beyond its own bytes: a length or a varint, and the tag. */
const MARGIN_BYTES = VARINT_BYTES_MAX + TAG_BYTES_MAX;

const TWO_28 = 268435456;
const TWO_32 = 4294967296;

/** A place to write messages to; see the head of this file for the order of calls. */
export class Writer {
  #buffer: Uint8Array;
  /** Index of the first byte written so far. */
  #position: number;
  /** Index after the last byte of the message under way. */
  #end: number;
  readonly #slabBytes: number;

  /** `slabBytes`: size of the blocks that `take` cuts messages from. */
  constructor(slabBytes: number = SLAB_BYTES) {
    assert(slabBytes > MARGIN_BYTES, "Cannot write into a block smaller than one field");
    this.#slabBytes = slabBytes;
    this.#buffer = new Uint8Array(slabBytes);
    this.#position = slabBytes;
    this.#end = slabBytes;
  }

  /** Starts a message. What was written and neither taken nor seen by `view` is dropped. */
  begin(): void {
    this.#end = this.#position;
  }

  /**
   * Ends the message and returns its bytes. They are the caller's for good and never written again, but
   * share their memory block with neighbours: never transfer the underlying buffer.
   */
  take(): Uint8Array {
    const { buffer, byteOffset } = this.#buffer;
    const length = this.#end - this.#position;
    const taken = new Uint8Array(buffer, byteOffset + this.#position, length);
    this.#end = this.#position;
    if (this.#buffer.length > this.#slabBytes) this.#renew();
    return taken;
  }

  /** Returns the bytes of the message so far, borrowed until the next call of `reset`. */
  view(): Uint8Array {
    return this.#buffer.subarray(this.#position, this.#end);
  }

  /** Starts a message and reuses all memory: every earlier `view` (and `take`) becomes invalid. */
  reset(): void {
    this.#position = this.#buffer.length;
    this.#end = this.#position;
  }

  /** Returns a mark for `length` and `size`: the current distance from the end of the message. */
  mark(): number {
    return this.#end - this.#position;
  }

  /** Bytes written since `mark`. */
  size(mark: number): number {
    return this.#end - this.#position - mark;
  }

  /** Writes the tag of the value just written. */
  tag(tag: number): void {
    if (tag < 0x80) {
      this.#buffer[--this.#position] = tag;
    } else if (tag < 0x4000) {
      this.#buffer[--this.#position] = tag >>> 7;
      this.#buffer[--this.#position] = (tag & 0x7f) | 0x80;
    } else {
      this.#varint(tag, 0);
    }
  }

  /** Writes the length of everything written since `mark`: ends an embedded message or a packed list. */
  length(mark: number): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    this.#small(this.#end - this.#position - mark);
  }

  /** One byte as it is: part of a frame around a message. */
  byte(value: number): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    this.#buffer[--this.#position] = value;
  }

  /** An unsigned 32-bit integer, most significant byte first: part of a frame around a message. */
  uint32BigEndian(value: number): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    this.#buffer[--this.#position] = value;
    this.#buffer[--this.#position] = value >>> 8;
    this.#buffer[--this.#position] = value >>> 16;
    this.#buffer[--this.#position] = value >>> 24;
  }

  bool(value: boolean): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    this.#buffer[--this.#position] = value ? 1 : 0;
  }

  /** An unsigned 32-bit integer. */
  uint32(value: number): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    this.#small(value);
  }

  /** A signed 32-bit integer or an enum value; a negative one takes ten bytes. */
  int32(value: number): void {
    this.int64(value);
  }

  /** A signed or unsigned 64-bit integer that is a safe integer; a negative one takes ten bytes. */
  int64(value: number): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    if (value >= 0 && value < TWO_28) {
      this.#small(value);
      return;
    }
    assert(Number.isSafeInteger(value), () => `Cannot encode ${value} as a 64-bit integer`);
    this.#varint(value | 0, Math.floor(value / TWO_32) | 0);
  }

  /** An unsigned 32-bit integer in four bytes. */
  fixed32(value: number): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    this.#littleEndian(value);
  }

  /** An unsigned 64-bit integer, modulo 2^64, in eight bytes. */
  fixed64(value: bigint): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    const low = lowHalf(value);
    this.#littleEndian(highHalf());
    this.#littleEndian(low);
  }

  /** A signed or unsigned 64-bit integer, modulo 2^64. */
  bigint(value: bigint): void {
    if (this.#position < MARGIN_BYTES) this.#grow(0);
    const low = lowHalf(value);
    this.#varint(low, highHalf());
  }

  /** A byte string and its length. Copies: `value` is borrowed until return. */
  bytes(value: Uint8Array): void {
    const length = value.length;
    if (this.#position < length + MARGIN_BYTES) this.#grow(length);
    const start = this.#position - length;
    const buffer = this.#buffer;
    if (length <= COPY_LOOP_BYTES_MAX) {
      for (let i = 0; i < length; i++) buffer[start + i] = value[i];
    } else {
      buffer.set(value, start);
    }
    this.#position = start;
    this.#small(length);
  }

  /** A text in UTF-8 and its length. */
  string(value: string): void {
    const length = value.length;
    if (this.#position < length + MARGIN_BYTES) this.#grow(length);
    const start = this.#position - length;
    const buffer = this.#buffer;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.#wideString(value);
        return;
      }
      buffer[start + i] = unit;
    }
    this.#position = start;
    this.#small(length);
  }

  #wideString(value: string): void {
    const length = utf8Length(value);
    if (this.#position < length + MARGIN_BYTES) this.#grow(length);
    this.#position -= length;
    writeUtf8(value, this.#buffer, this.#position);
    this.#small(length);
  }

  #littleEndian(value: number): void {
    this.#buffer[--this.#position] = value >>> 24;
    this.#buffer[--this.#position] = value >>> 16;
    this.#buffer[--this.#position] = value >>> 8;
    this.#buffer[--this.#position] = value;
  }

  /** Writes a varint of at most 32 bits, unsigned. */
  #small(value: number): void {
    if (value < 0x80) {
      this.#buffer[--this.#position] = value;
    } else if (value < 0x4000) {
      this.#buffer[--this.#position] = value >>> 7;
      this.#buffer[--this.#position] = (value & 0x7f) | 0x80;
    } else {
      this.#varint(value, 0);
    }
  }

  /** Writes a varint of 64 bits given as two halves. */
  #varint(lowHalf32: number, highHalf32: number): void {
    let low = lowHalf32 >>> 0;
    let high = highHalf32 >>> 0;
    let at = this.#position - varintBytes(low, high);
    const buffer = this.#buffer;
    this.#position = at;
    while (high !== 0) {
      buffer[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    while (low >= 0x80) {
      buffer[at++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    buffer[at] = low;
  }

  /** Makes room for `bytes` and the margin, and moves the message under way to a new block. */
  #grow(bytes: number): void {
    const used = this.#end - this.#position;
    const needed = used + bytes + MARGIN_BYTES;
    // Slack grows with what is already there (many small values), not with one large value.
    const roomy = needed + Math.ceil(used / 2) + Math.ceil(this.#slabBytes / 4);
    const capacity = Math.max(this.#slabBytes, roomy);
    const grown = new Uint8Array(capacity);
    grown.set(this.#buffer.subarray(this.#position, this.#end), capacity - used);
    this.#buffer = grown;
    this.#position = capacity - used;
    this.#end = capacity;
  }

  #renew(): void {
    this.#buffer = new Uint8Array(this.#slabBytes);
    this.#position = this.#slabBytes;
    this.#end = this.#slabBytes;
  }
}

/** Returns the bytes of the varint of the unsigned halves `low` and `high`. */
function varintBytes(low: number, high: number): number {
  if (high === 0) return low === 0 ? 1 : Math.trunc((38 - Math.clz32(low)) / 7);
  return Math.trunc((70 - Math.clz32(high)) / 7);
}

/** The writer behind every `encodeX`: encoding never calls foreign code, so one is enough. */
const shared = new Writer();

/** Starts an encoding on the shared writer; `take` on it ends it. */
export function beginEncoding(): Writer {
  shared.begin();
  return shared;
}
