/**
 * Leases that keep themselves alive, and tell when they are lost.
 *
 * ```ts
 * await using lease = await client.lease({ ttlSeconds: 10 });
 * await client.kv.put("here", "me", { lease });
 * lease.signal.addEventListener("abort", () => stopWorking(lease.signal.reason));
 * ```
 *
 * Time is counted from when a renewal was sent, on a clock that only goes forward, and ends a margin earlier than the
 * server may count: whoever holds something by the lease can stop before somebody else has it.
 */
import { type CancelSignal, onAbort } from "../client/cancel-signal.ts";
import type { Lease, LeaseKeeper } from "../client/lease.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Clock } from "../ports/clock.ts";
import { utf8FromBytes } from "../stdx/bytes.ts";
import type { CallBounds, Deadlines } from "./call-bounds.ts";
import { LEASE_MARGIN_FRACTION, LEASE_MARGIN_MS_MAX, LEASE_TTL_SECONDS } from "./limits.ts";

/** A lease has expired, was revoked, or could not be renewed before its time ran out. */
export class LeaseLostError extends EtcdError {
  /** Id of the lease. */
  readonly leaseId: bigint;

  /** `code` and `message`: as of any `EtcdError`. */
  constructor(leaseId: bigint, code: GrpcCode, message: string) {
    super(code, message);
    this.name = "LeaseLostError";
    this.leaseId = leaseId;
  }
}

/** How a lease is kept. */
export interface KeepAliveOptions {
  /** Whether it is kept alive, which it is when absent. */
  readonly keepAlive?: boolean | undefined;
  /**
   * Milliseconds before its end at which it counts as lost: what whoever holds something by it needs to stop. A tenth of
   * its time when absent, one second at most.
   */
  readonly marginMs?: number | undefined;
}

/** How a lease is made. */
export interface LeaseOptions extends KeepAliveOptions, CallBounds {
  /** How long the lease outlives its owner, in whole seconds; the server may grant more. 10 when absent. */
  readonly ttlSeconds?: number | undefined;
  /** Chosen by the server when absent. */
  readonly id?: bigint | undefined;
}

/** What leases need of their client. */
export interface LeaseParts {
  readonly lease: Lease;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Aborts when the client is closed. */
  readonly closing: CancelSignal;
}

/** Makes a lease. Throws `EtcdError`. */
export async function grantLease(
  parts: LeaseParts,
  options: LeaseOptions = {},
): Promise<LeaseHandle> {
  const { ttlSeconds = LEASE_TTL_SECONDS, id = 0n } = options;
  const askedMs = parts.clock.nowMs();
  const granted = await parts.lease.grant({ ttl: ttlSeconds, id }, parts.deadlines.of(options));
  const { ttl } = granted;
  const known = { id: granted.id, ttlSeconds: ttl, untilMs: askedMs + ttl * 1000 };
  return new LeaseHandle(parts, known, options);
}

/** Takes a lease that is there already. Throws `Errors.LeaseNotFound`, and `EtcdError`. */
export async function takeLease(
  parts: LeaseParts,
  id: bigint,
  options: KeepAliveOptions & CallBounds = {},
): Promise<LeaseHandle> {
  const askedMs = parts.clock.nowMs();
  const { ttl, grantedTtl } = await parts.lease.timeToLive({ id }, parts.deadlines.of(options));
  if (ttl < 0) throw Errors.LeaseNotFound;
  const known = { id, ttlSeconds: grantedTtl, untilMs: askedMs + ttl * 1000 };
  return new LeaseHandle(parts, known, options);
}

/** Throws a `LeaseLostError` when `lease` is lost, also by a clock alone. */
export function throwIfLost(lease: LeaseHandle): void {
  lease.signal.throwIfAborted();
  if (!lease.isLost) return;
  throw new LeaseLostError(lease.id, GrpcCode.DeadlineExceeded, "the time of the lease ran out");
}

interface KnownLease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  /** When it ends, in milliseconds of the clock. */
  readonly untilMs: number;
}

/** A lease that was granted. It lives until `revoke`, or for its time after `stopKeepAlive`. */
export class LeaseHandle {
  /** Id of the lease; etcdctl shows it in hexadecimal. */
  readonly id: bigint;
  /** As granted, in seconds. */
  readonly ttlSeconds: number;
  readonly #parts: LeaseParts;
  readonly #marginMs: number;
  readonly #lost = new AbortController();
  readonly #keeper: LeaseKeeper | undefined;
  #unlisten = (): void => undefined;
  /** When it is lost at the latest, as far as that was told: by the clock that only goes forward, … */
  #untilMs: number;
  /** … and by the calendar, which goes on while a machine sleeps. */
  #untilWallMs: number;

  /** To be called by `grantLease` and `takeLease` alone. @internal */
  constructor(
    parts: LeaseParts,
    { id, ttlSeconds, untilMs }: KnownLease,
    { keepAlive = true, marginMs }: KeepAliveOptions,
  ) {
    this.#parts = parts;
    this.id = id;
    this.ttlSeconds = ttlSeconds;
    this.#marginMs =
      marginMs ?? Math.min(ttlSeconds * 1000 * LEASE_MARGIN_FRACTION, LEASE_MARGIN_MS_MAX);
    this.#untilMs = untilMs - this.#marginMs;
    this.#untilWallMs = this.#wallMsOf(this.#untilMs);
    if (!keepAlive) return;
    const options = { knownDeadlineMs: this.#untilMs, marginMs: this.#marginMs };
    this.#keeper = parts.lease.keepAlive(id, options);
    const onClosing = (): void => {
      this.#lose(GrpcCode.Canceled, "the client that kept the lease alive was closed");
    };
    this.#unlisten = onAbort(parts.closing, onClosing);
    void this.#keep(this.#keeper);
  }

  /**
   * Aborts, with a `LeaseLostError` as its reason, before others may have what is bound to the lease: when the server no
   * longer knows it, when it was not renewed before its time ran out, and when the client is closed. It does not abort
   * for a lease that is not, or no longer, kept alive.
   */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Whether the lease is known to be lost, or its time has run out by one of the clocks. Unlike `signal` it is right also
   * at once after the process stood still, or the machine slept.
   */
  get isLost(): boolean {
    const { clock } = this.#parts;
    if (this.signal.aborted || clock.nowMs() >= this.#untilMs) return true;
    return clock.wallMs() >= this.#untilWallMs;
  }

  /** Keeps the lease alive no longer: what is bound to it lives on until it expires. */
  stopKeepAlive(): void {
    this.#unlisten();
    this.#keeper?.cancel();
  }

  /** Renews the lease once, for those that are not kept alive; returns its seconds. Throws `Errors.LeaseNotFound`. */
  async renew(bounds: CallBounds = {}): Promise<number> {
    const sentMs = this.#parts.clock.nowMs();
    const { ttl } = await this.#parts.lease.keepAliveOnce(
      this.id,
      this.#parts.deadlines.of(bounds),
    );
    this.#renewed(sentMs + ttl * 1000 - this.#marginMs);
    return ttl;
  }

  /** Seconds that are left, as the server counts; -1 when it knows no such lease. Throws `EtcdError`. */
  async remainingSeconds(bounds: CallBounds = {}): Promise<number> {
    const { id } = this;
    return (await this.#parts.lease.timeToLive({ id }, this.#parts.deadlines.of(bounds))).ttl;
  }

  /** The keys that are bound to it, as the cluster has them. Throws `EtcdError`. */
  async keys(bounds: CallBounds = {}): Promise<readonly string[]> {
    const request = { id: this.id, keys: true };
    const { keys } = await this.#parts.lease.timeToLive(request, this.#parts.deadlines.of(bounds));
    return keys.map((key) => utf8FromBytes(key));
  }

  /** Ends the lease, and with it every key that is bound to it; no error when it has ended already. */
  async revoke(bounds: CallBounds = {}): Promise<void> {
    this.stopKeepAlive();
    try {
      await this.#parts.lease.revoke(this.id, this.#parts.deadlines.of(bounds));
    } catch (error) {
      if (error !== Errors.LeaseNotFound) throw error;
    }
  }

  /** As `revoke`, without errors and no longer than the lease would live: it is kept alive no more in any case. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isLost) return this.stopKeepAlive();
    const timeoutMs = this.ttlSeconds * 1000;
    await this.revoke({ timeoutMs }).catch(() => undefined);
  }

  #wallMsOf(untilMs: number): number {
    const { clock } = this.#parts;
    return clock.wallMs() + untilMs - clock.nowMs();
  }

  #renewed(untilMs: number): void {
    this.#untilMs = untilMs;
    this.#untilWallMs = this.#wallMsOf(untilMs);
  }

  async #keep(keeper: LeaseKeeper): Promise<void> {
    try {
      while ((await keeper.next()) !== undefined) this.#renewed(keeper.deadlineMs ?? 0);
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
