/**
 * A bolt file, open.
 *
 * States of the file form a line: `durable` is the last one whose commit is on the device, `newest` the
 * last one whose commit was called. Between the two are commits under way, whose pages are in memory:
 *
 *   ... ── durable ── (under way) ── newest ── open write transaction
 *
 * Everything is synchronous but the commit's way to the device (commit-pipeline.ts). When that fails the
 * Db is failed for good: every call throws, and the process should end.
 */
import type { Disk, DiskError, Done } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import { CommitPipeline } from "./commit-pipeline.ts";
import type { Commit, DirtyPage, UnderWay } from "./commit-pipeline.ts";
import { readCopy } from "./copy.ts";
import { BoltError } from "./errors.ts";
import { FreeScan } from "./free-scan.ts";
import { Freelist } from "./freelist.ts";
import type { PageRun } from "./freelist.ts";
import { decodeFreelistPage, encodeFreelistPage, freelistPageCount } from "./freelist-page.ts";
import {
  CACHE_BYTES_MAX_DEFAULT,
  GROW_BYTES_DEFAULT,
  PAGE_BYTES_DEFAULT,
  WRITES_UNDER_WAY_MAX,
} from "./limits.ts";
import { isPageSize } from "./meta.ts";
import type { Meta } from "./meta.ts";
import type { CommitTiming } from "./commit-timing.ts";
import { openFile, parentOf } from "./open-file.ts";
import type { OpenedFile } from "./open-file.ts";
import { Page } from "./page.ts";
import { PageMemory } from "./page-memory.ts";
import { PageStore } from "./page-store.ts";
import { Tx } from "./tx.ts";
import type { TxOwner } from "./tx.ts";
import { TxState } from "./tx-state.ts";

/** How a file is opened. All may be left out. */
export interface DbOptions {
  /** Only reads: takes no lock, and an absent file is an error. Default false. */
  readonly readOnly?: boolean;
  /** Page size of a file that is made, in bytes: a power of two from 512 to 16 MiB. Default 4096. An existing file has its own. */
  readonly pageSize?: number;
  /** Permission bits of a file that is made, such as 0o640. Default 0o600. */
  readonly permissions?: number;
  /** Bound on clean pages in memory, in bytes. Default 64 MiB. Pages of a commit that is not durable are kept beyond it. */
  readonly cacheBytesMax?: number;
  /**
   * Use the memory of pages that leave the cache for new ones, until `keepPageMemory`: only where nothing
   * that was read from the file is kept beyond the transaction that read it, and nobody else reads. Default
   * false.
   */
  readonly reusePageMemory?: boolean;
  /** Store the freelist with each commit, as bbolt does by default and etcd does not. Default false. */
  readonly freelistSync?: boolean;
  /**
   * When no freelist is stored: find the free pages while opening, or let the caller do it in slices with
   * `scanFreePages`. Until it is done commits only add to the file. Default "open".
   */
  readonly freelistScan?: "open" | "sliced";
  /** A file that must grow beyond this many bytes grows by as much more than it needs, in bytes. Default 16 MiB. */
  readonly growBytes?: number;
  /** Wait for the device in commits. Without, a power failure can destroy the file. Default true. */
  readonly sync?: boolean;
  /** Writes of one commit that are under way at once; each has 4 MiB at most. Default 2. */
  readonly writesUnderWayMax?: number;
}

/** Which state a reading transaction sees: the last durable one, or the last whose commit was called. */
export type ReadPoint = "durable" | "newest";

/** What a file and its memory hold, when it was asked. */
export interface DbStats {
  /** Bytes per page. */
  readonly pageSize: number;
  /** Transaction id of the newest state. */
  readonly txid: number;
  /** Logical size of the newest state: high-water page id times page size. */
  readonly sizeBytes: number;
  /** Size of the file, in bytes. */
  readonly fileBytes: number;
  /** Pages that may be used again. Too small until the free pages are known. */
  readonly freePages: number;
  /** Pages that may be used again when a commit is durable or snapshots are closed. */
  readonly pendingPages: number;
  /** `sizeBytes` without the free pages; pending ones count as in use. */
  readonly inUseBytes: number;
  /** Whether all free pages are known: at once, or when `scanFreePages` has returned true. */
  readonly freePagesKnown: boolean;
  /** Reading transactions that are open. */
  readonly openReaders: number;
  /** Clean pages in memory, in bytes. */
  readonly cacheBytes: number;
  /** Pages read from the file because they were not in memory. */
  readonly cacheMisses: number;
}

/**
 * An open file. One writing transaction at a time, any number of reading ones; neither ever waits for the other.
 * A write that fails ends the use of the file: every call throws BoltError `databaseFailed` from then on, and what is on
 * the device is the last durable state, or the one whose commit failed.
 */
export class Db {
  readonly #store: PageStore;
  /** `undefined` in a file opened for reading. */
  readonly #freelist: Freelist | undefined;
  readonly #pipeline: CommitPipeline | undefined;
  readonly #freelistSync: boolean;
  #timing: CommitTiming | undefined;
  readonly #owner: TxOwner;
  readonly #open = new Set<Tx>();
  #durable: Meta;
  #newest: Meta;
  #writer: Tx | undefined;
  /** Oldest first, for copies of states that are not durable yet. */
  readonly #underWay: UnderWay[] = [];
  #scan: FreeScan | undefined;
  #scanTxid = 0;
  #failure: BoltError | undefined;
  #isRetired = false;

  private constructor(opened: OpenedFile, disk: Disk, options: DbOptions) {
    const { file, meta, image } = opened;
    this.#owner = {
      commit: (tx, done) => this.#commit(tx, done),
      release: (tx) => this.#release(tx),
      readCopy: (tx, into, position) => {
        assert(!tx.writable, "Only a reading transaction can be copied");
        return readCopy(file, tx.state.meta, this.#underWay, into, position);
      },
    };
    this.#durable = meta;
    this.#newest = meta;
    const cacheBytesMax = options.cacheBytesMax ?? CACHE_BYTES_MAX_DEFAULT;
    this.#store = new PageStore(file, meta.pageSize, meta.highWaterId, cacheBytesMax);
    if (options.reusePageMemory === true) this.#store.memory = new PageMemory();
    this.#freelistSync = options.freelistSync ?? false;
    if (options.readOnly === true) return;
    this.#freelist = new Freelist(file, meta.txid);
    const growBytes = options.growBytes ?? GROW_BYTES_DEFAULT;
    this.#pipeline = new CommitPipeline(
      file,
      {
        growBytes,
        sync: options.sync ?? true,
        writesUnderWayMax: options.writesUnderWayMax ?? WRITES_UNDER_WAY_MAX,
      },
      (error) => {
        this.#fail(error);
      },
    );
    if (image === undefined) {
      this.#loadFreelist(this.#freelist, options.freelistScan ?? "open");
      return;
    }
    this.#freelist.addKnownFree(new Uint32Array(0));
    if (meta.freelistId !== undefined)
      this.#freelist.storedList = { id: meta.freelistId, count: 1 };
    const root = newRootPage(meta, image);
    this.#store.putDirty(root);
    const publish = (): void => {
      disk.syncDirectory(parentOf(this.path));
      this.#store.unpin([root]);
    };
    this.#pipeline.create({ image, publish });
  }

  /**
   * Opens the file at `path`, which `disk` understands, or makes it. Errors: BoltError naming the file and what is wrong (locked,
   * notFound, notBolt, version, invalidMeta, truncated), CorruptionError, DiskError. Nothing is written to
   * a file that is refused. Making a file goes on after the return; the first commit waits for it.
   */
  static open(disk: Disk, path: string, options: DbOptions = {}): Db {
    const pageSize = options.pageSize ?? PAGE_BYTES_DEFAULT;
    assert(isPageSize(pageSize), () => `Pages cannot have ${pageSize} bytes`);
    const opened = openFile(disk, path, {
      readOnly: options.readOnly ?? false,
      pageSize,
      permissions: options.permissions ?? 0o600,
    });
    try {
      return new Db(opened, disk, options);
    } catch (error) {
      opened.file.close();
      throw error;
    }
  }

  /** The path that the file was opened with, or last renamed to. */
  get path(): string {
    return this.#store.file.path;
  }

  /** Bytes per page. */
  get pageSize(): number {
    return this.#store.pageSize;
  }

  /** Whether a commit, or the making of the file, is on its way to the device. */
  get isBusy(): boolean {
    return this.#pipeline?.isBusy ?? false;
  }

  /** Changes the bound on clean pages in memory, in bytes. */
  set cacheBytesMax(bytes: number) {
    this.#store.bytesMax = bytes;
  }

  /** Measures commits from now on. @internal */
  set timing(timing: CommitTiming) {
    this.#timing = timing;
    if (this.#pipeline !== undefined) this.#pipeline.timing = timing;
  }

  /** From now on what is read from the file may be kept: see `DbOptions.reusePageMemory`. */
  keepPageMemory(): void {
    this.#store.memory = undefined;
  }

  /**
   * Opens a snapshot of the state at `point`, the last durable one by default. It must be closed with `rollback`: until
   * then its pages are not reused, and the file grows instead. O(1). Errors: BoltError databaseFailed, databaseClosed.
   */
  beginRead(point: ReadPoint = "durable"): Tx {
    this.#requireUsable();
    const meta = point === "durable" ? this.#durable : this.#newest;
    this.#freelist?.pin(meta.txid);
    return this.#begin(meta, false);
  }

  /**
   * Opens the write transaction, on top of the newest state. Errors: BoltError readOnly, databaseBusy (one
   * is open already), databaseFailed, databaseClosed.
   */
  beginWrite(): Tx {
    this.#requireUsable();
    if (this.#freelist === undefined) {
      throw new BoltError("readOnly", `"${this.path}" was opened for reading`);
    }
    if (this.#writer !== undefined) {
      throw new BoltError("databaseBusy", "A write transaction is open already");
    }
    this.#writer = this.#begin(this.#newest, true);
    return this.#writer;
  }

  /**
   * Looks at about `pagesMax` more pages to find those that are free; returns true when all are known.
   * Needed with `freelistScan: "sliced"`, harmless otherwise. Errors: CorruptionError, DiskError.
   */
  scanFreePages(pagesMax: number): boolean {
    this.#requireUsable();
    const scan = this.#scan;
    if (scan === undefined) return true;
    if (!scan.step(pagesMax)) return false;
    this.#scan = undefined;
    this.#freelist?.addKnownFree(scan.freeBits());
    this.#freelist?.unpin(this.#scanTxid);
    return true;
  }

  /**
   * Runs `pass`, in which lending cursors read ahead: for a pass over pages that mostly lie in a row. It must
   * not commit, nor wait.
   */
  whilePassing<T>(pass: () => T): T {
    return this.#store.whilePassing(pass);
  }

  /** What the file and its memory hold now. O(open transactions). */
  stats(): DbStats {
    const { pageSize } = this.#store;
    const sizeBytes = this.#newest.highWaterId * pageSize;
    const freePages = this.#freelist?.freeCount ?? 0;
    return {
      pageSize,
      txid: this.#newest.txid,
      sizeBytes,
      fileBytes: this.#pipeline?.fileBytes ?? this.#store.file.size(),
      freePages,
      pendingPages: this.#freelist?.pendingCount ?? 0,
      inUseBytes: sizeBytes - freePages * pageSize,
      freePagesKnown: this.#freelist?.isComplete ?? false,
      openReaders: [...this.#open].filter((tx) => !tx.writable).length,
      cacheBytes: this.#store.bytes,
      cacheMisses: this.#store.misses,
    };
  }

  /**
   * Gives the file another name in its directory, and makes that durable. What had the name is replaced.
   * Errors: DiskError; which name the file has after a power failure is unknown then.
   */
  rename(disk: Disk, path: string): void {
    this.#store.file.rename(path);
    disk.syncDirectory(parentOf(path));
  }

  /**
   * Ends the use of a file that another one has replaced, or that nobody needs: the write transaction is
   * rolled back, commits on their way are forgotten, and no transaction begins any more. Reading ones go
   * on; when the last one is closed the file is, and its space is given back.
   */
  retire(): void {
    this.#pipeline?.abandon();
    this.#writer?.rollback();
    this.#failure ??= new BoltError("databaseClosed", `"${this.path}" was replaced`);
    this.#isRetired = true;
    this.#discardIfUnused();
  }

  /**
   * Closes the file and gives up the lock. Open transactions are closed. Errors: BoltError databaseBusy
   * while a commit is on its way: wait for its `done`.
   */
  close(): void {
    if (this.#failure?.code === "databaseClosed") return;
    if (this.isBusy) throw new BoltError("databaseBusy", "A commit is on its way to the device");
    this.#end(new BoltError("databaseClosed", `"${this.path}" is closed`));
    this.#store.file.close();
  }

  #begin(meta: Meta, writable: boolean): Tx {
    const tx = new Tx(new TxState(this.#store, this.#freelist, meta, writable), this.#owner);
    this.#open.add(tx);
    return tx;
  }

  #release(tx: Tx): void {
    if (!this.#open.delete(tx)) return;
    if (tx === this.#writer) {
      this.#writer = undefined;
      this.#freelist?.unfree(tx.state.freed);
    } else {
      this.#freelist?.unpin(tx.state.meta.txid);
    }
    this.#discardIfUnused();
  }

  #discardIfUnused(): void {
    if (this.#isRetired && this.#open.size === 0) this.#store.file.discard();
  }

  #commit(tx: Tx, done: Done): void {
    assert(tx === this.#writer, "Cannot commit a transaction that is not the open one");
    assert(this.#pipeline !== undefined, "Cannot commit to a file opened for reading");
    let commit: Commit;
    try {
      commit = this.#makeCommit(tx, done);
    } catch (error) {
      // A part of the pages is made and a part is not: no way back to a whole state in memory.
      this.#end(new BoltError("databaseFailed", `A commit to "${this.path}" failed`, error));
      throw error;
    }
    this.#open.delete(tx);
    this.#writer = undefined;
    tx.state.close(new BoltError("txClosed", "The transaction was committed"));
    this.#pipeline.submit(commit);
  }

  /** Turns the changes of the transaction into pages and makes them the newest state. */
  #makeCommit(tx: Tx, done: Done): Commit {
    const { state } = tx;
    const freelist = this.#freelist as Freelist;
    freelist.preparePlace(tx.root.estimatePages());
    tx.root.flush(false, this.#timing);
    this.#timing?.flushed();
    const { dirty, freed } = state;
    const pages: DirtyPage[] = [...dirty];
    const { storedList } = freelist;
    if (storedList !== undefined) state.free(storedList.id, storedList.count);
    const list = this.#freelistSync ? makeFreelistPage(state, freelist) : undefined;
    if (list !== undefined) pages.push(list);
    freelist.storedList =
      list === undefined ? undefined : { id: list.id, count: list.bytes.length / state.pageSize };
    const meta: Meta = {
      ...state.meta,
      rootId: tx.root.rootId,
      freelistId: list?.id,
      highWaterId: state.highWaterId,
      txid: state.txid,
    };
    freelist.commitFreed(freed, meta.txid);
    this.#newest = meta;
    this.#store.highWaterId = meta.highWaterId;
    for (const page of dirty) this.#store.putDirty(page);
    this.#underWay.push({ txid: meta.txid, pages });
    this.#store.memory?.settle();
    return { meta, pages, onDurable: () => this.#onDurable(meta, dirty, freed), done };
  }

  #onDurable(meta: Meta, dirty: readonly Page[], freed: readonly PageRun[]): void {
    this.#durable = meta;
    this.#underWay.shift();
    this.#store.unpin(dirty);
    this.#freelist?.settle(freed, meta.txid);
  }

  #loadFreelist(freelist: Freelist, when: "open" | "sliced"): void {
    const meta = this.#newest;
    if (meta.freelistId !== undefined) {
      const bytes = this.#store.readWhole(meta.freelistId);
      freelist.storedList = { id: meta.freelistId, count: bytes.length / meta.pageSize };
      freelist.addKnownFree(
        decodeFreelistPage(this.path, meta.freelistId, bytes, meta.highWaterId),
      );
      return;
    }
    assert(
      when === "open" || !this.#freelistSync,
      "To store the freelist, free pages must be known when the file is opened",
    );
    this.#scan = new FreeScan(this.#store.file, meta);
    this.#scanTxid = meta.txid;
    freelist.pin(meta.txid);
    if (when === "open") this.scanFreePages(Number.POSITIVE_INFINITY);
  }

  #requireUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: DiskError): void {
    this.#end(
      new BoltError("databaseFailed", `Writing "${this.path}" failed: ${error.message}`, error),
    );
  }

  /** Every later call throws `why`. */
  #end(why: BoltError): void {
    this.#failure ??= why;
    for (const tx of this.#open) tx.state.close(why);
    this.#open.clear();
    this.#writer = undefined;
  }
}

/** The root page of a new file, which is not on the device yet. */
function newRootPage(meta: Meta, image: Uint8Array): Page {
  return new Page(meta.rootId, image.subarray(meta.rootId * meta.pageSize));
}

/** The stored list of all pages that the new state does not use. */
function makeFreelistPage(state: TxState, freelist: Freelist): DirtyPage {
  // Too large by what the list's own place takes from it: a page at most.
  const freed = state.freed.reduce((sum, run) => sum + run.count, 0);
  const idCount = freelist.freeCount + freelist.pendingCount + freed;
  const count = freelistPageCount(idCount, state.pageSize);
  const id = state.allocate(count);
  const ids = freelist.unusedIds(state.highWaterId);
  return { id, bytes: encodeFreelistPage(id, ids, count, state.pageSize) };
}
