/**
 * Pages by id: those in memory, and the others read from the file when they are asked for.
 *
 * The cache holds clean pages up to a number of bytes and forgets by the clock rule: a page used since the
 * hand last passed is spared once. Pages that the file does not have yet are pinned. A page id names one
 * content at a time: pages of open snapshots are not reused, so the newest content is the only one asked for.
 */
import type { DiskFile } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import { CorruptionError } from "./errors.ts";
import { FIRST_PAGE_ID, PAGE_OVERFLOW_AT, viewOf } from "./layout.ts";
import { PAGE_RUN_BYTES_MAX } from "./limits.ts";
import { parsePage } from "./page.ts";
import type { Page } from "./page.ts";
import type { PageMemory } from "./page-memory.ts";
import { ReadAhead } from "./read-ahead.ts";

/** Where branch and leaf pages come from. */
export interface PageSource {
  /** Returns page `id`. Errors: CorruptionError, DiskError. */
  get(id: number): Page;
}

export class PageStore implements PageSource {
  /**
   * The same pages for a change: a leaf that is changed gets another page, so one that has to be read does
   * not enter the cache. Only the last one is remembered, because it is looked at before it is changed.
   */
  readonly changing: PageSource = { get: (id) => this.#getToChange(id) };
  readonly file: DiskFile;
  readonly pageSize: number;
  /** One past the largest page id that may be asked for. */
  highWaterId: number;
  /** Bound on the clean pages in memory, in bytes. */
  bytesMax: number;
  /** Where the memory of pages goes that leave the cache; `undefined` where somebody may still have it. */
  memory: PageMemory | undefined;
  readonly #pages = new Map<number, Page>();
  /** The clean pages; pinned ones are not in it. */
  readonly #clock: Page[] = [];
  /** Index in the clock of the page to look at next. */
  #hand = 0;
  #bytes = 0;
  #misses = 0;
  #ahead: ReadAhead | undefined;
  /** The leaf that was read last to be changed. */
  #changing: Page | undefined;

  constructor(file: DiskFile, pageSize: number, highWaterId: number, bytesMax: number) {
    this.file = file;
    this.pageSize = pageSize;
    this.highWaterId = highWaterId;
    this.bytesMax = bytesMax;
  }

  /** Bytes of clean pages in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Pages read from the file so far. */
  get misses(): number {
    return this.#misses;
  }

  /** Returns the branch or leaf page `id`. Errors: CorruptionError, DiskError. */
  get(id: number): Page {
    const cached = this.#pages.get(id);
    if (cached !== undefined) {
      cached.referenced = true;
      return cached;
    }
    const page = this.load(id);
    this.#misses++;
    this.#enter(page);
    return page;
  }

  /**
   * Returns the branch or leaf page `id` like `get`, and leaves the cache as it is: for passes over
   * everything, which must not push out what is in use. Errors: CorruptionError, DiskError.
   */
  peek(id: number): Page {
    return this.#pages.get(id) ?? this.#loadAhead(id);
  }

  get isReadingAhead(): boolean {
    return this.#ahead !== undefined;
  }

  /** Memory for a page that is about to be written: zeros. */
  newPageBytes(size: number): Uint8Array {
    return this.memory?.take(size) ?? new Uint8Array(size);
  }

  /** Returns page `id` if it is in memory. Does not count as a use of it. */
  cached(id: number): Page | undefined {
    return this.#pages.get(id);
  }

  /**
   * Runs `pass`, in which `peek` reads ahead: for a pass over pages that mostly lie in a row. It must not
   * write, nor wait.
   */
  whilePassing<T>(pass: () => T): T {
    this.#ahead = new ReadAhead(this.file, this.pageSize);
    try {
      return pass();
    } finally {
      this.#ahead = undefined;
    }
  }

  /** Reads the branch or leaf page `id` from the file, past the cache. */
  load(id: number): Page {
    return parsePage(this.file.path, id, this.readWhole(id));
  }

  /** Returns page `id` as the file has it, or is about to have it. */
  loadCurrent(id: number): Page {
    const cached = this.#pages.get(id);
    return cached?.pinned === true ? cached : this.load(id);
  }

  /**
   * Reads page `id` of any kind with its overflow pages from the file, unchecked, into memory from
   * `allocate`; asked a second time, for the whole, it may give the same memory again.
   */
  readWhole(id: number, allocate: (bytes: number) => Uint8Array = newBytes): Uint8Array {
    if (!(id >= FIRST_PAGE_ID && id < this.highWaterId)) {
      throw new CorruptionError(
        this.file.path,
        id,
        "a page refers to it, but it is not in the file",
      );
    }
    const head = allocate(this.pageSize);
    this.#read(id, head, 0);
    const overflow = viewOf(head).getUint32(PAGE_OVERFLOW_AT, true);
    if (overflow === 0) return head;
    if (id + overflow >= this.highWaterId) {
      throw new CorruptionError(this.file.path, id, `${overflow} overflow pages leave the file`);
    }
    const size = (overflow + 1) * this.pageSize;
    if (size > PAGE_RUN_BYTES_MAX) {
      throw new CorruptionError(this.file.path, id, `a page of ${size} bytes`);
    }
    const whole = allocate(size);
    whole.set(head);
    this.#read(id, whole.subarray(this.pageSize), this.pageSize);
    return whole;
  }

  /** Takes a page that is about to be written, in place of what its id meant before. */
  putDirty(page: Page): void {
    const stale = this.#pages.get(page.id);
    if (stale !== undefined) this.#forget(stale);
    if (this.#changing?.id === page.id) this.#changing = undefined;
    page.pinned = true;
    page.placed = true;
    this.#pages.set(page.id, page);
  }

  /** The file has these pages of `putDirty` now. */
  unpin(pages: readonly Page[]): void {
    for (const page of pages) {
      page.pinned = false;
      this.#enterClock(page);
    }
    this.#evict();
  }

  #getToChange(id: number): Page {
    if (this.#changing?.id === id) return this.#changing;
    const cached = this.#pages.get(id);
    if (cached !== undefined) {
      cached.referenced = true;
      return cached;
    }
    const page = this.load(id);
    this.#misses++;
    // Branches are on the way to many leaves.
    if (page.isLeaf) this.#changing = page;
    else this.#enter(page);
    return page;
  }

  #enter(page: Page): void {
    this.#pages.set(page.id, page);
    this.#enterClock(page);
    this.#evict();
  }

  #loadAhead(id: number): Page {
    const bytes = this.#ahead?.page(id);
    const isInFile =
      bytes !== undefined &&
      id >= FIRST_PAGE_ID &&
      id * this.pageSize + bytes.length <= this.highWaterId * this.pageSize;
    return isInFile ? parsePage(this.file.path, id, bytes) : this.load(id);
  }

  #read(id: number, into: Uint8Array, offset: number): void {
    const count = this.file.read(into, id * this.pageSize + offset);
    if (count === into.length) return;
    throw new CorruptionError(this.file.path, id, "the file ends inside of the page");
  }

  #enterClock(page: Page): void {
    page.slot = this.#clock.length;
    page.referenced = false;
    this.#clock.push(page);
    this.#bytes += page.bytes.length;
  }

  #forget(page: Page): void {
    assert(this.#clock[page.slot] === page, "A cached page is not in its slot");
    this.#bytes -= page.bytes.length;
    this.#pages.delete(page.id);
    this.memory?.retire(page.bytes);
    const last = this.#clock.pop();
    if (last !== undefined && last !== page) {
      this.#clock[page.slot] = last;
      last.slot = page.slot;
    }
    page.slot = -1;
  }

  /** Amortized O(1) per page: a mark that is cleared was set by a use. */
  #evict(): void {
    while (this.#bytes > this.bytesMax) {
      if (this.#hand >= this.#clock.length) this.#hand = 0;
      const page = this.#clock[this.#hand];
      if (page.referenced) {
        page.referenced = false;
        this.#hand++;
      } else {
        this.#forget(page);
        // The newest page moved into the slot; its turn is a round later.
        this.#hand++;
      }
    }
  }
}

function newBytes(count: number): Uint8Array {
  return new Uint8Array(count);
}
