/**
 * Consistency of one state: every page is used once or free, pages are what their parents say, keys are in
 * order. What `bbolt check` looks at, and texts like its own.
 */
import { compareBytes, hexFromBytes } from "../stdx/bytes.ts";
import { BoltError, CorruptionError } from "./errors.ts";
import { decodeFreelistPage } from "./freelist-page.ts";
import { BUCKET_FLAG, BUCKET_HEADER_BYTES, FIRST_PAGE_ID, readU64, viewOf } from "./layout.ts";
import { BUCKET_DEPTH_MAX, CHECK_PROBLEMS_MAX, TREE_DEPTH_MAX } from "./limits.ts";
import type { Page } from "./page.ts";
import { parsePage } from "./page.ts";
import type { Tx } from "./tx.ts";
import type { TxState } from "./tx-state.ts";

/**
 * Returns what is wrong with the state that `tx` (a reading transaction) sees; empty when nothing is, at
 * most CHECK_PROBLEMS_MAX entries. Pages that are neither used nor free are looked for when it is known
 * which are free: in the newest state of a file opened for writing, or where the list is stored.
 * O(pages of the file); reads each page once, past the cache. Errors: DiskError.
 */
export function check(tx: Tx): string[] {
  tx.state.requireOpen();
  const checker = new Checker(tx.state);
  checker.run();
  return checker.problems;
}

/** Keys that a subtree may have: from `low` (inclusive), below `high`. */
interface Range {
  readonly low: Uint8Array | undefined;
  readonly high: Uint8Array | undefined;
}

const EVERYTHING: Range = { low: undefined, high: undefined };

class Checker {
  readonly problems: string[] = [];
  readonly #state: TxState;
  readonly #used: Uint8Array;

  constructor(state: TxState) {
    this.#state = state;
    this.#used = new Uint8Array(state.meta.highWaterId);
  }

  run(): void {
    const { meta } = this.#state;
    this.#used.fill(1, 0, FIRST_PAGE_ID);
    const isFree = this.#freePages();
    this.#checkTree(meta.rootId, EVERYTHING, 0, 0, isFree);
    if (isFree === undefined) return;
    for (let id = FIRST_PAGE_ID; id < meta.highWaterId; id++) {
      if (this.#used[id] === 0 && !isFree(id)) this.#report(id, "unreachable unfreed");
    }
  }

  /** Which pages are free in this state, if that can be told. */
  #freePages(): ((id: number) => boolean) | undefined {
    const { freelist, meta } = this.#state;
    if (freelist === undefined) return this.#storedFreePages();
    if (!freelist.isComplete || freelist.newestTxid !== meta.txid) return undefined;
    const { storedList } = freelist;
    if (storedList !== undefined) this.#markUsed(storedList.id, storedList.count, undefined);
    return (id) => freelist.isFree(id);
  }

  /** The same for a file opened for reading. */
  #storedFreePages(): ((id: number) => boolean) | undefined {
    const { meta, path, store } = this.#state;
    const { freelistId } = meta;
    if (freelistId === undefined) return undefined;
    let bits: Uint32Array = new Uint32Array(0);
    this.#attempt(freelistId, () => {
      const bytes = store.readWhole(freelistId);
      this.#markUsed(freelistId, bytes.length / meta.pageSize, undefined);
      bits = decodeFreelistPage(path, freelistId, bytes, meta.highWaterId);
    });
    return (id) => ((bits[id >>> 5] >>> (id & 31)) & 1) === 1;
  }

  /** Checks the tree below page `id`; returns its last key. */
  #checkTree(
    id: number,
    range: Range,
    depth: number,
    bucketDepth: number,
    isFree: ((id: number) => boolean) | undefined,
  ): Uint8Array | undefined {
    if (this.problems.length >= CHECK_PROBLEMS_MAX) return undefined;
    if (depth > TREE_DEPTH_MAX) {
      this.#report(id, `below ${TREE_DEPTH_MAX} levels`);
      return undefined;
    }
    let page: Page | undefined;
    this.#attempt(id, () => {
      page = this.#state.store.loadCurrent(id);
    });
    if (page === undefined) return undefined;
    if (!this.#markUsed(id, page.overflow + 1, isFree)) return undefined;
    this.#checkRange(page, range, depth);
    if (page.isLeaf) {
      this.#checkBuckets(page, bucketDepth, isFree);
      return page.count > 0 ? page.keyAt(page.count - 1) : undefined;
    }
    let low = range.low;
    for (let index = 0; index < page.count; index++) {
      const key = page.keyAt(index);
      if (low !== undefined && compareBytes(low, key) > 0) {
        this.#report(id, `key ${index} (${hexFromBytes(key)}) is below the keys before it`);
      }
      const high = index < page.count - 1 ? page.keyAt(index + 1) : range.high;
      const last = this.#checkTree(
        page.childIdAt(index),
        { low: key, high },
        depth + 1,
        bucketDepth,
        isFree,
      );
      low = last ?? key;
    }
    return low;
  }

  #checkRange(page: Page, range: Range, depth: number): void {
    if (page.count === 0) {
      if (depth > 0) this.#report(page.id, "an empty page inside of a tree");
      return;
    }
    const first = page.keyAt(0);
    const last = page.keyAt(page.count - 1);
    if (range.low !== undefined && compareBytes(first, range.low) < 0) {
      this.#report(page.id, `the first key (${hexFromBytes(first)}) is below the ancestor's`);
    }
    if (range.high !== undefined && compareBytes(last, range.high) >= 0) {
      this.#report(
        page.id,
        `the last key (${hexFromBytes(last)}) is not below the ancestor's next`,
      );
    }
  }

  #checkBuckets(
    page: Page,
    bucketDepth: number,
    isFree: ((id: number) => boolean) | undefined,
  ): void {
    for (let index = 0; index < page.count; index++) {
      if ((page.flagsAt(index) & BUCKET_FLAG) === 0) continue;
      const value = page.valueAt(index);
      if (value.length < BUCKET_HEADER_BYTES) {
        this.#report(page.id, `bucket ${index} is shorter than its header`);
        continue;
      }
      const rootId = readU64(viewOf(value), 0);
      if (bucketDepth >= BUCKET_DEPTH_MAX) {
        this.#report(page.id, `bucket ${index} is below ${BUCKET_DEPTH_MAX} others`);
      } else if (rootId !== 0) {
        this.#checkTree(rootId, EVERYTHING, 0, bucketDepth + 1, isFree);
      } else {
        this.#attempt(page.id, () => {
          parsePage(this.#state.path, 0, value.subarray(BUCKET_HEADER_BYTES), page.id);
        });
      }
    }
  }

  /** Notes that the pages are used; false when they were already, so that circles end. */
  #markUsed(id: number, count: number, isFree: ((id: number) => boolean) | undefined): boolean {
    let isNew = true;
    for (let page = id; page < id + count; page++) {
      if (this.#used[page] !== 0) {
        this.#report(page, "multiple references");
        isNew = false;
      }
      this.#used[page] = 1;
      if (isFree?.(page) === true) this.#report(page, "reachable freed");
    }
    return isNew;
  }

  #attempt(id: number, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CorruptionError || error instanceof BoltError)) throw error;
      this.#report(id, error.message);
    }
  }

  #report(id: number, detail: string): void {
    if (this.problems.length < CHECK_PROBLEMS_MAX) this.problems.push(`page ${id}: ${detail}`);
  }
}
