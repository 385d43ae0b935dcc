/**
 * Leases that keep themselves alive, and tell when they are lost.
 *
 * ```ts
 * const lease = await client.lease({ ttlSeconds: 10 });
 * await client.kv.put("here", "me", { lease });
 * lease.signal.addEventListener("abort", () => stopWorking(lease.signal.reason));
 * await lease.revoke();
 * ```
 */
import type { CallOptions } from "../client/call-options.ts";
import type { Lease, LeaseKeeper } from "../client/lease.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Clock } from "../ports/clock.ts";
import type { CallBounds, Deadlines } from "./call-bounds.ts";
import { LEASE_TTL_SECONDS } from "./limits.ts";

/** A lease has expired, was revoked, or could not be renewed before its time ran out. */
export class LeaseLostError extends EtcdError {
  readonly leaseId: bigint;

  constructor(leaseId: bigint, code: GrpcCode, message: string) {
    super(code, message);
    this.name = "LeaseLostError";
    this.leaseId = leaseId;
  }
}

export interface LeaseOptions extends CallBounds {
  /** How long the lease outlives its owner, in whole seconds; the server may grant more. 10 when absent. */
  readonly ttlSeconds?: number | undefined;
  /** Chosen by the server when absent. */
  readonly id?: bigint | undefined;
  /** Whether it is kept alive, which it is when absent. */
  readonly keepAlive?: boolean | undefined;
}

/** What leases need of their client. */
export interface LeaseParts {
  readonly lease: Lease;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
}

/** Makes a lease. Throws `EtcdError`. */
export async function grantLease(
  parts: LeaseParts,
  options: LeaseOptions = {},
): Promise<LeaseHandle> {
  const { ttlSeconds = LEASE_TTL_SECONDS, id = 0n, keepAlive = true } = options;
  const askedMs = parts.clock.nowMs();
  const granted = await parts.lease.grant({ ttl: ttlSeconds, id }, parts.deadlines.of(options));
  const { ttl } = granted;
  return new LeaseHandle(parts, {
    id: granted.id,
    ttl,
    deadlineMs: askedMs + ttl * 1000,
    keepAlive,
  });
}

interface Granted {
  readonly id: bigint;
  /** Seconds. */
  readonly ttl: number;
  readonly deadlineMs: number;
  readonly keepAlive: boolean;
}

/** A lease that was granted. It lives until `revoke`, or for its time after `stopKeepAlive`. */
export class LeaseHandle {
  readonly id: bigint;
  /** As granted. */
  readonly ttlSeconds: number;
  readonly #parts: LeaseParts;
  readonly #lost = new AbortController();
  readonly #keeper: LeaseKeeper | undefined;
  readonly #grantedUntilMs: number;
  readonly #onClosing = (): void => {
    this.#lose(GrpcCode.Canceled, "the client that kept the lease alive was closed");
  };

  constructor(parts: LeaseParts, { id, ttl, deadlineMs, keepAlive }: Granted) {
    this.#parts = parts;
    this.id = id;
    this.ttlSeconds = ttl;
    this.#grantedUntilMs = deadlineMs;
    if (!keepAlive) return;
    this.#keeper = parts.lease.keepAlive(id, deadlineMs);
    parts.closing.addEventListener("abort", this.#onClosing);
    void this.#keep(this.#keeper);
  }

  /**
   * Aborts, with a `LeaseLostError` as its reason, as soon as others may have what is bound to the lease: when
   * the server no longer knows it, when it was not renewed before its time ran out, and when the client is
   * closed. It does not abort for a lease that is not, or no longer, kept alive.
   */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Whether the lease is known to be lost, or its time has run out by the clock. Unlike `signal` it is right
   * also at once after the process stood still.
   */
  get isLost(): boolean {
    return this.signal.aborted || this.#parts.clock.nowMs() >= this.#untilMs();
  }

  /** Keeps the lease alive no longer: what is bound to it lives on until it expires. */
  stopKeepAlive(): void {
    this.#parts.closing.removeEventListener("abort", this.#onClosing);
    this.#keeper?.cancel();
  }

  /** Seconds that are left, as the server counts; -1 when it knows no such lease. Throws `EtcdError`. */
  async remainingSeconds(bounds: CallBounds = {}): Promise<number> {
    const { id } = this;
    return (await this.#parts.lease.timeToLive({ id }, this.#parts.deadlines.of(bounds))).ttl;
  }

  /** Ends the lease, and with it every key that is bound to it; no error when it has ended already. */
  async revoke(bounds: CallBounds = {}): Promise<void> {
    this.stopKeepAlive();
    const options: CallOptions = this.#parts.deadlines.of(bounds);
    try {
      await this.#parts.lease.revoke(this.id, options);
    } catch (error) {
      if (error !== Errors.LeaseNotFound) throw error;
    }
  }

  #untilMs(): number {
    return this.#keeper?.deadlineMs ?? this.#grantedUntilMs;
  }

  async #keep(keeper: LeaseKeeper): Promise<void> {
    try {
      while ((await keeper.next()) !== undefined);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      this.#lose(error.code, error.message);
    }
  }

  #lose(code: GrpcCode, message: string): void {
    this.stopKeepAlive();
    this.#lost.abort(new LeaseLostError(this.id, code, message));
  }
}
