/**
 * Pages for a pass over everything that keeps nothing: those in memory, and the others read past the cache.
 * Leaves are read into two buffers that take turns, so that a leaf is valid until the next but one is asked
 * for. New memory for each would be gone a moment later, and a gigabyte of it is many rounds of the garbage
 * collector, each a stop for everybody.
 */
import { Page, parsePage } from "./page.ts";
import type { PageSource, PageStore } from "./page-store.ts";

export class LentPages implements PageSource {
  readonly #store: PageStore;
  readonly #buffers: [Uint8Array, Uint8Array];
  #next: 0 | 1 = 0;
  readonly #allocate = (bytes: number): Uint8Array => {
    if (this.#buffers[this.#next].length < bytes) this.#buffers[this.#next] = new Uint8Array(bytes);
    return this.#buffers[this.#next].subarray(0, bytes);
  };

  constructor(store: PageStore) {
    this.#store = store;
    const none = new Uint8Array(0);
    this.#buffers = [none, none];
  }

  get(id: number): Page {
    const cached = this.#store.cached(id);
    if (cached !== undefined) return cached;
    const { path } = this.#store.file;
    const page = parsePage(path, id, this.#store.readWhole(id, this.#allocate));
    // Branches are on the way to many leaves.
    if (!page.isLeaf) return new Page(id, page.bytes.slice());
    this.#next = this.#next === 0 ? 1 : 0;
    return page;
  }
}
