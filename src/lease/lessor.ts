/**
 * Granted leases and the keys attached to them. Which leases there are, and which keys they have, is a
 * function of the log; when they expire is known to the primary lessor alone, the one of the leader.
 *
 * Time is an argument, in milliseconds that never go back. Keys are latin1 strings (`stdx/bytes.ts`).
 *
 * Source: etcd server/lease/lessor.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert } from "../stdx/assert.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import { Countdown, type DueCheckpoint } from "./countdown.ts";
import { Lease, type LeaseWaiter } from "./lease.ts";
import { LEASE_TTL_SECONDS_MAX, LEASE_WAITERS_MAX } from "./limits.ts";
import { LeaseMetrics } from "./metrics.ts";

/** The lease id that means "no lease". */
export const NO_LEASE = 0n;

export interface LessorOptions {
  /** Shorter times to live are raised to this, so that a change of leader does not end them. Seconds. */
  readonly ttlSecondsMin: number;
  /** How long a lease runs between two checkpoints of its remaining time, in seconds; 0 for none. */
  readonly checkpointSeconds: number;
}

/**
 * What came of a renewal: the granted time to live in seconds, or
 *
 *   "expired"       its revocation is due or under way: wait for it with `whenRevoked`
 *   "checkpointed"  it carries a checkpoint, which has to be cleared through the log before
 *   an error        LeaseNotFound, NotPrimaryLessor
 */
export type Renewal = number | "expired" | "checkpointed" | EtcdError;

export class Lessor {
  readonly #leases = new Map<bigint, Lease>();
  readonly #leaseOfKey = new Map<string, Lease>();
  readonly #options: LessorOptions;
  readonly #metrics: LeaseMetrics;
  /** There while this is the primary lessor. */
  #countdown: Countdown | undefined;

  constructor(
    options: LessorOptions,
    metrics: LeaseMetrics = new LeaseMetrics(new MetricsRegistry()),
  ) {
    this.#options = options;
    this.#metrics = metrics;
  }

  exists(id: bigint): boolean {
    return this.#leases.has(id);
  }

  lease(id: bigint): Lease | undefined {
    return this.#leases.get(id);
  }

  /** Number of granted leases. */
  get size(): number {
    return this.#leases.size;
  }

  /** All leases, in no order; goes on where leases come and go meanwhile. */
  leases(): MapIterator<Lease> {
    return this.#leases.values();
  }

  /** The lease `key` is attached to, `NO_LEASE` for none. */
  leaseOf(key: string): bigint {
    if (this.#leaseOfKey.size === 0) return NO_LEASE;
    return this.#leaseOfKey.get(key)?.id ?? NO_LEASE;
  }

  // --- What the log says ---------------------------------------------------------------------------------

  /** Errors: LeaseNotFound for the id `NO_LEASE`, LeaseTtlTooLarge, LeaseExist. */
  grant(id: bigint, ttlSeconds: number, nowMs: number): Lease | EtcdError {
    if (id === NO_LEASE) return Errors.LeaseNotFound;
    if (ttlSeconds > LEASE_TTL_SECONDS_MAX) return Errors.LeaseTtlTooLarge;
    if (this.#leases.has(id)) return Errors.LeaseExist;
    const lease = new Lease(id, Math.max(ttlSeconds, this.#options.ttlSecondsMin), 0);
    this.#leases.set(id, lease);
    this.#metrics.granted.inc();
    this.#metrics.ttlSeconds.observe(lease.ttlSeconds);
    this.#countdown?.start(lease, nowMs);
    return lease;
  }

  /** Takes back what storage holds, at start, before anything else. */
  restore(id: bigint, ttlSeconds: number, remainingTtlSeconds: number): void {
    const ttl = Math.max(ttlSeconds, this.#options.ttlSecondsMin);
    this.#leases.set(id, new Lease(id, ttl, remainingTtlSeconds));
  }

  /** Forgets a lease whose keys are deleted, and tells whoever waited for that. */
  remove(id: bigint): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    for (const key of lease.keys) this.#leaseOfKey.delete(key);
    this.#leases.delete(id);
    this.#metrics.revoked.inc();
    this.#countdown?.drop(lease);
    for (const waiter of takeWaiters(lease)) waiter.onRevoked();
  }

  /** Sets what a checkpoint says is left of a lease, in seconds; 0 clears it. */
  checkpoint(lease: Lease, remainingTtlSeconds: number, nowMs: number): void {
    lease.remainingTtlSeconds = remainingTtlSeconds;
    this.#countdown?.planCheckpoint(lease, nowMs);
  }

  /**
   * Attaches `key` to a lease. One that is not there is passed over: history may hold keys of leases that
   * are gone.
   */
  attach(id: bigint, key: string): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.addKey(key);
    this.#leaseOfKey.set(key, lease);
  }

  detach(id: bigint, key: string): void {
    const lease = this.#leaseOfKey.get(key);
    if (lease === undefined) return;
    assert(lease.id === id, "Cannot detach a key from a lease that it is not attached to");
    lease.removeKey(key);
    this.#leaseOfKey.delete(key);
  }

  // --- What the primary lessor does ----------------------------------------------------------------------

  get isPrimary(): boolean {
    return this.#countdown !== undefined;
  }

  /**
   * Becomes the primary lessor, or starts anew as such: every lease gets what it had left, and `extendMs`
   * more for the time that passed without a leader.
   */
  promote(nowMs: number, extendMs: number): void {
    this.demote();
    this.#countdown = new Countdown(this.#options.checkpointSeconds);
    this.#countdown.startAll(this.#leases.values(), nowMs, extendMs);
  }

  /** Is not the primary lessor any more: no lease expires. */
  demote(): void {
    if (this.#countdown === undefined) return;
    this.#countdown.stopAll(this.#leases.values());
    this.#countdown = undefined;
    for (const lease of this.#leases.values()) {
      for (const waiter of takeWaiters(lease)) waiter.onDemoted();
    }
  }

  /** Renews a lease. The hot path of keep-alives: O(1), nothing is allocated. */
  renew(id: bigint, nowMs: number): Renewal {
    if (this.#countdown === undefined) return Errors.NotPrimaryLessor;
    const lease = this.#leases.get(id);
    if (lease === undefined) return Errors.LeaseNotFound;
    if (lease.isExpired(nowMs)) return "expired";
    if (lease.remainingTtlSeconds > 0) return "checkpointed";
    this.#countdown.renew(lease, nowMs);
    this.#metrics.renewed.inc();
    return lease.ttlSeconds;
  }

  /**
   * `waiter` is told when the expired lease is gone, or when this lessor is demoted. False when too many
   * wait already.
   */
  whenRevoked(id: bigint, waiter: LeaseWaiter): boolean {
    const lease = this.#leases.get(id);
    assert(lease !== undefined, "Cannot wait for the end of a lease that does not exist");
    lease.waiters ??= [];
    if (lease.waiters.length >= LEASE_WAITERS_MAX) return false;
    lease.waiters.push(waiter);
    return true;
  }

  /** The lease that expired first of those that `takeExpired` has not taken. O(log n), amortised. */
  expired(nowMs: number): Lease | undefined {
    return this.#countdown?.expired(nowMs);
  }

  /** Takes a lease that `expired` returned: it is being revoked. */
  takeExpired(lease: Lease): void {
    this.#countdown?.take(lease);
  }

  /** Whether this very lease is still granted: its id may have been given again. */
  isHeld(lease: Lease): boolean {
    return this.#leases.get(lease.id) === lease;
  }

  /** The revocation of a lease failed: `expired` returns it again from `atMs` on, unless it is gone. */
  revokeAgain(lease: Lease, atMs: number): void {
    if (this.isHeld(lease)) this.#countdown?.bringBack(lease, atMs);
  }

  /** Plans the next checkpoint of a lease, as after one that could not be written. */
  planCheckpoint(id: bigint, nowMs: number): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) this.#countdown?.planCheckpoint(lease, nowMs);
  }

  /** Takes up to `max` checkpoints that are due. */
  takeCheckpoints(nowMs: number, max: number): DueCheckpoint[] {
    return this.#countdown?.takeCheckpoints(nowMs, max) ?? [];
  }
}

function takeWaiters(lease: Lease): readonly LeaseWaiter[] {
  const { waiters } = lease;
  if (waiters === undefined) return NO_WAITERS;
  lease.waiters = undefined;
  return waiters;
}

const NO_WAITERS: readonly LeaseWaiter[] = [];
