/**
 * Ranges over so many keys that reading them in one go would keep everybody else waiting, and have a leader
 * miss its heartbeats: they are read in slices, one in each round of the event loop, in turn. The answer is
 * what one uninterrupted read would have given.
 */
import { EtcdError } from "../errors/etcd-error.ts";
import type { RangeScan } from "../mvcc/range-scan.ts";
import type { Store } from "../mvcc/store.ts";
import type { Clock } from "../ports/clock.ts";
import { concatBytes } from "../stdx/bytes.ts";
import {
  createRawRangeResponse,
  encodeRawRangeResponse,
  type RangeRequest,
} from "../wire/gen/rpc.ts";
import { type HeaderContext, headerAt } from "./context.ts";
import { RANGE_SLICE_MS, RANGE_STEP_KEYS } from "./limits.ts";

/** The answer to a range, marshalled. */
export interface RangeAnswer {
  readonly bytes: Uint8Array;
  /** Key-values in it. */
  readonly count: number;
}

/** `request` is what was asked, in memory of its own. */
export type RangeDone = (result: RangeAnswer | EtcdError, request: RangeRequest) => void;

/** What reading in slices needs: the store of the member as it is now, and time. */
export interface LongRangeContext extends HeaderContext {
  readonly store: () => Store;
  readonly clock: Pick<Clock, "nowMs" | "defer">;
}

/** One for a service. */
export class LongRanges {
  readonly #context: LongRangeContext;
  /** In the order of their turns. */
  #reads: LongRange[] = [];

  constructor(context: LongRangeContext) {
    this.#context = context;
  }

  /**
   * Answers a range of many keys, as nearly always; or gives what goes on, when they are too many: see
   * `LongRange.goOn`. Borrows `request`. Errors: FutureRevision, Compacted.
   */
  read(request: RangeRequest): RangeAnswer | EtcdError | LongRange {
    const store = this.#context.store();
    const scan = store.openRange(request);
    if (scan instanceof EtcdError) return scan;
    const kvs: Uint8Array[] = [];
    if (!scan.done) scan.step(RANGE_STEP_KEYS, kvs);
    if (!scan.done) return new LongRange(this, this.#context, { store, scan, kvs, request });
    store.abandon(scan);
    const header = headerAt(this.#context, scan.headerRevision);
    const { more, count } = scan;
    const response = createRawRangeResponse({ header, kvs, more, count });
    return { bytes: encodeRawRangeResponse(response), count: kvs.length };
  }

  /** Gives a read its turns. */
  add(read: LongRange): void {
    this.#reads.push(read);
    if (this.#reads.length === 1) this.#schedule();
  }

  #schedule(): void {
    this.#context.clock.defer(() => {
      const read = this.#reads.shift();
      if (read === undefined) return;
      if (!read.step()) this.#reads.push(read);
      if (this.#reads.length > 0) this.#schedule();
    });
  }
}

/** How far a range has come: what was read of it is not marshalled yet. */
interface BegunRange {
  readonly store: Store;
  readonly scan: RangeScan;
  readonly kvs: readonly Uint8Array[];
  readonly request: RangeRequest;
}

/** A range over so many keys that it takes several slices. */
export class LongRange {
  readonly #ranges: LongRanges;
  readonly #context: LongRangeContext;
  readonly #request: RangeRequest;
  #store: Store;
  #scan: RangeScan;
  /** Parts of the answer: parts of one message, one after the other, are the message. */
  #parts: Uint8Array[] = [];
  #count = 0;
  #isGone = (): boolean => false;
  #done: RangeDone = () => {};

  constructor(ranges: LongRanges, context: LongRangeContext, begun: BegunRange) {
    const { store, scan, kvs, request } = begun;
    this.#ranges = ranges;
    this.#context = context;
    // What the request was decoded from is not valid any more when the caller returns.
    this.#request = { ...request, key: request.key.slice(), rangeEnd: request.rangeEnd.slice() };
    this.#store = store;
    this.#scan = scan;
    this.#take(kvs);
  }

  /**
   * Reads on, in slices; `done` is called once, perhaps before this returns, unless `isGone` says that nobody
   * waits any more.
   */
  goOn(isGone: () => boolean, done: RangeDone): void {
    this.#isGone = isGone;
    this.#done = done;
    if (!this.step()) this.#ranges.add(this);
  }

  /** Reads for the time of a slice; whether it is over. */
  step(): boolean {
    if (this.#isGone()) {
      this.#store.abandon(this.#scan);
      return true;
    }
    const refused = this.#followStore();
    if (refused !== undefined) {
      this.#done(refused, this.#request);
      return true;
    }
    const scan = this.#scan;
    const kvs: Uint8Array[] = [];
    const endMs = this.#context.clock.nowMs() + RANGE_SLICE_MS;
    while (!scan.done && !scan.step(RANGE_STEP_KEYS, kvs)) {
      if (this.#context.clock.nowMs() > endMs) break;
    }
    this.#take(kvs);
    if (!scan.done) return false;
    this.#store.abandon(scan);
    const { more, count } = scan;
    this.#parts.push(encodeRawRangeResponse(createRawRangeResponse({ more, count })));
    this.#done({ bytes: concatBytes(this.#parts), count: this.#count }, this.#request);
    return true;
  }

  /** Marshals what was read, now: the bytes are storage's, and are gone with the next commit. */
  #take(kvs: readonly Uint8Array[]): void {
    const isFirst = this.#parts.length === 0;
    const header = isFirst ? headerAt(this.#context, this.#scan.headerRevision) : undefined;
    this.#parts.push(encodeRawRangeResponse(createRawRangeResponse({ header, kvs: [...kvs] })));
    this.#count += kvs.length;
  }

  /** Begins anew where a snapshot of the leader has taken the place of the store. */
  #followStore(): EtcdError | undefined {
    const store = this.#context.store();
    if (store === this.#store) return undefined;
    const scan = store.openRange(this.#request);
    if (scan instanceof EtcdError) return scan;
    this.#store = store;
    this.#scan = scan;
    this.#parts = [];
    this.#count = 0;
    return undefined;
  }
}
