/**
 * The stored freelist: one page, with overflow pages where needed, of free page ids in ascending order.
 *
 *   page header, count u16 < 0xFFFF   | id u64 ... (count of them)
 *   page header, count u16 = 0xFFFF   | number n u64 | id u64 ... (n of them)
 *
 * etcd stores none and finds free pages by scanning; other users of bbolt store it.
 *
 * Source: bbolt freelist.go, read and write (1.3.12).
 */
import { assert } from "../stdx/assert.ts";
import { CorruptionError } from "./errors.ts";
import {
  FIRST_PAGE_ID,
  FREELIST_PAGE,
  PAGE_COUNT_AT,
  PAGE_FLAGS_AT,
  PAGE_HEADER_BYTES,
  readU64,
  viewOf,
  writePageHeader,
  writeU64,
} from "./layout.ts";

const COUNT_ELSEWHERE = 0xffff;
const ID_BYTES = 8;

/** Pages that a list of `count` ids takes. */
export function freelistPageCount(count: number, pageSize: number): number {
  const ids = count < COUNT_ELSEWHERE ? count : count + 1;
  return Math.max(1, Math.ceil((PAGE_HEADER_BYTES + ids * ID_BYTES) / pageSize));
}

/** Returns the freelist page `pageId` of `pageCount` pages, holding `ids` (ascending). */
export function encodeFreelistPage(
  pageId: number,
  ids: readonly number[],
  pageCount: number,
  pageSize: number,
): Uint8Array {
  assert(freelistPageCount(ids.length, pageSize) <= pageCount, "The freelist does not fit");
  const bytes = new Uint8Array(pageCount * pageSize);
  const view = viewOf(bytes);
  const count = Math.min(ids.length, COUNT_ELSEWHERE);
  writePageHeader(view, pageId, FREELIST_PAGE, count, pageCount - 1);
  let at = PAGE_HEADER_BYTES;
  if (count === COUNT_ELSEWHERE) {
    writeU64(view, at, ids.length);
    at += ID_BYTES;
  }
  for (const id of ids) {
    writeU64(view, at, id);
    at += ID_BYTES;
  }
  return bytes;
}

/**
 * Reads the freelist page `pageId` into one bit per page, 32 a word. Errors: CorruptionError when it is no
 * such page, or names a page outside of [2, `highWaterId`) or twice.
 */
export function decodeFreelistPage(
  path: string,
  pageId: number,
  bytes: Uint8Array,
  highWaterId: number,
): Uint32Array {
  const view = viewOf(bytes);
  if (readU64(view, 0) !== pageId || view.getUint16(PAGE_FLAGS_AT, true) !== FREELIST_PAGE) {
    throw new CorruptionError(path, pageId, "not the freelist page that the meta page announces");
  }
  let count = view.getUint16(PAGE_COUNT_AT, true);
  let at = PAGE_HEADER_BYTES;
  if (count === COUNT_ELSEWHERE) {
    count = readU64(view, at);
    at += ID_BYTES;
  }
  if (at + count * ID_BYTES > bytes.length) {
    throw new CorruptionError(path, pageId, `a freelist of ${count} pages does not fit`);
  }
  const bits = new Uint32Array((highWaterId + 31) >>> 5);
  for (let index = 0; index < count; index++) {
    const id = readU64(view, at + index * ID_BYTES);
    if (!(id >= FIRST_PAGE_ID && id < highWaterId)) {
      throw new CorruptionError(path, pageId, `free page ${id} is not in the file`);
    }
    const bit = 1 << (id & 31);
    if ((bits[id >>> 5] & bit) !== 0) {
      throw new CorruptionError(path, pageId, `page ${id} is free twice`);
    }
    bits[id >>> 5] |= bit;
  }
  return bits;
}
