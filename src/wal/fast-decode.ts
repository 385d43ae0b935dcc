/**
 * Decoders for the two messages that logs are full of, in the one form that etcd and this program write:
 * fields in order, each once. Anything else is left to the generated decoders. A log of a million entries is
 * read in a third of the time (bench/wal.mjs).
 */
import { decodeEntry } from "../wire/gen/raft.ts";
import type { Entry } from "../wire/gen/raft.ts";
import { decodeRecord } from "../wire/gen/wal.ts";

const TAG_1_VARINT = 0x08;
const TAG_2_VARINT = 0x10;
const TAG_3_VARINT = 0x18;
const TAG_3_BYTES = 0x1a;
const TAG_4_BYTES = 0x22;

/** Where a record of the log keeps what it says. */
export interface RecordView {
  type: number;
  crc: number;
  /** The data are `[dataStart, dataEnd)` of `bytes`; `dataStart` is -1 when there are none. */
  bytes: Uint8Array;
  dataStart: number;
  dataEnd: number;
}

/** Position behind the varint last read by `readSmallVarint`. */
let cursor = 0;

/** Reads a varint of at most seven bytes at `position`; -1 when it is longer or runs over `end`. */
function readSmallVarint(bytes: Uint8Array, position: number, end: number): number {
  let value = 0;
  let scale = 1;
  for (let at = position; at < end && at < position + 7; at++) {
    const byte = bytes[at];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      cursor = at + 1;
      return value;
    }
    scale *= 128;
  }
  return -1;
}

/** Decodes the record `bytes[start, end)` into `view`. Throws `WireError`. */
export function viewRecord(bytes: Uint8Array, start: number, end: number, view: RecordView): void {
  const type = bytes[start + 1];
  if (end - start < 4 || bytes[start] !== TAG_1_VARINT || type >= 0x80) {
    viewAnyRecord(bytes, start, end, view);
    return;
  }
  const crc = bytes[start + 2] === TAG_2_VARINT ? readSmallVarint(bytes, start + 3, end) : -1;
  let dataStart = -1;
  let dataEnd = cursor;
  if (crc >= 0 && cursor < end && bytes[cursor] === TAG_3_BYTES) {
    const length = readSmallVarint(bytes, cursor + 1, end);
    dataStart = cursor;
    dataEnd = cursor + length;
  }
  if (crc < 0 || crc > 0xffffffff || dataEnd !== end) {
    viewAnyRecord(bytes, start, end, view);
    return;
  }
  view.type = type;
  view.crc = crc;
  view.bytes = bytes;
  view.dataStart = dataStart;
  view.dataEnd = dataEnd;
}

function viewAnyRecord(bytes: Uint8Array, start: number, end: number, view: RecordView): void {
  const { type, crc, data } = decodeRecord(bytes.subarray(start, end));
  view.type = type;
  view.crc = crc;
  view.bytes = data ?? bytes;
  view.dataStart = data === undefined ? -1 : 0;
  view.dataEnd = data === undefined ? -1 : data.length;
}

/** Decodes the entry `bytes[start, end)`; its data are a view into `bytes`. Throws `WireError`. */
export function viewEntry(bytes: Uint8Array, start: number, end: number): Entry {
  const type = bytes[start + 1];
  if (end - start < 6 || bytes[start] !== TAG_1_VARINT || type >= 0x80) {
    return decodeEntry(bytes.subarray(start, end));
  }
  const term = bytes[start + 2] === TAG_2_VARINT ? readSmallVarint(bytes, start + 3, end) : -1;
  const hasIndex = term >= 0 && cursor < end && bytes[cursor] === TAG_3_VARINT;
  const index = hasIndex ? readSmallVarint(bytes, cursor + 1, end) : -1;
  if (index < 0) return decodeEntry(bytes.subarray(start, end));
  if (cursor === end) return { type, term, index, data: undefined };
  const length = bytes[cursor] === TAG_4_BYTES ? readSmallVarint(bytes, cursor + 1, end) : -1;
  if (length < 0 || cursor + length !== end) return decodeEntry(bytes.subarray(start, end));
  return { type, term, index, data: bytes.subarray(cursor, end) };
}
