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
import type { Log } from "../ports/log.ts";
import { EMPTY_BYTES, equalBytes } from "../stdx/bytes.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { PENDING_READS_MAX } from "./limits.ts";
import type { MemberMetrics } from "./metrics.ts";
import type { ReadWaiter } from "./ready.ts";

/** Asks Raft for a read index; the answer comes as a read state with the same context. */
export type RequestReadIndex = (context: Uint8Array) => void;

/** Reads that came together, and the tick in which each came. */
interface Batch {
  readonly waiters: ReadWaiter[];
  readonly cameAt: number[];
}

export interface ReadGateOptions {
  readonly request: RequestReadIndex;
  /** Gives a context of 8 bytes that no other request of the cluster has. */
  readonly nextContext: () => Uint8Array;
  readonly tickMs: number;
  /** Whole ticks that a read may wait. */
  readonly timeoutTicks: number;
  /** Ticks after which an unanswered request is sent again. */
  readonly retryTicks: number;
  readonly log: Log;
  readonly metrics: Pick<MemberMetrics, "slowReadIndexes" | "readIndexesFailed">;
}

export class ReadGate {
  readonly #options: ReadGateOptions;
  #arrived = emptyBatch();
  /** The batch whose request is under way or confirmed; empty when there is none. */
  #batch = emptyBatch();
  #context: Uint8Array = EMPTY_BYTES;
  #confirmedIndex: number | undefined;
  #tick = 0;
  /** Ticks since the batch was asked for. */
  #batchTicks = 0;

  constructor(options: ReadGateOptions) {
    this.#options = options;
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
    this.#context = this.#options.nextContext();
    this.#options.request(this.#context);
  }

  /** Raft has confirmed `index` for the request with `context`. */
  confirm(index: number, context: Uint8Array): void {
    if (!this.#isAsked) return;
    if (!equalBytes(context, this.#context)) {
      this.#options.metrics.slowReadIndexes.inc();
      this.#options.log.warn(OUT_OF_DATE, {
        "sent-request-id": idOf(this.#context),
        "received-request-id": idOf(context),
      });
      return;
    }
    // Index 0 is what a leader answers that was deposed meanwhile.
    if (index === 0) this.#lostLeader();
    else this.#confirmedIndex = index;
  }

  /** Lets the batch through when it is confirmed and `appliedIndex` has come far enough. */
  release(appliedIndex: number): void {
    if (this.#confirmedIndex === undefined || appliedIndex < this.#confirmedIndex) return;
    for (const waiter of this.#takeBatch()) waiter.onReadable();
  }

  /** There is a new leader, or one again: what the former one was asked is lost. */
  leaderChanged(): void {
    if (this.#confirmedIndex === undefined) this.#lostLeader();
  }

  /** An entry of a new term is committed: requests sent before it may have been dropped. */
  committedInTerm(): void {
    if (!this.#isAsked) return;
    this.#options.log.info("first commit in current term: resending ReadIndex request");
    this.#options.request(this.#context);
  }

  tick(): void {
    const { tickMs, retryTicks, request, log } = this.#options;
    this.#tick++;
    this.#failLate(this.#batch);
    this.#failLate(this.#arrived);
    if (!this.#hasBatch) return;
    this.#batchTicks++;
    if (!this.#isAsked || this.#batchTicks % retryTicks !== 0) return;
    log.warn("waiting for ReadIndex response took too long, retrying", {
      "sent-request-id": idOf(this.#context),
      "retry-timeout": goDurationOfMs(retryTicks * tickMs),
    });
    request(this.#context);
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

  /** Whether Raft owes the batch an index. */
  get #isAsked(): boolean {
    return this.#hasBatch && this.#confirmedIndex === undefined;
  }

  #lostLeader(): void {
    if (this.#hasBatch) this.#options.metrics.readIndexesFailed.inc();
    this.#failBatch(Errors.LeaderChanged);
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
    const { tickMs, timeoutTicks, log, metrics } = this.#options;
    const firstInTime = this.#tick - timeoutTicks;
    let late = 0;
    while (late < cameAt.length && cameAt[late] < firstInTime) late++;
    if (late === 0) return;
    log.warn("timed out waiting for read index response (local node might have slow network)", {
      timeout: goDurationOfMs(timeoutTicks * tickMs),
    });
    metrics.slowReadIndexes.inc();
    cameAt.splice(0, late);
    const failed = waiters.splice(0, late);
    if (!this.#hasBatch) this.#confirmedIndex = undefined;
    for (const waiter of failed) waiter.onFailed(Errors.Timeout);
  }
}

const OUT_OF_DATE =
  "ignored out-of-date read index response; local node read indexes queueing up and waiting to be in sync with leader";

const ID_BYTES = 8;

/** The number that stands in a context. */
function idOf(context: Uint8Array): bigint {
  const { buffer, byteOffset, length } = context;
  return length === ID_BYTES ? new DataView(buffer, byteOffset, length).getBigUint64(0) : 0n;
}

function emptyBatch(): Batch {
  return { waiters: [], cameAt: [] };
}
