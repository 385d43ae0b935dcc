/**
 * Pages for a pass over everything that keeps nothing: those in memory, and the others read past the cache.
 * Leaves are read into two buffers that take turns, so that a leaf is valid until the next but one is asked
 * for. New memory for each would be gone a moment later, and a gigabyte of it is many rounds of the garbage
 * collector, each a stop for everybody.
 */
import { Page, parsePage } from "./page.ts";
import type { PageSource, PageStore } from "./page-store.ts";

/** The two buffers of lending cursors, for whoever makes many passes one after the other: see `Bucket.lendingCursor`. */
export class LentMemory {
  readonly #buffers: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  #next: 0 | 1 = 0;

  /** Memory of the buffer whose turn it is. @internal */
  readonly allocate = (bytes: number): Uint8Array => {
    if (this.#buffers[this.#next].length < bytes) this.#buffers[this.#next] = new Uint8Array(bytes);
    return this.#buffers[this.#next].subarray(0, bytes);
  };

  /** The other buffer has its turn. @internal */
  turn(): void {
    this.#next = this.#next === 0 ? 1 : 0;
  }
}

export class LentPages implements PageSource {
  readonly #store: PageStore;
  readonly #memory: LentMemory;

  constructor(store: PageStore, memory: LentMemory) {
    this.#store = store;
    this.#memory = memory;
  }

  get(id: number): Page {
    if (this.#store.isReadingAhead) return this.#store.peek(id);
    const cached = this.#store.cached(id);
    if (cached !== undefined) return cached;
    const { path } = this.#store.file;
    const page = parsePage(path, id, this.#store.readWhole(id, this.#memory.allocate));
    // Branches are on the way to many leaves.
    if (!page.isLeaf) return new Page(id, page.bytes.slice());
    this.#memory.turn();
    return page;
  }
}
