/**
 * Lets reads through once local state is as new as anything the cluster had acknowledged when they came:
 * all waiting reads ask Raft for one read index together; when it is confirmed and applied here, they may
 * read. Only one request is under way; reads that come meanwhile form the next batch. None waits longer than
 * a request may take.
 *
 * Differs from etcd: there the time of a read counts from when its batch was sent, which waits for the one
 * before, so a read without a leader may take twice as long.
 *
 * Source: Raft thesis section 6.4; etcd server/etcdserver/v3_server.go (linearizableReadLoop).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { EMPTY_BYTES, equalBytes } from "../stdx/bytes.ts";
import { PENDING_READS_MAX } from "./limits.ts";
import type { ReadWaiter } from "./ready.ts";

/** Asks Raft for a read index; the answer comes as a read state with the same context. */
export type RequestReadIndex = (context: Uint8Array) => void;

/** Reads that came together, and the tick in which each came. */
interface Batch {
  readonly waiters: ReadWaiter[];
  readonly cameAt: number[];
}

export class ReadGate {
  readonly #request: RequestReadIndex;
  readonly #timeoutTicks: number;
  readonly #retryTicks: number;
  #arrived = emptyBatch();
  /** The batch whose request is under way or confirmed; empty when there is none. */
  #batch = emptyBatch();
  #context: Uint8Array = EMPTY_BYTES;
  readonly #nextContext: () => Uint8Array;
  #confirmedIndex: number | undefined;
  #tick = 0;
  /** Ticks since the batch was asked for. */
  #batchTicks = 0;

  /** `nextContext` gives a context that no other request of the cluster has. */
  constructor(
    request: RequestReadIndex,
    nextContext: () => Uint8Array,
    timeoutTicks: number,
    retryTicks: number,
  ) {
    this.#request = request;
    this.#nextContext = nextContext;
    this.#timeoutTicks = timeoutTicks;
    this.#retryTicks = retryTicks;
  }

  /** `waiter` is told when it may read, or why it cannot. */
  add(waiter: ReadWaiter): void {
    const { waiters, cameAt } = this.#arrived;
    if (waiters.length >= PENDING_READS_MAX) {
      waiter.onFailed(Errors.TooManyRequests);
      return;
    }
    waiters.push(waiter);
    cameAt.push(this.#tick);
  }

  /** Starts the next batch unless one is under way. */
  start(): void {
    if (this.#arrived.waiters.length === 0 || this.#hasBatch) return;
    this.#batch = this.#arrived;
    this.#arrived = emptyBatch();
    this.#batchTicks = 0;
    this.#confirmedIndex = undefined;
    this.#context = this.#nextContext();
    this.#request(this.#context);
  }

  /** Raft has confirmed `index` for the request with `context`. */
  confirm(index: number, context: Uint8Array): void {
    const isAsked = this.#hasBatch && this.#confirmedIndex === undefined;
    if (!isAsked || !equalBytes(context, this.#context)) return;
    // Index 0 is what a leader answers that was deposed meanwhile.
    if (index === 0) this.#failBatch(Errors.LeaderChanged);
    else this.#confirmedIndex = index;
  }

  /** Lets the batch through when it is confirmed and `appliedIndex` has come far enough. */
  release(appliedIndex: number): void {
    if (this.#confirmedIndex === undefined || appliedIndex < this.#confirmedIndex) return;
    for (const waiter of this.#takeBatch()) waiter.onReadable();
  }

  /** There is a new leader, or one again: what the former one was asked is lost. */
  leaderChanged(): void {
    if (this.#confirmedIndex === undefined) this.#failBatch(Errors.LeaderChanged);
  }

  /** An entry of a new term is committed: requests sent before it may have been dropped. */
  committedInTerm(): void {
    if (this.#hasBatch && this.#confirmedIndex === undefined) this.#request(this.#context);
  }

  tick(): void {
    this.#tick++;
    this.#failLate(this.#batch);
    this.#failLate(this.#arrived);
    if (!this.#hasBatch) return;
    this.#batchTicks++;
    if (this.#confirmedIndex === undefined && this.#batchTicks % this.#retryTicks === 0) {
      this.#request(this.#context);
    }
  }

  failAll(error: EtcdError): void {
    this.#failBatch(error);
    const { waiters } = this.#arrived;
    this.#arrived = emptyBatch();
    for (const waiter of waiters) waiter.onFailed(error);
  }

  get #hasBatch(): boolean {
    return this.#batch.waiters.length > 0;
  }

  #failBatch(error: EtcdError): void {
    for (const waiter of this.#takeBatch()) waiter.onFailed(error);
  }

  #takeBatch(): readonly ReadWaiter[] {
    const { waiters } = this.#batch;
    this.#batch = emptyBatch();
    this.#confirmedIndex = undefined;
    return waiters;
  }

  /** Those that came first have waited too long. */
  #failLate({ waiters, cameAt }: Batch): void {
    const firstInTime = this.#tick - this.#timeoutTicks;
    let late = 0;
    while (late < cameAt.length && cameAt[late] < firstInTime) late++;
    if (late === 0) return;
    cameAt.splice(0, late);
    const failed = waiters.splice(0, late);
    if (!this.#hasBatch) this.#confirmedIndex = undefined;
    for (const waiter of failed) waiter.onFailed(Errors.Timeout);
  }
}

function emptyBatch(): Batch {
  return { waiters: [], cameAt: [] };
}
