/**
 * Ranges over so many keys that reading them in one go would keep everybody else waiting, and have a leader
 * miss its heartbeats: they are read in slices, in turns. The answer is what one uninterrupted read would have
 * given.
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { RangeScan } from "../mvcc/range-scan.ts";
import type { Store } from "../mvcc/store.ts";
import type { Clock } from "../ports/clock.ts";
import { concatBytes } from "../stdx/bytes.ts";
import {
  createRawRangeResponse,
  encodeRawRangeResponse,
  type RangeRequest,
} from "../wire/gen/rpc.ts";
import type { RangeAsker, TakingTurns } from "./connection-ranges.ts";
import { type HeaderContext, headerAt } from "./context.ts";
import { RANGE_SLICE_MS, RANGE_STEP_KEYS, RANGE_UNSENT_BYTES_MAX } from "./limits.ts";
import { RangeTurns } from "./range-turns.ts";

/** The answer to a range, marshalled. */
export interface RangeAnswer {
  readonly bytes: Uint8Array;
  /** Key-values in it. */
  readonly count: number;
}

/** `request` is what was asked; in memory of its own when this is called later. */
export type RangeDone = (result: RangeAnswer | EtcdError, request: RangeRequest) => void;

/** What reading in slices needs: the store of the member as it is now, and time. */
export interface LongRangeContext extends HeaderContext {
  readonly store: () => Store;
  readonly clock: Pick<Clock, "nowMs" | "after" | "defer">;
}

/** One for a service. */
export class LongRanges {
  readonly #context: LongRangeContext;
  readonly #turns: RangeTurns;

  constructor(context: LongRangeContext) {
    this.#context = context;
    this.#turns = new RangeTurns(context.clock);
  }

  /**
   * Answers a range of many keys: `done` is called once, nearly always before this returns, and never when the
   * asker is gone by then. Borrows `request`. Errors: FutureRevision, Compacted, TooManyRequests.
   */
  answer(asker: RangeAsker, request: RangeRequest, done: RangeDone): void {
    let begun: BegunRange | undefined;
    if (this.#turns.mayRead(asker)) {
      const store = this.#context.store();
      const scan = store.openRange(request);
      if (scan instanceof EtcdError) {
        done(scan, request);
        return;
      }
      const isShort = scan.keysAtMost <= RANGE_STEP_KEYS;
      const kvs = isShort || this.#turns.mayBegin(asker) ? this.#firstStep(scan) : undefined;
      if (kvs === undefined || scan.done) store.abandon(scan);
      if (kvs !== undefined && scan.done) {
        done(this.#wholeAnswer(scan, kvs), request);
        return;
      }
      if (kvs !== undefined) begun = { store, scan, kvs };
    }
    const range = new LongRange(this.#context, { asker, request, done }, begun);
    if (!this.#turns.add(range)) range.refuse(Errors.TooManyRequests);
  }

  #firstStep(scan: RangeScan): Uint8Array[] {
    const kvs: Uint8Array[] = [];
    if (!scan.done) scan.step(RANGE_STEP_KEYS, kvs);
    this.#turns.spent(scan.done ? kvs.length : RANGE_STEP_KEYS);
    return kvs;
  }

  #wholeAnswer(scan: RangeScan, kvs: Uint8Array[]): RangeAnswer {
    const header = headerAt(this.#context, scan.headerRevision);
    const { more, count } = scan;
    const response = createRawRangeResponse({ header, kvs, more, count });
    return { bytes: encodeRawRangeResponse(response), count: kvs.length };
  }
}

/** How far a range has come: what was read of it is not marshalled yet. */
interface BegunRange {
  readonly store: Store;
  readonly scan: RangeScan;
  readonly kvs: readonly Uint8Array[];
}

interface AskedRange {
  readonly asker: RangeAsker;
  readonly request: RangeRequest;
  readonly done: RangeDone;
}

/** A range that takes several slices, or has to wait for its first. */
class LongRange implements TakingTurns {
  readonly asker: RangeAsker;
  readonly #context: LongRangeContext;
  readonly #request: RangeRequest;
  readonly #done: RangeDone;
  #store: Store | undefined;
  #scan: RangeScan | undefined;
  /** Parts of the answer: parts of one message, one after the other, are the message. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #count = 0;

  constructor(context: LongRangeContext, asked: AskedRange, begun: BegunRange | undefined) {
    const { asker, request, done } = asked;
    this.asker = asker;
    this.#context = context;
    // What the request was decoded from is not valid any more when the caller returns.
    this.#request = { ...request, key: request.key.slice(), rangeEnd: request.rangeEnd.slice() };
    this.#done = done;
    this.#store = begun?.store;
    this.#scan = begun?.scan;
    if (begun !== undefined) this.#take(begun.scan, begun.kvs);
  }

  get requestBytes(): number {
    return this.#request.key.length + this.#request.rangeEnd.length;
  }

  /** As many keys as there can be, of the size of those read so far. */
  get expectedBytes(): number {
    if (this.#scan === undefined) return 0;
    const bytes = Math.ceil((this.#partsBytes / Math.max(1, this.#count)) * this.#scan.keysAtMost);
    const isKnown = this.#count > 0 && Number.isFinite(bytes);
    return Math.max(this.#partsBytes, isKnown ? bytes : RANGE_UNSENT_BYTES_MAX);
  }

  get hasBegun(): boolean {
    return this.#scan !== undefined;
  }

  refuse(error: EtcdError): void {
    this.#abandon();
    this.#done(error, this.#request);
  }

  step(): boolean {
    if (!this.asker.open) {
      this.#abandon();
      return true;
    }
    const scan = this.#scanOfNow();
    if (scan instanceof EtcdError) {
      this.#done(scan, this.#request);
      return true;
    }
    const kvs: Uint8Array[] = [];
    const endMs = this.#context.clock.nowMs() + RANGE_SLICE_MS;
    while (!scan.done && !scan.step(RANGE_STEP_KEYS, kvs)) {
      if (this.#context.clock.nowMs() > endMs) break;
    }
    this.#take(scan, kvs);
    if (!scan.done) return false;
    this.#abandon();
    const { more, count } = scan;
    this.#parts.push(encodeRawRangeResponse(createRawRangeResponse({ more, count })));
    this.#done({ bytes: concatBytes(this.#parts), count: this.#count }, this.#request);
    return true;
  }

  /** Marshals what was read, now: the bytes are storage's, and are gone with the next commit. */
  #take(scan: RangeScan, kvs: readonly Uint8Array[]): void {
    const isFirst = this.#parts.length === 0;
    const header = isFirst ? headerAt(this.#context, scan.headerRevision) : undefined;
    const part = encodeRawRangeResponse(createRawRangeResponse({ header, kvs: [...kvs] }));
    this.#parts.push(part);
    this.#partsBytes += part.length;
    this.#count += kvs.length;
  }

  /** Begins, and begins anew where a snapshot of the leader has taken the place of the store. */
  #scanOfNow(): RangeScan | EtcdError {
    const store = this.#context.store();
    if (store === this.#store && this.#scan !== undefined) return this.#scan;
    const scan = store.openRange(this.#request);
    if (scan instanceof EtcdError) return scan;
    this.#store = store;
    this.#scan = scan;
    this.#parts = [];
    this.#partsBytes = 0;
    this.#count = 0;
    return scan;
  }

  #abandon(): void {
    if (this.#scan !== undefined) this.#store?.abandon(this.#scan);
  }
}
