/**
 * Encodes records into one buffer per write, carrying the checksum on.
 *
 * ```
 *   frame:   | length word, 8 bytes LE | record | 0 to 7 zeros, so that the next frame is 8-byte aligned |
 *   length:  low 56 bits = bytes of record; top byte = 0x80 | padding, or 0 without padding
 *   record:  08 type | 10 crc (varint) | 1a length data     (protobuf walpb.Record; no data: no third field)
 *   crc:     CRC-32C over the data of this and all earlier records of the log
 * ```
 *
 * The crc stands before the data it covers and its varint has 1 to 5 bytes. So data are encoded behind room
 * for five, checksummed where they are, and moved down in the one case of sixteen where fewer suffice.
 */
import { assert } from "../stdx/assert.ts";
import { crc32cRange } from "../stdx/crc32c.ts";
import { varintBytes, writeVarint } from "../stdx/varint.ts";
import { encodeHardState } from "../wire/gen/raft.ts";
import type { Entry, HardState } from "../wire/gen/raft.ts";
import { encodeSnapshot } from "../wire/gen/wal.ts";
import { BUFFER_BYTES, BUFFER_BYTES_KEPT_MAX, FRAME_ALIGNMENT_BYTES } from "./limits.ts";
import { RecordType } from "./record-type.ts";
import type { WalSnapshot } from "./types.ts";

export const LENGTH_WORD_BYTES = 8;

const TAG_TYPE = 0x08;
const TAG_CRC = 0x10;
const TAG_DATA = 0x1a;
const CRC_VARINT_BYTES_MAX = 5;

/** Room a frame needs beyond its data: length word, three tags, type, crc, length of data, padding. */
const FRAME_OVERHEAD_BYTES_MAX = LENGTH_WORD_BYTES + 3 + 1 + CRC_VARINT_BYTES_MAX + 8 + 7;

const TAG_ENTRY_TYPE = 0x08;
const TAG_ENTRY_TERM = 0x10;
const TAG_ENTRY_INDEX = 0x18;
const TAG_ENTRY_DATA = 0x22;

/** Two buffers by turns: one is written to the device while the other one fills. */
export class RecordBuffer {
  #filling: Uint8Array = new Uint8Array(BUFFER_BYTES);
  /** The other buffer; `undefined` while it is lent out by `take`. */
  #spare: Uint8Array | undefined = new Uint8Array(BUFFER_BYTES);
  #length = 0;
  #crc: number;

  /** `crc`: checksum over the data of all records before. */
  constructor(crc: number) {
    this.#crc = crc;
  }

  /** Checksum over the data of all records so far. */
  get crc(): number {
    return this.#crc;
  }

  /** Bytes waiting. */
  get length(): number {
    return this.#length;
  }

  /** Lends out the bytes waiting, until `giveBack`; from now on the other buffer fills. */
  take(): Uint8Array {
    assert(this.#spare !== undefined, "Cannot take records while the last ones are being written");
    const taken = this.#filling.subarray(0, this.#length);
    this.#filling = this.#spare;
    this.#spare = undefined;
    this.#length = 0;
    return taken;
  }

  /** Ends the loan of `taken`. */
  giveBack(taken: Uint8Array): void {
    assert(this.#spare === undefined, "Cannot give back records twice");
    const keep = taken.buffer.byteLength <= BUFFER_BYTES_KEPT_MAX;
    this.#spare = keep ? new Uint8Array(taken.buffer) : new Uint8Array(BUFFER_BYTES);
  }

  metadata(data: Uint8Array | undefined): void {
    this.#record(RecordType.METADATA, data);
  }

  hardState(state: HardState): void {
    this.#record(RecordType.STATE, encodeHardState(state));
  }

  snapshot({ index, term, confState }: WalSnapshot): void {
    assert(index === 0 || confState !== undefined, "Cannot save a snapshot without its ConfState");
    this.#record(RecordType.SNAPSHOT, encodeSnapshot({ index, term, confState }));
  }

  /** The record that starts a segment: the checksum so far, no data. */
  crcRecord(): void {
    this.#record(RecordType.CRC, undefined);
  }

  /**
   * An entry, encoded in place: no object, no intermediate bytes. 0.33 us with 300 bytes of data, most of it
   * the checksum (bench/wal.mjs).
   */
  entry(entry: Entry): void {
    const { type, term, index, data } = entry;
    let entryBytes = 3 + varintBytes(type) + varintBytes(term) + varintBytes(index);
    if (data !== undefined) entryBytes += 1 + varintBytes(data.length) + data.length;
    this.#reserve(entryBytes);
    const buffer = this.#filling;
    let at = this.#length + LENGTH_WORD_BYTES;
    buffer[at] = TAG_TYPE;
    buffer[at + 1] = RecordType.ENTRY;
    at += 3 + CRC_VARINT_BYTES_MAX;
    buffer[at] = TAG_DATA;
    at = writeVarint(entryBytes, buffer, at + 1);
    const dataStart = at;
    buffer[at] = TAG_ENTRY_TYPE;
    at = writeVarint(type, buffer, at + 1);
    buffer[at] = TAG_ENTRY_TERM;
    at = writeVarint(term, buffer, at + 1);
    buffer[at] = TAG_ENTRY_INDEX;
    at = writeVarint(index, buffer, at + 1);
    if (data !== undefined) {
      buffer[at] = TAG_ENTRY_DATA;
      at = writeVarint(data.length, buffer, at + 1);
      buffer.set(data, at);
      at += data.length;
    }
    this.#finish(dataStart, at);
  }

  #record(type: RecordType, data: Uint8Array | undefined): void {
    this.#reserve(data === undefined ? 0 : data.length);
    const buffer = this.#filling;
    let at = this.#length + LENGTH_WORD_BYTES;
    buffer[at] = TAG_TYPE;
    buffer[at + 1] = type;
    at += 3 + CRC_VARINT_BYTES_MAX;
    let dataStart = at;
    if (data !== undefined) {
      buffer[at] = TAG_DATA;
      dataStart = writeVarint(data.length, buffer, at + 1);
      buffer.set(data, dataStart);
      at = dataStart + data.length;
    }
    this.#finish(dataStart, at);
  }

  /** Fills in crc and length of the record under way, whose data are `[dataStart, end)`, and pads it. */
  #finish(dataStart: number, end: number): void {
    const buffer = this.#filling;
    this.#crc = crc32cRange(this.#crc, buffer, dataStart, end);
    const recordStart = this.#length + LENGTH_WORD_BYTES;
    const crcStart = recordStart + 3;
    buffer[recordStart + 2] = TAG_CRC;
    const unused = CRC_VARINT_BYTES_MAX - varintBytes(this.#crc);
    if (unused > 0) {
      buffer.copyWithin(
        crcStart + CRC_VARINT_BYTES_MAX - unused,
        crcStart + CRC_VARINT_BYTES_MAX,
        end,
      );
    }
    writeVarint(this.#crc, buffer, crcStart);
    const recordEnd = end - unused;
    const recordBytes = recordEnd - recordStart;
    const padding = -recordBytes & (FRAME_ALIGNMENT_BYTES - 1);
    for (let n = 0; n < padding; n++) buffer[recordEnd + n] = 0;
    writeLengthWord(buffer, this.#length, recordBytes, padding);
    this.#length = recordEnd + padding;
  }

  /** Makes room for a frame with `dataBytes` of data. */
  #reserve(dataBytes: number): void {
    const needed = this.#length + dataBytes + FRAME_OVERHEAD_BYTES_MAX;
    if (needed <= this.#filling.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#filling.length));
    grown.set(this.#filling.subarray(0, this.#length));
    this.#filling = grown;
  }
}

function writeLengthWord(
  buffer: Uint8Array,
  position: number,
  recordBytes: number,
  padding: number,
): void {
  buffer[position] = recordBytes;
  buffer[position + 1] = recordBytes >>> 8;
  buffer[position + 2] = recordBytes >>> 16;
  buffer[position + 3] = recordBytes >>> 24;
  buffer[position + 4] = 0;
  buffer[position + 5] = 0;
  buffer[position + 6] = 0;
  buffer[position + 7] = padding === 0 ? 0 : 0x80 | padding;
}
