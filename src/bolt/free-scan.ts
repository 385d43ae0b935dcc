/**
 * Finds the free pages of a file that stores no freelist: those that no page of its state refers to.
 *
 * The trees are read level by level, the pages of a level in ascending order, so that the disk sees a few
 * long reads forward. Of a leaf only the flags of its elements count (a bucket refers to another tree), of
 * a branch the ids of its children; keys and values are not looked at.
 *
 * The scan is a snapshot like any other: while the state is pinned its pages stay as they are, so it may be
 * done in slices while commits go on. Pages that appear later are none of its business.
 */
import type { DiskFile } from "../ports/disk.ts";
import { CorruptionError } from "./errors.ts";
import {
  BRANCH_PAGE,
  BUCKET_FLAG,
  BUCKET_HEADER_BYTES,
  ELEMENT_BYTES,
  FIRST_PAGE_ID,
  LEAF_PAGE,
  PAGE_COUNT_AT,
  PAGE_FLAGS_AT,
  PAGE_HEADER_BYTES,
  PAGE_OVERFLOW_AT,
  readU64,
  viewOf,
} from "./layout.ts";
import { SCAN_GAP_PAGES, SCAN_READ_BYTES } from "./limits.ts";
import type { Meta } from "./meta.ts";

/** Where the bytes of a page stand: from `at` on in `view`, the first `available` of `size`. */
interface PageBytes {
  readonly id: number;
  readonly view: DataView;
  readonly at: number;
  readonly available: number;
  readonly size: number;
}

export class FreeScan {
  readonly #file: DiskFile;
  readonly #pageSize: number;
  readonly #highWaterId: number;
  /** One bit per page, 32 a word, set for pages in use. */
  readonly #used: Uint32Array;
  /** Pages of the level being read, ascending, and how many of them were read. */
  #level: Float64Array;
  #done = 0;
  #next: number[] = [];
  #buffer: Uint8Array;
  #view: DataView;

  /** Scans the state `meta` of `file`, which must stay readable until the end of the scan. */
  constructor(file: DiskFile, meta: Meta) {
    this.#file = file;
    this.#pageSize = meta.pageSize;
    this.#highWaterId = meta.highWaterId;
    this.#used = new Uint32Array((meta.highWaterId + 31) >>> 5);
    this.#level = Float64Array.of(meta.rootId);
    this.#buffer = new Uint8Array(Math.max(SCAN_READ_BYTES, meta.pageSize));
    this.#view = viewOf(this.#buffer);
    this.#checkId(meta.rootId, 0);
  }

  /**
   * Reads about `pagesMax` pages; returns true when the scan is over. Errors: CorruptionError when a page
   * is referred to twice, is no B+tree page, or refers to pages outside of the file. DiskError.
   */
  step(pagesMax: number): boolean {
    let budget = pagesMax;
    while (budget > 0) {
      if (this.#done === this.#level.length) {
        if (this.#next.length === 0) return true;
        this.#level = Float64Array.from(this.#next).sort();
        this.#next = [];
        this.#done = 0;
      }
      budget -= this.#readRun(budget);
    }
    return this.#done === this.#level.length && this.#next.length === 0;
  }

  /** After the last step: the free pages, one bit each, 32 a word. */
  freeBits(): Uint32Array {
    const free = this.#used.map((word) => ~word);
    for (let id = 0; id < FIRST_PAGE_ID; id++) free[0] &= ~(1 << id);
    const inLastWord = this.#highWaterId & 31;
    if (inLastWord !== 0) free[free.length - 1] &= (1 << inLastWord) - 1;
    return free;
  }

  /** Reads pages of the level that lie close together with one read; returns how many. */
  #readRun(pagesMax: number): number {
    const level = this.#level;
    const first = level[this.#done];
    const pagesInBuffer = this.#buffer.length / this.#pageSize;
    let end = this.#done + 1;
    while (
      end < level.length &&
      end - this.#done < pagesMax &&
      level[end] - level[end - 1] <= SCAN_GAP_PAGES &&
      level[end] - first < pagesInBuffer
    ) {
      end++;
    }
    const bytes = (level[end - 1] - first + 1) * this.#pageSize;
    const count = this.#file.read(this.#buffer.subarray(0, bytes), first * this.#pageSize);
    for (let index = this.#done; index < end; index++) {
      const at = (level[index] - first) * this.#pageSize;
      if (at + this.#pageSize > count) this.#fail(level[index], "the file ends inside of the page");
      this.#visit(level[index], this.#view, at, this.#pageSize);
    }
    const read = end - this.#done;
    this.#done = end;
    return read;
  }

  /** Looks at the page `id` whose bytes start at `at`, of which `available` bytes are there. */
  #visit(id: number, view: DataView, at: number, available: number): void {
    const flags = view.getUint16(at + PAGE_FLAGS_AT, true);
    const count = view.getUint16(at + PAGE_COUNT_AT, true);
    const overflow = view.getUint32(at + PAGE_OVERFLOW_AT, true);
    if (readU64(view, at) !== id || (flags !== LEAF_PAGE && flags !== BRANCH_PAGE)) {
      this.#fail(id, "a branch or bucket refers to it, but it is no branch or leaf page");
    }
    this.#markUsed(id, overflow);
    const size = (overflow + 1) * this.#pageSize;
    const elementsEnd = PAGE_HEADER_BYTES + count * ELEMENT_BYTES;
    if (elementsEnd > size) this.#fail(id, `${count} elements do not fit`);
    const source: PageBytes =
      elementsEnd <= available
        ? { id, view, at, available, size }
        : { id, view: this.#readAt(id, 0, elementsEnd), at: 0, available: elementsEnd, size };
    if (flags === BRANCH_PAGE) this.#visitBranch(source, count);
    else this.#visitLeaf(source, count);
  }

  #visitBranch({ id, view, at }: PageBytes, count: number): void {
    for (let index = 0; index < count; index++) {
      const childId = readU64(view, at + PAGE_HEADER_BYTES + index * ELEMENT_BYTES + 8);
      this.#checkId(childId, id);
      this.#next.push(childId);
    }
  }

  #visitLeaf({ id, view, at, available, size }: PageBytes, count: number): void {
    for (let index = 0; index < count; index++) {
      const element = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
      if ((view.getUint32(at + element, true) & BUCKET_FLAG) === 0) continue;
      const keyAt = element + view.getUint32(at + element + 4, true);
      const valueAt = keyAt + view.getUint32(at + element + 8, true);
      const valueBytes = view.getUint32(at + element + 12, true);
      if (valueBytes < BUCKET_HEADER_BYTES || valueAt + valueBytes > size) {
        this.#fail(id, `the bucket in element ${index} reaches outside`);
      }
      const isThere = valueAt + BUCKET_HEADER_BYTES <= available;
      const rootId = isThere
        ? readU64(view, at + valueAt)
        : readU64(this.#readAt(id, valueAt, BUCKET_HEADER_BYTES), 0);
      // Zero means that the bucket's only page is in the value.
      if (rootId === 0) continue;
      this.#checkId(rootId, id);
      this.#next.push(rootId);
    }
  }

  /** Reads `length` bytes from `offset` on of page `id` and its overflow pages. */
  #readAt(id: number, offset: number, length: number): DataView {
    const bytes = new Uint8Array(length);
    if (this.#file.read(bytes, id * this.#pageSize + offset) < length) {
      this.#fail(id, "the file ends inside of the page");
    }
    return viewOf(bytes);
  }

  #markUsed(id: number, overflow: number): void {
    if (id + overflow >= this.#highWaterId) {
      this.#fail(id, `${overflow} overflow pages leave the file`);
    }
    for (let page = id; page <= id + overflow; page++) {
      const bit = 1 << (page & 31);
      if ((this.#used[page >>> 5] & bit) !== 0) this.#fail(page, "used twice");
      this.#used[page >>> 5] |= bit;
    }
  }

  #checkId(id: number, parentId: number): void {
    if (id >= FIRST_PAGE_ID && id < this.#highWaterId) return;
    this.#fail(parentId, `it refers to page ${id}, which is not in the file`);
  }

  #fail(id: number, detail: string): never {
    throw new CorruptionError(this.#file.path, id, detail);
  }
}
