/**
 * Which pages are in use, and when a page that no longer is may be written again.
 *
 *   used ── freed by the open transaction ──> freed ── its commit() was called ──> pending
 *    ^                                                                               │
 *    └── allocated ── free <── the commit is durable and no open snapshot has the page ┘
 *
 * A page that transaction A allocated and transaction F freed belongs to the states A to F - 1. It may be
 * reused once F is durable (before, a crash brings F - 1 back) and no open snapshot is in [A, F - 1]. A page
 * that waits for snapshots is kept with the oldest of them and looked at again when that one closes, so a
 * snapshot that stays open for hours costs nothing per commit, and holds back only what it can see.
 */
import { assert } from "../stdx/assert.ts";
import { CorruptionError } from "./errors.ts";
import { FreeMap } from "./free-map.ts";
import { FIRST_PAGE_ID } from "./layout.ts";

/** Pages in a row that were allocated together: a page with its overflow. */
export interface PageRun {
  readonly id: number;
  readonly count: number;
}

interface WaitingRun extends PageRun {
  readonly freedIn: number;
}

/** The open snapshots of one state. */
interface Pin {
  readonly txid: number;
  readers: number;
  readonly waiting: WaitingRun[];
}

const USED = 0;
const FREED = 1;
const PENDING = 2;
const FREE = 3;

/** Commits since the file was opened: they are counted in 32 bits per page. */
const COMMITS_MAX = 0xffffffff;

export class Freelist {
  /** Where the newest state whose commit was called stores the list. */
  storedList: PageRun | undefined;
  readonly #file: { readonly path: string };
  /** The state that the file was opened with: pages in use then count as allocated in it. */
  readonly #baseTxid: number;
  readonly #free = new FreeMap();
  #state = new Uint8Array(64);
  /** Transaction that allocated the page, minus #baseTxid. */
  #allocatedIn = new Uint32Array(64);
  /** Ascending by txid. */
  readonly #pins: Pin[] = [];
  #pendingCount = 0;
  #newestTxid: number;
  #isComplete = false;
  /** Where the next search starts: pages of one commit are to lie in a row. */
  #rover = FIRST_PAGE_ID;

  /** `file` is named in errors. */
  constructor(file: { readonly path: string }, baseTxid: number) {
    this.#file = file;
    this.#baseTxid = baseTxid;
    this.#newestTxid = baseTxid;
  }

  /** All free pages are known. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The newest state whose commit was called: the one that `isFree` is about. */
  get newestTxid(): number {
    return this.#newestTxid;
  }

  /** Pages that can be allocated now. */
  get freeCount(): number {
    return this.#free.count;
  }

  /** Pages that are no longer used by the newest state and cannot be allocated yet. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Adds the pages that were free when the file was opened, 32 a word. Called once. */
  addKnownFree(bits: Uint32Array): void {
    this.#isComplete = true;
    this.#reserve(bits.length * 32);
    this.#free.addBits(bits);
    this.#free.forEach((id) => {
      this.#state[id] = FREE;
    });
  }

  /** Chooses the place where about `pages` pages are going to be allocated one by one: in a row. */
  preparePlace(pages: number): void {
    const run = Math.min(pages, this.#free.longestRun);
    if (run > 0) this.#rover = this.#free.find(run, 0);
  }

  /** Allocates `count` free pages in a row for `txid`, or returns `undefined`. O(log pages). */
  allocate(count: number, txid: number): number | undefined {
    let id = this.#free.find(count, this.#rover);
    if (id < 0) id = this.#free.find(count, 0);
    if (id < 0) return undefined;
    this.#free.remove(id, count);
    this.#rover = id + count;
    this.noteAllocated(id, count, txid);
    return id;
  }

  /** Notes pages that `txid` put at the end of the file. */
  noteAllocated(id: number, count: number, txid: number): void {
    const since = txid - this.#baseTxid;
    assert(since > 0 && since <= COMMITS_MAX, () => `Cannot count commit ${txid}`);
    this.#reserve(id + count);
    for (let page = id; page < id + count; page++) {
      this.#state[page] = USED;
      this.#allocatedIn[page] = since;
    }
  }

  /** The open transaction no longer uses these pages. Errors: CorruptionError when nobody did. */
  free(id: number, count: number): void {
    this.#reserve(id + count);
    for (let page = id; page < id + count; page++) {
      if (this.#state[page] !== USED) {
        throw new CorruptionError(this.#file.path, page, "used twice, or used although it is free");
      }
      this.#state[page] = FREED;
    }
  }

  /** The open transaction was rolled back. */
  unfree(runs: readonly PageRun[]): void {
    for (const run of runs) this.#setState(run, FREED, USED);
  }

  /** The open transaction was committed as `txid`, not yet durably. */
  commitFreed(runs: readonly PageRun[], txid: number): void {
    this.#newestTxid = txid;
    for (const run of runs) {
      this.#setState(run, FREED, PENDING);
      this.#pendingCount += run.count;
    }
  }

  /** Transaction `freedIn`, which freed `runs`, is durable. */
  settle(runs: readonly PageRun[], freedIn: number): void {
    for (const { id, count } of runs) this.#settleRun({ id, count, freedIn });
  }

  /** A snapshot of state `txid` was opened. */
  pin(txid: number): void {
    let at = this.#pins.length;
    while (at > 0 && this.#pins[at - 1].txid >= txid) at--;
    const pin = this.#pins[at];
    if (pin?.txid === txid) pin.readers++;
    else this.#pins.splice(at, 0, { txid, readers: 1, waiting: [] });
  }

  /** A snapshot of state `txid` was closed. */
  unpin(txid: number): void {
    const at = this.#pins.findIndex((pin) => pin.txid === txid);
    assert(at >= 0, () => `No snapshot of state ${txid} is open`);
    const pin = this.#pins[at];
    pin.readers--;
    if (pin.readers > 0) return;
    this.#pins.splice(at, 1);
    for (const run of pin.waiting) this.#settleRun(run);
  }

  /** Whether the page is known not to be used by the state `newestTxid`. */
  isFree(id: number): boolean {
    return this.#state[id] === FREE || this.#state[id] === PENDING;
  }

  /** Ids below `highWaterId` that the state being committed does not use, ascending: what is stored. */
  unusedIds(highWaterId: number): number[] {
    const ids: number[] = [];
    const end = Math.min(highWaterId, this.#state.length);
    for (let id = FIRST_PAGE_ID; id < end; id++) if (this.#state[id] !== USED) ids.push(id);
    return ids;
  }

  #settleRun(run: WaitingRun): void {
    const allocatedIn = this.#baseTxid + this.#allocatedIn[run.id];
    const pin = this.#pins.find((candidate) => candidate.txid >= allocatedIn);
    if (pin !== undefined && pin.txid < run.freedIn) {
      pin.waiting.push(run);
      return;
    }
    this.#setState(run, PENDING, FREE);
    this.#pendingCount -= run.count;
    this.#free.add(run.id, run.count);
  }

  #setState(run: PageRun, from: number, to: number): void {
    for (let page = run.id; page < run.id + run.count; page++) {
      assert(this.#state[page] === from, () => `Page ${page} is in state ${this.#state[page]}`);
      this.#state[page] = to;
    }
  }

  #reserve(pages: number): void {
    if (pages <= this.#state.length) return;
    const capacity = Math.max(pages, 2 * this.#state.length);
    const state = new Uint8Array(capacity);
    state.set(this.#state);
    this.#state = state;
    const allocatedIn = new Uint32Array(capacity);
    allocatedIn.set(this.#allocatedIn);
    this.#allocatedIn = allocatedIn;
  }
}
