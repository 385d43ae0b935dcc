/**
 * What the trees of one transaction share: where pages come from, which were freed, which are to be
 * written, and whether the transaction is still open.
 */
import { assert } from "../stdx/assert.ts";
import { BoltError, CorruptionError } from "./errors.ts";
import type { Freelist, PageRun } from "./freelist.ts";
import { FILE_PAGES_MAX } from "./limits.ts";
import type { Meta } from "./meta.ts";
import type { Page } from "./page.ts";
import type { PageStore } from "./page-store.ts";

export class TxState {
  readonly store: PageStore;
  /** `undefined` in a file opened for reading. */
  readonly freelist: Freelist | undefined;
  readonly writable: boolean;
  /** The state that the transaction sees, or started from. */
  readonly meta: Meta;
  /** One past the largest page id in use, with the pages allocated here. */
  highWaterId: number;
  /** Pages of the start state that are no longer used. */
  readonly freed: PageRun[] = [];
  /** Pages made by commit. */
  readonly dirty: Page[] = [];
  #closed: BoltError | undefined;

  constructor(store: PageStore, freelist: Freelist | undefined, meta: Meta, writable: boolean) {
    this.store = store;
    this.freelist = freelist;
    this.meta = meta;
    this.writable = writable;
    this.highWaterId = meta.highWaterId;
  }

  get path(): string {
    return this.store.file.path;
  }

  get pageSize(): number {
    return this.store.pageSize;
  }

  /** The id of the state that the transaction sees (reading) or makes (writing). */
  get txid(): number {
    return this.writable ? this.meta.txid + 1 : this.meta.txid;
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** Every later call that needs the transaction throws `why`. The first reason stays. */
  close(why: BoltError): void {
    this.#closed ??= why;
  }

  requireOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  requireWritable(): void {
    if (this.#closed !== undefined) throw this.#closed;
    if (!this.writable) throw new BoltError("txNotWritable", "The transaction is read-only");
  }

  /** The page is no longer used. Errors: CorruptionError when it was not in use. */
  free(id: number, count: number): void {
    assert(this.freelist !== undefined, "Cannot free pages without a freelist");
    if (id + count > this.meta.highWaterId) {
      throw new CorruptionError(this.path, id, "a page refers to it, but it is not in the file");
    }
    this.freelist.free(id, count);
    this.freed.push({ id, count });
  }

  /** Returns the first of `count` pages in a row, free ones or new ones at the end of the file. */
  allocate(count: number): number {
    assert(this.freelist !== undefined, "Cannot allocate pages without a freelist");
    const found = this.freelist.allocate(count, this.txid);
    if (found !== undefined) return found;
    const id = this.highWaterId;
    this.highWaterId += count;
    assert(this.highWaterId <= FILE_PAGES_MAX, () => `"${this.path}" has too many pages`);
    this.freelist.noteAllocated(id, count, this.txid);
    return id;
  }
}
