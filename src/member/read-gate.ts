/**
 * Lets reads through once local state is as new as anything the cluster had acknowledged when they came:
 * all waiting reads ask Raft for one read index together; when it is confirmed and applied here, they may
 * read. Only one request is under way; reads that come meanwhile form the next batch.
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

export class ReadGate {
  readonly #request: RequestReadIndex;
  readonly #timeoutTicks: number;
  readonly #retryTicks: number;
  #arrived: ReadWaiter[] = [];
  /** The batch whose request is under way or confirmed; empty when there is none. */
  #batch: ReadWaiter[] = [];
  #context: Uint8Array = EMPTY_BYTES;
  readonly #nextContext: () => Uint8Array;
  #confirmedIndex: number | undefined;
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
    if (this.#arrived.length >= PENDING_READS_MAX) waiter.onFailed(Errors.TooManyRequests);
    else this.#arrived.push(waiter);
  }

  /** Starts the next batch unless one is under way. */
  start(): void {
    if (this.#arrived.length === 0 || this.#batch.length > 0) return;
    this.#batch = this.#arrived;
    this.#arrived = [];
    this.#batchTicks = 0;
    this.#confirmedIndex = undefined;
    this.#context = this.#nextContext();
    this.#request(this.#context);
  }

  /** Raft has confirmed `index` for the request with `context`. */
  confirm(index: number, context: Uint8Array): void {
    const isAsked = this.#batch.length > 0 && this.#confirmedIndex === undefined;
    if (!isAsked || !equalBytes(context, this.#context)) return;
    // Index 0 is what a leader answers that was deposed meanwhile.
    if (index === 0) this.#failBatch(Errors.LeaderChanged);
    else this.#confirmedIndex = index;
  }

  /** Lets the batch through when it is confirmed and `appliedIndex` has come far enough. */
  release(appliedIndex: number): void {
    if (this.#confirmedIndex === undefined || appliedIndex < this.#confirmedIndex) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#confirmedIndex = undefined;
    for (const waiter of batch) waiter.onReadable();
  }

  /** There is a new leader, or one again: what the former one was asked is lost. */
  leaderChanged(): void {
    if (this.#confirmedIndex === undefined) this.#failBatch(Errors.LeaderChanged);
  }

  /** An entry of a new term is committed: requests sent before it may have been dropped. */
  committedInTerm(): void {
    if (this.#batch.length > 0 && this.#confirmedIndex === undefined) this.#request(this.#context);
  }

  tick(): void {
    if (this.#batch.length === 0) return;
    this.#batchTicks++;
    if (this.#batchTicks > this.#timeoutTicks) this.#failBatch(Errors.Timeout);
    else if (this.#confirmedIndex === undefined && this.#batchTicks % this.#retryTicks === 0) {
      this.#request(this.#context);
    }
  }

  failAll(error: EtcdError): void {
    this.#failBatch(error);
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const waiter of arrived) waiter.onFailed(error);
  }

  #failBatch(error: EtcdError): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#confirmedIndex = undefined;
    for (const waiter of batch) waiter.onFailed(error);
  }
}
