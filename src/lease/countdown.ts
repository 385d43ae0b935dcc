/**
 * The countdown of the primary lessor: which leases have expired, and of which a checkpoint is due. There
 * is one exactly while this member leads; on other members leases do not expire.
 *
 * A renewal moves the expiry of a lease and mostly leaves its place in the heap: the heap has it too early
 * then. It is put right by the renewal that finds it more than half a time to live behind, or when that
 * early time comes. So a lease costs one or two moves in the heap per time to live, however often it is
 * renewed, and those that have to be put right at one time are few.
 *
 * Source: etcd server/lease/lessor.go (Promote, expireExists, scheduleCheckpointIfNeeded; 3.5).
 */
import { assert } from "../stdx/assert.ts";
import { MinHeap, NOT_IN_HEAP } from "../stdx/heap.ts";
import type { CheckpointEntry, Lease } from "./lease.ts";
import { EXPIRY_LOOKS_MAX, SPREAD_EXPIRIES_PER_SECOND, SPREAD_LEASES_MIN } from "./limits.ts";

/** A checkpoint that should be written. */
export interface DueCheckpoint {
  readonly id: bigint;
  readonly remainingTtlSeconds: number;
}

export class Countdown {
  readonly #byExpiry = new MinHeap<Lease>();
  readonly #byCheckpoint = new MinHeap<CheckpointEntry>();
  readonly #checkpointSeconds: number;

  /** `checkpointSeconds`: how long a lease runs between two checkpoints; 0 for none at all. */
  constructor(checkpointSeconds: number) {
    this.#checkpointSeconds = checkpointSeconds;
  }

  /** Starts counting all leases, each from what it has left and `extendMs` more. */
  startAll(leases: Iterable<Lease>, nowMs: number, extendMs: number): void {
    const all = [...leases];
    for (const lease of all) lease.expiryMs = nowMs + extendMs + lease.startSeconds * 1000;
    if (all.length >= SPREAD_LEASES_MIN) spread(all);
    for (const lease of all) this.#add(lease, nowMs);
  }

  /** Starts counting a lease that was granted. */
  start(lease: Lease, nowMs: number): void {
    lease.expiryMs = nowMs + lease.startSeconds * 1000;
    this.#add(lease, nowMs);
  }

  /** Counts a lease that has not expired from the start again. O(1), now and then O(log n). */
  renew(lease: Lease, nowMs: number): void {
    assert(!lease.isExpired(nowMs), "Cannot renew an expired lease");
    lease.expiryMs = nowMs + lease.startSeconds * 1000;
    const isFarBehind = lease.rank - nowMs < (lease.ttlSeconds * 1000) / 2;
    if (lease.expiryMs < lease.rank || isFarBehind) this.#byExpiry.update(lease, lease.expiryMs);
  }

  /**
   * A lease that has expired and was not taken, the earliest first; `undefined` when there is none, or none
   * was found in a bounded time.
   */
  expired(nowMs: number): Lease | undefined {
    for (let looks = 0; looks < EXPIRY_LOOKS_MAX; looks++) {
      const lease = this.#byExpiry.top;
      if (lease === undefined || lease.rank > nowMs) return undefined;
      // A retry has its time in the rank; what was renewed has it in the expiry.
      if (lease.isExpired(nowMs)) return lease;
      this.#byExpiry.update(lease, lease.expiryMs);
    }
    return undefined;
  }

  /** Takes an expired lease out, because it is being revoked. */
  take(lease: Lease): void {
    this.#byExpiry.remove(lease);
  }

  /** Brings back a lease whose revocation failed: `expired` has it again from `atMs` on. */
  bringBack(lease: Lease, atMs: number): void {
    if (lease.place !== NOT_IN_HEAP) return;
    lease.rank = atMs;
    this.#byExpiry.add(lease);
  }

  /** Forgets a lease that is gone. */
  drop(lease: Lease): void {
    if (lease.place !== NOT_IN_HEAP) this.#byExpiry.remove(lease);
    if (lease.checkpoint !== undefined) this.#byCheckpoint.remove(lease.checkpoint);
    lease.checkpoint = undefined;
  }

  /** Plans the next checkpoint of a lease that has long enough to live. */
  planCheckpoint(lease: Lease, nowMs: number): void {
    if (this.#checkpointSeconds === 0 || lease.checkpoint !== undefined) return;
    if (lease.startSeconds <= this.#checkpointSeconds) return;
    const rank = nowMs + this.#checkpointSeconds * 1000;
    lease.checkpoint = { lease, rank, place: NOT_IN_HEAP };
    this.#byCheckpoint.add(lease.checkpoint);
  }

  /** Takes up to `max` checkpoints that are due. The next one is planned when the checkpoint is applied. */
  takeCheckpoints(nowMs: number, max: number): DueCheckpoint[] {
    const due: DueCheckpoint[] = [];
    for (let entry = this.#byCheckpoint.top; entry !== undefined; entry = this.#byCheckpoint.top) {
      if (entry.rank > nowMs || due.length >= max) break;
      const { lease } = entry;
      this.#byCheckpoint.remove(entry);
      lease.checkpoint = undefined;
      if (lease.isExpired(nowMs)) continue;
      const remainingTtlSeconds = Math.ceil((lease.expiryMs - nowMs) / 1000);
      if (remainingTtlSeconds < lease.ttlSeconds) due.push({ id: lease.id, remainingTtlSeconds });
      // Renewed a moment ago: nothing to write, and the next look is as far away as ever.
      else this.planCheckpoint(lease, nowMs);
    }
    return due;
  }

  /** Ends the countdown: no lease expires any more. */
  stopAll(leases: Iterable<Lease>): void {
    for (const lease of leases) {
      lease.expiryMs = Number.POSITIVE_INFINITY;
      lease.place = NOT_IN_HEAP;
      lease.checkpoint = undefined;
    }
  }

  #add(lease: Lease, nowMs: number): void {
    lease.rank = lease.expiryMs;
    this.#byExpiry.add(lease);
    this.planCheckpoint(lease, nowMs);
  }
}

/**
 * Moves expiries back where too many fall into one second, as when a leader comes back after a long
 * absence and every lease starts anew.
 */
function spread(leases: readonly Lease[]): void {
  const sorted = [...leases].sort((a, b) => a.expiryMs - b.expiryMs);
  let baseMs = sorted[0].expiryMs;
  let endMs = baseMs + 1000;
  let expiries = 0;
  for (const lease of sorted) {
    if (lease.expiryMs > endMs) {
      baseMs = lease.expiryMs;
      endMs = baseMs + 1000;
      expiries = 1;
      continue;
    }
    expiries++;
    if (expiries <= SPREAD_EXPIRIES_PER_SECOND) continue;
    // What lies n seconds ahead of the window's start already is moved by n seconds less.
    const delayMs = (1000 * expiries) / SPREAD_EXPIRIES_PER_SECOND - (lease.expiryMs - baseMs);
    endMs = baseMs + delayMs;
    lease.expiryMs += delayMs;
  }
}
