/**
 * Constants of the bolt file format, version 2, and its little-endian integers. docs/format/bolt.md has
 * the diagrams.
 *
 * Source: bbolt page.go, bucket.go, db.go (1.3.12).
 */
import { assert } from "../stdx/assert.ts";

/** `id u64 | flags u16 | count u16 | overflow u32` */
export const PAGE_HEADER_BYTES = 16;
export const PAGE_FLAGS_AT = 8;
export const PAGE_COUNT_AT = 10;
export const PAGE_OVERFLOW_AT = 12;

export const BRANCH_PAGE = 0x01;
export const LEAF_PAGE = 0x02;
export const META_PAGE = 0x04;
export const FREELIST_PAGE = 0x10;

/** Leaf `flags | pos | ksize | vsize`, branch `pos | ksize | child id u64`: both 16 bytes. */
export const ELEMENT_BYTES = 16;

/** Flag of a leaf element whose value is a bucket. */
export const BUCKET_FLAG = 0x01;

/** `root page id u64 | sequence u64`, the head of a bucket's value. */
export const BUCKET_HEADER_BYTES = 16;

/** The first page that is not a meta page. */
export const FIRST_PAGE_ID = 2;

/** Pages of a new file: two metas, an empty freelist, an empty root leaf. */
export const NEW_FILE_PAGES = 4;

const WORD = 2 ** 32;

/** Reads an unsigned 64-bit integer; values from 2^53 on lose their low bits. */
export function readU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * WORD;
}

/** Writes a safe integer >= 0 as unsigned 64 bits. */
export function writeU64(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, () => `Cannot encode ${value} as u64`);
  view.setUint32(at, value % WORD, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}

/** A view of the same bytes, for reading and writing integers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Writes the 16 bytes in front of every page. */
export function writePageHeader(
  view: DataView,
  id: number,
  flags: number,
  count: number,
  overflow: number,
): void {
  writeU64(view, 0, id);
  view.setUint16(PAGE_FLAGS_AT, flags, true);
  view.setUint16(PAGE_COUNT_AT, count, true);
  view.setUint32(PAGE_OVERFLOW_AT, overflow, true);
}
