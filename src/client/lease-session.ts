/**
 * Leases that are kept alive over one stream: each is renewed when a third of its time has passed, and counts
 * as lost when the server no longer knows it, or has not answered before its time ran out.
 *
 * Differs from etcd: that time runs from when the renewal was sent. Its client counts from the answer, and so believes
 * in a lease for as long as the answer was on its way when the server has already given it to somebody else.
 *
 * Source: etcd client/v3/lease.go (lessor).
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from "../wire/gen/rpc.ts";
import { LeaseService } from "../wire/gen/services.ts";
import type { CallStream } from "./call-stream.ts";
import { Canceller } from "./cancel-signal.ts";
import type { Channel } from "./channel.ts";
import { KEEP_ALIVE_PATIENCE_FRACTION, KEEP_ALIVE_RETRY_MS } from "./limits.ts";
import { Pause } from "./pause.ts";

/** Who waits for what becomes of a lease. */
export interface LeaseListener {
  /** Renewed: it lives until `deadlineMs` of the clock at least, if the server is right about its time. */
  onRenewed(response: LeaseKeepAliveResponse, deadlineMs: number): void;
  /** The lease is lost; the last call. */
  onLost(error: Error): void;
}

/** How a lease is kept alive. */
export interface KeepOptions {
  /**
   * Until when it lives in any case, in milliseconds of the clock; where that is not known, it is lost when the first
   * answer does not come within the dial timeout.
   */
  readonly knownDeadlineMs?: number | undefined;
  /** Milliseconds before its end at which it counts as lost: time to stop for those who hold something by it. 0 when absent. */
  readonly marginMs?: number | undefined;
}

/** A lease was not renewed in time, and nothing says why. */
const HALTED = new EtcdError(GrpcCode.DeadlineExceeded, "etcdclient: leases keep alive halted");

/** One lease and whoever keeps it. */
interface KeptLease {
  readonly id: bigint;
  readonly listeners: Set<LeaseListener>;
  /** Milliseconds before its end at which it counts as lost. */
  marginMs: number;
  /** When it is to be renewed, and when it is lost, in milliseconds of the clock. */
  dueMs: number;
  deadlineMs: number;
  /** How long the answer to a renewal may take before it is sent over another connection, in milliseconds. */
  patienceMs: number;
  /** When the oldest renewal without an answer was sent on the present stream. */
  sentMs: number | undefined;
  timer: Timer | undefined;
}

export class LeaseSession {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #firstAnswerMs: number;
  readonly #leases = new Map<bigint, KeptLease>();
  readonly #pause = new Pause();
  #isRunning = false;
  #canceller = new Canceller();
  #stream: CallStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> | undefined;
  /** Why the last stream ended, since the last answer. */
  #error: Error = HALTED;

  /** `firstAnswerMs`: how long a lease of unknown time to live may go without answer. */
  constructor(channel: Channel, clock: Clock, firstAnswerMs: number) {
    this.#channel = channel;
    this.#clock = clock;
    this.#firstAnswerMs = firstAnswerMs;
  }

  /** Keeps a lease; the largest margin of its listeners is that of all, from when it is given on. */
  add(id: bigint, listener: LeaseListener, { knownDeadlineMs, marginMs = 0 }: KeepOptions): void {
    let lease = this.#leases.get(id);
    if (lease === undefined) {
      const dueMs = this.#clock.nowMs();
      const deadlineMs = knownDeadlineMs ?? dueMs + this.#firstAnswerMs;
      const listeners = new Set<LeaseListener>();
      const patienceMs = patienceOf(deadlineMs - dueMs);
      const waiting = { sentMs: undefined, timer: undefined };
      lease = { id, listeners, marginMs, dueMs, deadlineMs, patienceMs, ...waiting };
      this.#leases.set(id, lease);
      this.#look(lease);
    }
    lease.listeners.add(listener);
    if (marginMs > lease.marginMs) {
      lease.marginMs = marginMs;
      lease.deadlineMs = Math.min(lease.deadlineMs, knownDeadlineMs ?? lease.deadlineMs);
      this.#look(lease);
    }
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** The lease is no longer kept for `listener`, which is told nothing more. */
  remove(id: bigint, listener: LeaseListener): void {
    const lease = this.#leases.get(id);
    lease?.listeners.delete(listener);
    if (lease?.listeners.size === 0) this.#forget(lease);
  }

  /** Keeps nothing any more; nobody is told. */
  close(): void {
    for (const lease of [...this.#leases.values()]) this.#forget(lease);
  }

  async #run(): Promise<void> {
    while (this.#leases.size > 0) {
      const canceller = new Canceller();
      this.#canceller = canceller;
      try {
        const options = { signal: canceller };
        this.#stream = await this.#channel.openStream(LeaseService.leaseKeepAlive, options);
        for (const lease of this.#leases.values()) {
          lease.sentMs = undefined;
          this.#look(lease);
        }
        for await (const response of this.#stream) this.#onResponse(response);
      } catch (error) {
        if (!canceller.aborted && error instanceof Error) this.#error = error;
      }
      this.#stream = undefined;
      if (this.#leases.size === 0) break;
      if (canceller.aborted) continue;
      await this.#pause.wait(this.#clock, KEEP_ALIVE_RETRY_MS);
    }
    this.#isRunning = false;
  }

  /** Renews the lease if it is due, gives it up if it is late, and comes back when it is either. */
  #look(lease: KeptLease): void {
    lease.timer?.cancel();
    const nowMs = this.#clock.nowMs();
    if (lease.deadlineMs <= nowMs) {
      this.#lose(lease, this.#error);
      return;
    }
    if (lease.sentMs !== undefined && nowMs - lease.sentMs >= lease.patienceMs) {
      this.#moveOn(lease.sentMs);
    }
    let nextMs = lease.dueMs;
    if (nextMs <= nowMs) {
      if (this.#stream !== undefined) {
        lease.sentMs ??= nowMs;
        this.#stream.send({ id: lease.id });
      }
      nextMs = nowMs + KEEP_ALIVE_RETRY_MS;
    }
    const waitMs = Math.min(nextMs, lease.deadlineMs) - nowMs;
    lease.timer = this.#clock.after(waitMs, () => this.#look(lease));
  }

  /** Nothing came of what was sent at `sentMs`: another stream, by another connection where this one is silent. */
  #moveOn(sentMs: number): void {
    if (this.#stream === undefined) return;
    this.#channel.noteSilence(this.#stream, sentMs);
    this.#stream = undefined;
    this.#canceller.abort();
  }

  #onResponse(response: LeaseKeepAliveResponse): void {
    const lease = this.#leases.get(response.id);
    if (lease === undefined) return;
    if (response.ttl <= 0) {
      this.#lose(lease, Errors.LeaseNotFound);
      return;
    }
    this.#error = HALTED;
    const { sentMs } = lease;
    // The answer to one that was sent again says nothing new.
    if (sentMs !== undefined) {
      lease.sentMs = undefined;
      lease.dueMs = sentMs + (response.ttl * 1000) / 3;
      lease.patienceMs = patienceOf(response.ttl * 1000);
      lease.deadlineMs = sentMs + response.ttl * 1000 - lease.marginMs;
    }
    this.#look(lease);
    for (const listener of lease.listeners) listener.onRenewed(response, lease.deadlineMs);
  }

  #lose(lease: KeptLease, error: Error): void {
    this.#forget(lease);
    for (const listener of lease.listeners) listener.onLost(error);
  }

  #forget(lease: KeptLease): void {
    lease.timer?.cancel();
    this.#leases.delete(lease.id);
    if (this.#leases.size > 0) return;
    this.#stream = undefined;
    this.#canceller.abort();
    this.#pause.end();
  }
}

function patienceOf(lifeMs: number): number {
  return Math.max(lifeMs * KEEP_ALIVE_PATIENCE_FRACTION, KEEP_ALIVE_RETRY_MS);
}
