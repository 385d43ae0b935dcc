/**
 * HPACK decoding of whole header blocks, with a memory for repeated ones.
 *
 * A client sends the same handful of blocks over and over, and once its table is filled they consist of
 * indexed fields only: such a block changes no state, and means the same as long as the table does not
 * change. Its decoded form is kept under its bytes and the table's change count.
 *
 * Source: RFC 7541 sections 3, 5 and 6.
 */
import { latin1FromBytes } from "../stdx/bytes.ts";
import { HeaderBlock } from "./header-block.ts";
import { HeaderField } from "./header-field.ts";
import { DecoderTable } from "./hpack-table.ts";
import { decodeHuffman } from "./huffman.ts";
import {
  HEADER_MEMO_BLOCK_BYTES_MAX,
  HEADER_MEMO_SLOTS,
  HPACK_SIZE_UPDATES_MAX,
  HPACK_TABLE_BYTES_MAX,
} from "./limits.ts";

/** One remembered block. */
class Memo {
  readonly bytes: Uint8Array;
  readonly changes: number;
  readonly block: HeaderBlock;

  constructor(bytes: Uint8Array, changes: number, block: HeaderBlock) {
    this.bytes = bytes;
    this.changes = changes;
    this.block = block;
  }
}

export class HpackDecoder {
  readonly #table = new DecoderTable(HPACK_TABLE_BYTES_MAX);
  readonly #listBytesMax: number;
  readonly #memos: (Memo | undefined)[] = new Array<Memo | undefined>(HEADER_MEMO_SLOTS).fill(
    undefined,
  );

  // The state of one call of `decode`.
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #failed = false;
  #fields: HeaderField[] = [];
  #listBytes = 0;

  /** `listBytesMax`: bytes of a list (RFC 9113 section 6.5.2) above which its rest is decoded but dropped. */
  constructor(listBytesMax: number) {
    this.#listBytesMax = listBytesMax;
  }

  /** The dynamic table, for tests. */
  get table(): DecoderTable {
    return this.#table;
  }

  /**
   * Decodes the block `bytes[start, end)` (borrowed). `undefined` means a decoding error: the table is then
   * out of step with the peer's and the connection has to end with COMPRESSION_ERROR.
   */
  decode(bytes: Uint8Array, start: number, end: number): HeaderBlock | undefined {
    const length = end - start;
    if (length > HEADER_MEMO_BLOCK_BYTES_MAX) return this.#decodeFields(bytes, start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
    const slot = (hash ^ (hash >>> 7)) & (HEADER_MEMO_SLOTS - 1);
    const memo = this.#memos[slot];
    if (
      memo !== undefined &&
      memo.changes === this.#table.changes &&
      matches(memo, bytes, start, length)
    ) {
      return memo.block;
    }
    const { changes } = this.#table;
    const block = this.#decodeFields(bytes, start, end);
    if (block !== undefined && isIndexedOnly(bytes, start, end) && !block.truncated) {
      this.#memos[slot] = new Memo(bytes.slice(start, end), changes, block);
    }
    return block;
  }

  #decodeFields(bytes: Uint8Array, start: number, end: number): HeaderBlock | undefined {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#failed = false;
    this.#fields = [];
    this.#listBytes = 0;
    this.#decodeSizeUpdates();
    while (this.#at < this.#end && !this.#failed) this.#decodeField();
    if (this.#failed) return undefined;
    return new HeaderBlock(this.#fields, this.#listBytes > this.#listBytesMax);
  }

  /** Size updates come first, or not at all. RFC 7541 section 4.2. */
  #decodeSizeUpdates(): void {
    let updates = 0;
    while (this.#at < this.#end && (this.#bytes[this.#at] & 0xe0) === 0x20) {
      const bytesMax = this.#integer(5);
      updates++;
      if (this.#failed || bytesMax > HPACK_TABLE_BYTES_MAX || updates > HPACK_SIZE_UPDATES_MAX) {
        this.#failed = true;
        return;
      }
      this.#table.setBytesMax(bytesMax);
    }
  }

  #decodeField(): void {
    const first = this.#bytes[this.#at];
    if (first >= 0x80) {
      const field = this.#table.get(first < 0xff ? this.#shortIndex(first) : this.#integer(7));
      if (field === undefined) this.#failed = true;
      else this.#emit(field);
    } else if (first >= 0x40) {
      const field = this.#literal(6);
      if (field === undefined) return;
      this.#table.add(field);
      this.#emit(field);
    } else if (first >= 0x20) {
      this.#failed = true;
    } else {
      const field = this.#literal(4);
      if (field !== undefined) this.#emit(field);
    }
  }

  /** The index of a one-byte indexed field. */
  #shortIndex(first: number): number {
    this.#at++;
    return first & 0x7f;
  }

  #emit(field: HeaderField): void {
    this.#listBytes += field.size;
    if (this.#listBytes <= this.#listBytesMax) this.#fields.push(field);
  }

  /** A literal whose name index has a prefix of `prefixBits`; `undefined` after a failure. */
  #literal(prefixBits: number): HeaderField | undefined {
    const index = this.#integer(prefixBits);
    if (this.#failed) return undefined;
    if (index === 0) {
      const name = this.#string();
      const value = this.#string();
      return this.#failed ? undefined : HeaderField.from(name, value);
    }
    const named = this.#table.get(index);
    const value = this.#string();
    if (named !== undefined && !this.#failed) return named.withValue(value);
    this.#failed = true;
    return undefined;
  }

  /** An integer with a prefix of `prefixBits`; values above 2^28 fail. RFC 7541 section 5.1. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#bytes[this.#at++] & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) break;
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.#failed = true;
    return 0;
  }

  #string(): string {
    if (this.#failed || this.#at >= this.#end) {
      this.#failed = true;
      return "";
    }
    const coded = this.#bytes[this.#at] >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (this.#failed || length > this.#end - start) {
      this.#failed = true;
      return "";
    }
    this.#at = start + length;
    if (!coded) return latin1FromBytes(this.#bytes, start, this.#at);
    const text = decodeHuffman(this.#bytes, start, this.#at);
    if (text === undefined) this.#failed = true;
    return text ?? "";
  }
}

function matches(memo: Memo, bytes: Uint8Array, start: number, length: number): boolean {
  const remembered = memo.bytes;
  if (remembered.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (remembered[i] !== bytes[start + i]) return false;
  }
  return true;
}

/** Whether every byte is an indexed field of its own, so that decoding changed no state. */
function isIndexedOnly(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i] <= 0x80 || bytes[i] === 0xff) return false;
  }
  return true;
}
