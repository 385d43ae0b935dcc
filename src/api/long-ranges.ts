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

/** `request` is what was asked; borrowed where the answer is given before `read` returns. */
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
   * Answers a range of many keys; a short one before this returns, while `request` may be borrowed. Calls
   * `done` once, unless `isGone` says that nobody waits any more. Errors: FutureRevision, Compacted.
   */
  read(request: RangeRequest, isGone: () => boolean, done: RangeDone): void {
    const read = new LongRange(this.#context, request, isGone, done);
    if (read.step()) return;
    read.keepRequest();
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

class LongRange {
  readonly #context: LongRangeContext;
  readonly #isGone: () => boolean;
  readonly #done: RangeDone;
  #request: RangeRequest;
  #store: Store | undefined;
  #scan: RangeScan | undefined;
  /** Parts of the answer: parts of one message, one after the other, are the message. */
  #parts: Uint8Array[] = [];
  #count = 0;

  constructor(
    context: LongRangeContext,
    request: RangeRequest,
    isGone: () => boolean,
    done: RangeDone,
  ) {
    this.#context = context;
    this.#request = request;
    this.#isGone = isGone;
    this.#done = done;
  }

  /** What the request was decoded from is not valid any more when the caller returns. */
  keepRequest(): void {
    const { key, rangeEnd } = this.#request;
    this.#request = { ...this.#request, key: key.slice(), rangeEnd: rangeEnd.slice() };
  }

  /** Reads for the time of a slice; whether it is over. */
  step(): boolean {
    if (this.#scan !== undefined && this.#isGone()) {
      this.#store?.abandon(this.#scan);
      return true;
    }
    const scan = this.#open();
    if (scan instanceof EtcdError) {
      this.#done(scan, this.#request);
      return true;
    }
    const kvs: Uint8Array[] = [];
    const endMs = this.#context.clock.nowMs() + RANGE_SLICE_MS;
    while (!scan.done && !scan.step(RANGE_STEP_KEYS, kvs)) {
      if (this.#context.clock.nowMs() > endMs) break;
    }
    this.#count += kvs.length;
    const isFirst = this.#parts.length === 0;
    const header = isFirst ? headerAt(this.#context, scan.headerRevision) : undefined;
    const { done, more, count } = scan;
    const part = done ? { header, kvs, more, count } : { header, kvs };
    // Now: the bytes are storage's, and are gone with the next commit.
    this.#parts.push(encodeRawRangeResponse(createRawRangeResponse(part)));
    if (!done) return false;
    this.#store?.abandon(scan);
    const bytes = isFirst ? this.#parts[0] : concatBytes(this.#parts);
    this.#done({ bytes, count: this.#count }, this.#request);
    return true;
  }

  /** The scan that is open; a new one where a snapshot of the leader has taken the place of its store. */
  #open(): RangeScan | EtcdError {
    const store = this.#context.store();
    if (this.#scan !== undefined && this.#store === store) return this.#scan;
    const scan = store.openRange(this.#request);
    if (scan instanceof EtcdError) return scan;
    this.#store = store;
    this.#scan = scan;
    this.#parts = [];
    this.#count = 0;
    return scan;
  }
}
