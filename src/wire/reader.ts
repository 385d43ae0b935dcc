/**
 * Reads protobuf messages, and bounds what hostile bytes can do: every read is checked against the end of
 * the innermost message, varints against ten bytes, messages in messages against `NESTING_DEPTH_MAX`.
 *
 * It accepts what the decoders of etcd 3.5 accept: bits beyond the 64th of a varint are dropped, booleans
 * are any varint, groups are skipped when unknown, texts that are not UTF-8 are taken (ill-formed bytes
 * become U+FFFD; etcd keeps them). Differs from etcd: a tag of more than 32 bits is refused.
 */

import { EMPTY_BYTES, equalBytes, utf8FromBytes } from "../stdx/bytes.ts";
import { signedBigint, signedNumber, unsignedBigint, unsignedNumber } from "./int64.ts";
import { NESTING_DEPTH_MAX, VARINT_BYTES_MAX } from "./limits.ts";
import { WireError } from "./wire-error.ts";

/** Go names of the fields of a message by number, for the texts of errors. */
export type FieldNames = Readonly<Record<number, string>>;

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_GROUP_START = 3;
const WIRE_GROUP_END = 4;
const WIRE_FIXED32 = 5;

/** A position in `bytes`, which stay borrowed by every byte string read (they are views). */
export class Reader {
  #bytes: Uint8Array;
  #position = 0;
  #end: number;
  #depth = 0;
  /** Halves of the varint last read by `#varint`, as 32-bit integers. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = plain(bytes);
    this.#end = bytes.length;
  }

  /** Starts over on other bytes: one reader for many small messages. */
  reset(bytes: Uint8Array): void {
    this.#bytes = plain(bytes);
    this.#position = 0;
    this.#end = bytes.length;
    this.#depth = 0;
  }

  /** Index in the input of what is read next. */
  get position(): number {
    return this.#position;
  }

  /** Reports whether the current message has more fields. */
  more(): boolean {
    return this.#position < this.#end;
  }

  /** Reads a tag: field number times eight plus wire type. */
  tag(): number {
    const byte = this.#bytes[this.#position];
    if (byte < 0x80 && this.#position < this.#end) {
      this.#position++;
      return byte;
    }
    this.#varint();
    if (this.#high !== 0) throw new WireError("proto: tag of more than 32 bits");
    return this.#low >>> 0;
  }

  /** Enters an embedded message (or a packed list). Give the result to `leave`. */
  enter(): number {
    const length = this.#length();
    if (++this.#depth > NESTING_DEPTH_MAX) {
      throw new WireError(`proto: messages nested deeper than ${NESTING_DEPTH_MAX}`);
    }
    const outerEnd = this.#end;
    this.#end = this.#position + length;
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.#depth--;
    this.#end = outerEnd;
  }

  /** Skips the embedded message if it has exactly these bytes, and reports whether it did. */
  skipIfEqual(expected: Uint8Array): boolean {
    const start = this.#position;
    const length = this.#length();
    const from = this.#position;
    if (length === expected.length) {
      if (equalBytes(this.#bytes.subarray(from, from + length), expected)) {
        this.#position = from + length;
        return true;
      }
    }
    this.#position = start;
    return false;
  }

  bool(): boolean {
    const byte = this.#bytes[this.#position];
    if (byte < 2 && this.#position < this.#end) {
      this.#position++;
      return byte === 1;
    }
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  uint32(): number {
    const byte = this.#bytes[this.#position];
    if (byte < 0x80 && this.#position < this.#end) {
      this.#position++;
      return byte;
    }
    this.#varint();
    return this.#low >>> 0;
  }

  /** Also enum values. */
  int32(): number {
    return this.uint32() | 0;
  }

  /** A signed 64-bit integer, clamped to the safe integers. */
  int64(): number {
    const byte = this.#bytes[this.#position];
    if (byte < 0x80 && this.#position < this.#end) {
      this.#position++;
      return byte;
    }
    this.#varint();
    return this.#high === 0 && this.#low >= 0 ? this.#low : signedNumber(this.#low, this.#high);
  }

  /** An unsigned 64-bit integer, clamped to the safe integers. */
  uint64(): number {
    const byte = this.#bytes[this.#position];
    if (byte < 0x80 && this.#position < this.#end) {
      this.#position++;
      return byte;
    }
    this.#varint();
    return this.#high === 0 && this.#low >= 0 ? this.#low : unsignedNumber(this.#low, this.#high);
  }

  int64Bigint(): bigint {
    this.#varint();
    return signedBigint(this.#low, this.#high);
  }

  uint64Bigint(): bigint {
    this.#varint();
    return unsignedBigint(this.#low, this.#high);
  }

  /** An unsigned 32-bit integer of four bytes. */
  fixed32(): number {
    this.#advance(4);
    const at = this.#position - 4;
    return littleEndian(this.#bytes, at);
  }

  /** An unsigned 64-bit integer of eight bytes. */
  fixed64(): bigint {
    this.#advance(8);
    const at = this.#position - 8;
    return (
      (BigInt(littleEndian(this.#bytes, at + 4)) << 32n) | BigInt(littleEndian(this.#bytes, at))
    );
  }

  /** A byte string: a view into the input. */
  bytes(): Uint8Array {
    const length = this.#length();
    if (length === 0) return EMPTY_BYTES;
    const start = this.#position;
    this.#position = start + length;
    return this.#bytes.subarray(start, start + length);
  }

  /** Skips a byte string and returns the index of its first byte; it ends at `position`. */
  skipBytes(): number {
    const length = this.#length();
    const start = this.#position;
    this.#position = start + length;
    return start;
  }

  string(): string {
    const length = this.#length();
    if (length === 0) return "";
    const start = this.#position;
    this.#position = start + length;
    return utf8FromBytes(this.#bytes, start, start + length);
  }

  /** Skips the unknown field of `tag`, or throws if the field is one of `known` (wrong wire type). */
  skip(tag: number, messageName: string, known: FieldNames): void {
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === WIRE_GROUP_END) {
      throw new WireError(`proto: ${messageName}: wiretype end group for non-group`);
    }
    if (field === 0) {
      throw new WireError(`proto: ${messageName}: illegal tag ${field} (wire type ${tag})`);
    }
    const name = known[field];
    if (name !== undefined) {
      throw new WireError(`proto: wrong wireType = ${wireType} for field ${name}`);
    }
    this.#skipValue(wireType);
  }

  /** Skips a value; groups are followed to their end with a counter, not by recursion. */
  #skipValue(firstWireType: number): void {
    let wireType = firstWireType;
    let groups = 0;
    while (true) {
      if (wireType === WIRE_VARINT) this.#varint();
      else if (wireType === WIRE_FIXED64) this.#advance(8);
      else if (wireType === WIRE_BYTES) this.#advance(this.#length());
      else if (wireType === WIRE_FIXED32) this.#advance(4);
      else if (wireType === WIRE_GROUP_START) groups++;
      else if (wireType === WIRE_GROUP_END) groups--;
      else throw new WireError(`proto: illegal wireType ${wireType}`);
      if (groups === 0) return;
      if (!this.more()) throw unexpectedEnd();
      this.#varint();
      wireType = this.#low & 7;
    }
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#position) throw unexpectedEnd();
    this.#position += bytes;
  }

  /** Reads the length of a byte string and checks that the bytes are there. */
  #length(): number {
    let length = this.#bytes[this.#position];
    if (length < 0x80 && this.#position < this.#end) {
      this.#position++;
    } else {
      this.#varint();
      if (this.#high < 0) {
        throw new WireError("proto: negative length found during unmarshaling");
      }
      length = unsignedNumber(this.#low, this.#high);
    }
    if (length > this.#end - this.#position) throw unexpectedEnd();
    return length;
  }

  /** Reads a varint into `#low` and `#high`. */
  #varint(): void {
    const bytes = this.#bytes;
    const limit = Math.min(this.#end, this.#position + VARINT_BYTES_MAX);
    let low = 0;
    let high = 0;
    let shift = 0;
    for (let at = this.#position; at < limit; at++) {
      const byte = bytes[at];
      if (shift < 28) {
        low |= (byte & 0x7f) << shift;
      } else if (shift === 28) {
        low |= (byte & 0x7f) << 28;
        high = (byte & 0x7f) >>> 4;
      } else {
        high |= (byte & 0x7f) << (shift - 32);
      }
      if (byte < 0x80) {
        this.#position = at + 1;
        this.#low = low;
        this.#high = high;
        return;
      }
      shift += 7;
    }
    if (limit === this.#end && shift < 7 * VARINT_BYTES_MAX) throw unexpectedEnd();
    throw new WireError("proto: integer overflow");
  }
}

/** A subclass (Node's Buffer) would pass its type, and a slower `subarray`, on to every view. */
function plain(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function unexpectedEnd(): WireError {
  return new WireError("unexpected EOF");
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}
