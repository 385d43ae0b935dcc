/**
 * Reads records one after the other over all segments of a log and checks the chain of checksums.
 *
 * Where it ends:
 * - A length word of zero, or the end of the file: the segment is over; after the last one the log is.
 * - `unexpected-eof`: a record of the last segment that did not reach the device as a whole. A device writes
 *   sectors of 512 bytes as a whole into space that was zero, so a wrong record of which one sector is all
 *   zero is such a torn write; so is one that runs over the end of the file.
 * - Everything else that is wrong is corruption: the error names file, offset and the way out.
 *
 * Differs from etcd: a record that runs over the end of its file, or over zeros, is corruption here unless it
 * can be a torn write, that is: it is in the last segment, its length is a possible one, and no intact record
 * begins inside it. Cutting the log there, as repair does, would silently drop what was acknowledged. A length word never
 * crosses a sector, so it is never torn itself, and an impossible one is corruption too.
 */
import { assert } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { crc32cRange } from "../stdx/crc32c.ts";
import { decodeEntry } from "../wire/gen/raft.ts";
import type { Entry } from "../wire/gen/raft.ts";
import { decodeRecord } from "../wire/gen/wal.ts";
import { WireError } from "../wire/wire-error.ts";
import { viewEntry, viewRecord } from "./fast-decode.ts";
import type { RecordView } from "./fast-decode.ts";
import { FRAME_ALIGNMENT_BYTES, SECTOR_BYTES } from "./limits.ts";
import { LENGTH_WORD_BYTES } from "./record-buffer.ts";
import { RecordType } from "./record-type.ts";
import type { SegmentBytes } from "./segment-bytes.ts";
import { WalError, WAY_OUT } from "./wal-error.ts";

const TWO_32 = 2 ** 32;

/** No record is larger: requests, and so entries, are far below this. */
const RECORD_BYTES_MAX = 2 ** 31;

/** A frame: bytes of its record, and of the padding behind. */
interface Frame {
  recordBytes: number;
  padding: number;
}

export class RecordReader {
  readonly #segments: readonly SegmentBytes[];
  #segment = 0;
  /** Offset behind the last valid record of the current segment. */
  #offset = 0;
  /** Offset of the record last read, or being read. */
  #recordOffset = 0;
  #crc = 0;
  readonly #frame: Frame = { recordBytes: 0, padding: 0 };
  /** The record last read. */
  readonly #record: RecordView = {
    type: 0,
    crc: 0,
    bytes: EMPTY_BYTES,
    dataStart: -1,
    dataEnd: -1,
  };

  /** `segments`: all that is to be read, oldest first, at least one. */
  constructor(segments: readonly SegmentBytes[]) {
    assert(segments.length > 0, "Cannot read a log without segments");
    this.#segments = segments;
  }

  /** The type of the record last read. */
  get type(): number {
    return this.#record.type;
  }

  /** The data of the record last read, a view into the piece that was read. */
  get data(): Uint8Array | undefined {
    const { bytes, dataStart, dataEnd } = this.#record;
    return dataStart < 0 ? undefined : bytes.subarray(dataStart, dataEnd);
  }

  /** Decodes the data of the record last read. Throws `WireError`. */
  entry(): Entry {
    const { bytes, dataStart, dataEnd } = this.#record;
    return dataStart < 0 ? decodeEntry(EMPTY_BYTES) : viewEntry(bytes, dataStart, dataEnd);
  }

  /** Offset behind the last valid record, in the segment it is in. */
  get offset(): number {
    return this.#offset;
  }

  /** Checksum over the data of all records so far. */
  get crc(): number {
    return this.#crc;
  }

  /** The file of the record last read. */
  get path(): string {
    return this.#segments[this.#segment].file.path;
  }

  /** Reads one record; false at the end of the log. Throws `WalError`. */
  next(): boolean {
    while (!this.#readFrame()) {
      if (this.#segment === this.#segments.length - 1) return false;
      this.#segment++;
      this.#offset = 0;
    }
    const { recordBytes, padding } = this.#frame;
    const segment = this.#segments[this.#segment];
    const start = this.#offset + LENGTH_WORD_BYTES;
    if (!segment.load(start, recordBytes + padding)) this.#refuseOverrun();
    if (!this.#parse(segment.piece, start - segment.pieceStart, recordBytes)) {
      this.#refuse("malformed", "the record cannot be decoded");
    }
    if (this.#record.type === RecordType.CRC) this.#followCrcRecord();
    else this.#checkCrc();
    this.#offset = start + recordBytes + padding;
    return true;
  }

  /** A `WalError` about the record last read or being read. */
  error(code: WalError["code"], detail: string): WalError {
    return new WalError(
      code,
      `${detail}, at offset ${this.#recordOffset} of "${this.path}"; ${WAY_OUT}`,
    );
  }

  /** Reads the length word at the offset; false when the segment ends there. */
  #readFrame(): boolean {
    const segment = this.#segments[this.#segment];
    const offset = this.#offset;
    this.#recordOffset = offset;
    if (offset === segment.size) return false;
    if (!segment.load(offset, LENGTH_WORD_BYTES)) this.#refuseOverrun();
    const word = readLengthWord(segment.piece, offset - segment.pieceStart, this.#frame);
    if (word === "impossible") throw this.error("malformed", "the length word is impossible");
    return word === "frame";
  }

  /** Takes the record apart; false when it is no legal message. */
  #parse(piece: Uint8Array, start: number, length: number): boolean {
    try {
      viewRecord(piece, start, start + length, this.#record);
      return true;
    } catch (error) {
      if (error instanceof WireError) return false;
      throw error;
    }
  }

  #checkCrc(): void {
    const crc = this.#crcAfter(this.#crc);
    if (crc !== this.#record.crc) {
      this.#refuse("crc-mismatch", `the record says ${this.#record.crc}, its data ${crc}`);
    }
    this.#crc = crc;
  }

  /** The checksum `crc` carried on over the data of the record last parsed. */
  #crcAfter(crc: number): number {
    const { bytes, dataStart, dataEnd } = this.#record;
    return dataStart < 0 ? crc : crc32cRange(crc, bytes, dataStart, dataEnd);
  }

  /** A crc record must agree with what was read so far, and is where a reader starts. */
  #followCrcRecord(): void {
    const { crc } = this.#record;
    if (this.#crc !== 0 && this.#crc !== crc) {
      throw this.error("crc-mismatch", `the segment starts at ${crc}, not ${this.#crc}`);
    }
    this.#crc = crc;
  }

  /** Throws: the record at the offset is wrong, torn or corrupt. */
  #refuse(code: "crc-mismatch" | "malformed", detail: string): never {
    if (!this.#isLast() || !this.#isTorn()) throw this.error(code, detail);
    if (this.#intactRecordsFollow(this.#frame.recordBytes)) {
      throw this.error(code, `${detail}, but intact records begin inside it`);
    }
    throw this.error("unexpected-eof", "the last record is torn");
  }

  /** Throws: the record at the offset runs over the end of the file. */
  #refuseOverrun(): never {
    const detail = "the record runs over the end of the file";
    if (!this.#isLast()) throw this.error("crc-mismatch", detail);
    if (this.#intactRecordsFollow(Number.POSITIVE_INFINITY)) {
      throw this.error("crc-mismatch", `${detail}, but intact records follow it`);
    }
    throw this.error("unexpected-eof", detail);
  }

  #isLast(): boolean {
    return this.#segment === this.#segments.length - 1;
  }

  /** Whether a sector of the record at the offset is all zero. */
  #isTorn(): boolean {
    const { piece, pieceStart } = this.#segments[this.#segment];
    const start = this.#offset + LENGTH_WORD_BYTES;
    const end = start + this.#frame.recordBytes + this.#frame.padding;
    for (let from = start; from < end; ) {
      const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      if (isZero(piece, from - pieceStart, to - pieceStart)) return true;
      from = to;
    }
    return false;
  }

  /**
   * Whether an intact record begins in the `within` bytes that the record at the offset claims: one whose
   * checksum follows from that of the record at the offset, or from that of its own neighbour. Its length
   * word is wrong then.
   */
  #intactRecordsFollow(within: number): boolean {
    const segment = this.#segments[this.#segment];
    const start = this.#offset + LENGTH_WORD_BYTES;
    const rest = new Uint8Array(Math.max(0, segment.size - start));
    segment.file.read(rest, start);
    const brokenCrc = crcOfHead(rest);
    const last = Math.min(within, rest.length) - LENGTH_WORD_BYTES;
    for (let at = 0; at <= last; at += FRAME_ALIGNMENT_BYTES) {
      const end = this.#tryRecord(rest, at);
      if (end === undefined) continue;
      if (brokenCrc !== undefined && this.#follows(brokenCrc)) return true;
      const { crc } = this.#record;
      if (this.#tryRecord(rest, end) !== undefined && this.#follows(crc)) return true;
    }
    return false;
  }

  /** Whether the record last parsed continues the chain at `crc`. */
  #follows(crc: number): boolean {
    const { type, dataStart } = this.#record;
    if (dataStart < 0 || type === RecordType.CRC) return false;
    return this.#crcAfter(crc) === this.#record.crc;
  }

  /** Parses what may be a frame at `at`; returns where it ends. */
  #tryRecord(bytes: Uint8Array, at: number): number | undefined {
    if (at + LENGTH_WORD_BYTES > bytes.length) return undefined;
    const frame: Frame = { recordBytes: 0, padding: 0 };
    if (readLengthWord(bytes, at, frame) !== "frame") return undefined;
    const start = at + LENGTH_WORD_BYTES;
    const end = start + frame.recordBytes + frame.padding;
    if (frame.recordBytes === 0 || end > bytes.length) return undefined;
    if (end % FRAME_ALIGNMENT_BYTES !== 0) return undefined;
    return this.#parse(bytes, start, frame.recordBytes) ? end : undefined;
  }
}

/** Takes a length word apart. `end`: it is zero, nothing was written here. */
function readLengthWord(
  bytes: Uint8Array,
  at: number,
  frame: Frame,
): "frame" | "end" | "impossible" {
  const low =
    (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  const high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16);
  const top = bytes[at + 7];
  if ((low | high | top) === 0) return "end";
  frame.recordBytes = low + high * TWO_32;
  frame.padding = top & 0x07;
  if (frame.recordBytes >= RECORD_BYTES_MAX) return "impossible";
  // Frames without padding bits need not be aligned: etcd 2 wrote such.
  if (top === 0) return "frame";
  const isAligned = (frame.recordBytes + frame.padding) % FRAME_ALIGNMENT_BYTES === 0;
  return (top & 0xf8) === 0x80 && isAligned ? "frame" : "impossible";
}

/** The crc that the record at the start of `bytes` says, read without its end; `undefined` if there is none. */
function crcOfHead(bytes: Uint8Array): number | undefined {
  // 08 type 10 crc: what a record of this format begins with.
  const end = bytes.findIndex((byte, at) => at >= 3 && byte < 0x80);
  if (end < 0 || end > 7) return undefined;
  try {
    return decodeRecord(bytes.subarray(0, end + 1)).crc;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== 0) return false;
  }
  return true;
}
