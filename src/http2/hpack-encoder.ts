/**
 * HPACK encoding, simple on purpose: values that will come again enter the dynamic table, nothing ever
 * leaves it. Once it is full, new values are sent as literals. So an index is known to stay valid until the
 * next insertion, and whole encoded blocks can be kept until `changes` moves.
 *
 * Source: RFC 7541 sections 4, 5 and 6.
 */
import { assert } from "../stdx/assert.ts";
import { FIELD_OVERHEAD_BYTES } from "./header-field.ts";
import { DYNAMIC_INDEX_MIN, STATIC_TABLE } from "./hpack-table.ts";
import { huffmanLength, writeHuffman } from "./huffman.ts";
import { HPACK_TABLE_BYTES_MAX } from "./limits.ts";
import type { OutBuffer } from "./out-buffer.ts";

// First bytes of the representations, with the bits of their integer prefix.
const INDEXED = 0x80;
const INDEXED_BITS = 7;
const LITERAL_INDEXING = 0x40;
const LITERAL_INDEXING_BITS = 6;
const LITERAL = 0x00;
const LITERAL_NEVER_INDEXED = 0x10;
const LITERAL_BITS = 4;
const SIZE_UPDATE = 0x20;
const SIZE_UPDATE_BITS = 5;
const HUFFMAN = 0x80;

/** Bytes of the longest integer we write. */
const INTEGER_BYTES_MAX = 6;

/** What a table has under one name. */
class NameEntry {
  /** Number of the newest field with this name. */
  newest: number;
  /** Numbers of its fields by value. */
  readonly values = new Map<string, number>();

  constructor(newest: number) {
    this.newest = newest;
  }
}

/** Numbers are indexes here. */
const STATIC_NAMES = new Map<string, NameEntry>();
for (let index = STATIC_TABLE.length - 1; index > 0; index--) {
  const { name, value } = STATIC_TABLE[index];
  addField(STATIC_NAMES, name, value, index);
}

/** How a field is written. "repeated": enters the table; "secret": no intermediary may index it. */
export type FieldUse = "repeated" | "once" | "secret";

export class HpackEncoder {
  /** Grows whenever a block encoded before could mean something else when sent again. */
  changes = 0;
  #bytesMax = HPACK_TABLE_BYTES_MAX;
  #bytes = 0;
  /** Insertions so far; an entry's number is the value at its insertion. */
  #insertions = 0;
  readonly #names = new Map<string, NameEntry>();
  #updateDue = false;

  /** Bytes that the peer's decoder holds for us. */
  get tableBytes(): number {
    return this.#bytes;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. We never use more than the protocol's default. */
  setPeerTableBytes(bytes: number): void {
    const bytesMax = Math.min(bytes, HPACK_TABLE_BYTES_MAX);
    if (bytesMax === this.#bytesMax) return;
    // The whole table is dropped: tables that shrink are rare, and filling one again is cheap.
    this.#updateDue = true;
    this.#bytesMax = bytesMax;
    this.#bytes = 0;
    this.#names.clear();
    this.changes++;
  }

  /** Starts a block: writes the size updates that are due. Must come before the first field of each block. */
  begin(out: OutBuffer): void {
    if (!this.#updateDue) return;
    writeInteger(out, SIZE_UPDATE, SIZE_UPDATE_BITS, 0);
    if (this.#bytesMax > 0) writeInteger(out, SIZE_UPDATE, SIZE_UPDATE_BITS, this.#bytesMax);
    this.#updateDue = false;
    this.changes++;
  }

  /** Writes one field. Name and value are strings of one character per byte. */
  field(out: OutBuffer, name: string, value: string, use: FieldUse): void {
    if (use === "secret") {
      this.#literal(out, LITERAL_NEVER_INDEXED, LITERAL_BITS, name, value);
      return;
    }
    const index = this.#fieldIndex(name, value);
    if (index > 0) {
      writeInteger(out, INDEXED, INDEXED_BITS, index);
      return;
    }
    const size = name.length + value.length + FIELD_OVERHEAD_BYTES;
    if (use === "once" || this.#bytes + size > this.#bytesMax) {
      this.#literal(out, LITERAL, LITERAL_BITS, name, value);
      return;
    }
    this.#literal(out, LITERAL_INDEXING, LITERAL_INDEXING_BITS, name, value);
    this.#bytes += size;
    addField(this.#names, name, value, this.#insertions);
    this.#insertions++;
    this.changes++;
  }

  #fieldIndex(name: string, value: string): number {
    const fixed = STATIC_NAMES.get(name)?.values.get(value);
    if (fixed !== undefined) return fixed;
    const number = this.#names.get(name)?.values.get(value);
    return number === undefined ? 0 : this.#indexOf(number);
  }

  #indexOf(number: number): number {
    return DYNAMIC_INDEX_MIN + this.#insertions - 1 - number;
  }

  #literal(out: OutBuffer, form: number, bits: number, name: string, value: string): void {
    const fixed = STATIC_NAMES.get(name);
    const own = fixed === undefined ? this.#names.get(name) : undefined;
    if (fixed !== undefined) writeInteger(out, form, bits, fixed.newest);
    else if (own !== undefined) writeInteger(out, form, bits, this.#indexOf(own.newest));
    else {
      writeInteger(out, form, bits, 0);
      writeString(out, name);
    }
    writeString(out, value);
  }
}

function addField(
  names: Map<string, NameEntry>,
  name: string,
  value: string,
  number: number,
): void {
  const entry = names.get(name) ?? new NameEntry(number);
  entry.newest = number;
  entry.values.set(value, number);
  names.set(name, entry);
}

/** RFC 7541 section 5.1: `form` with `value` in its low `bits`, continued in groups of seven bits. */
export function writeInteger(out: OutBuffer, form: number, bits: number, value: number): void {
  out.reserve(INTEGER_BYTES_MAX);
  const mask = (1 << bits) - 1;
  if (value < mask) {
    out.bytes[out.at++] = form | value;
    return;
  }
  assert(value < 2 ** 31, "Integers of this encoder are small");
  out.bytes[out.at++] = form | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    out.bytes[out.at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out.bytes[out.at++] = rest;
}

/** RFC 7541 section 5.2: whichever of the two forms is shorter. */
function writeString(out: OutBuffer, text: string): void {
  const coded = huffmanLength(text);
  if (coded < text.length) {
    writeInteger(out, HUFFMAN, INDEXED_BITS, coded);
    out.reserve(coded);
    out.at = writeHuffman(text, out.bytes, out.at);
    return;
  }
  writeInteger(out, 0, INDEXED_BITS, text.length);
  out.reserve(text.length);
  for (let i = 0; i < text.length; i++) out.bytes[out.at++] = text.charCodeAt(i);
}
