/**
 * Granted leases and the keys attached to them: the part of a lessor that is a function of the log. Keys
 * are latin1 strings (`stdx/bytes.ts`).
 *
 * Source: etcd server/lease/lessor.go.
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert } from "../stdx/assert.ts";
import { LEASE_TTL_SECONDS_MAX } from "./limits.ts";

export interface Lease {
  readonly id: bigint;
  /** Granted time to live in seconds. */
  readonly ttlSeconds: number;
  /** Seconds left as of the last checkpoint; 0 when there was none. */
  remainingTtlSeconds: number;
  readonly keys: Set<string>;
}

/** The lease id that means "no lease". */
export const NO_LEASE = 0n;

export class Lessor {
  readonly #leases = new Map<bigint, Lease>();
  readonly #leaseOfKey = new Map<string, bigint>();
  readonly #ttlSecondsMin: number;

  /** `ttlSecondsMin`: shorter times to live are raised to this, so that a leader change survives them. */
  constructor(ttlSecondsMin: number) {
    this.#ttlSecondsMin = ttlSecondsMin;
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

  /** The lease `key` is attached to, `NO_LEASE` for none. */
  leaseOf(key: string): bigint {
    if (this.#leaseOfKey.size === 0) return NO_LEASE;
    return this.#leaseOfKey.get(key) ?? NO_LEASE;
  }

  /** Errors: LeaseExist, LeaseTtlTooLarge. `id` is not `NO_LEASE`. */
  grant(id: bigint, ttlSeconds: number): Lease | EtcdError {
    assert(id !== NO_LEASE, "A lease must have an id when it is granted");
    if (ttlSeconds > LEASE_TTL_SECONDS_MAX) return Errors.LeaseTtlTooLarge;
    if (this.#leases.has(id)) return Errors.LeaseExist;
    const ttl = Math.max(ttlSeconds, this.#ttlSecondsMin);
    return this.#add({ id, ttlSeconds: ttl, remainingTtlSeconds: 0, keys: new Set() });
  }

  /** Takes back what storage holds, at start. */
  restore(id: bigint, ttlSeconds: number, remainingTtlSeconds: number): void {
    this.#add({ id, ttlSeconds, remainingTtlSeconds, keys: new Set() });
  }

  /** Forgets a lease whose keys are deleted. */
  remove(id: bigint): void {
    for (const key of this.#leases.get(id)?.keys ?? []) this.#leaseOfKey.delete(key);
    this.#leases.delete(id);
  }

  /**
   * Attaches `key` to a lease. One that is not there is passed over: history may hold keys of leases that
   * are gone.
   */
  attach(id: bigint, key: string): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.keys.add(key);
    this.#leaseOfKey.set(key, id);
  }

  detach(id: bigint, key: string): void {
    this.#leases.get(id)?.keys.delete(key);
    this.#leaseOfKey.delete(key);
  }

  #add(lease: Lease): Lease {
    this.#leases.set(lease.id, lease);
    return lease;
  }
}
