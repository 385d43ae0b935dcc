/** A `LeaseBook` that leases never expire from, and that checks the contract of its callers. */
import { assert } from "../../stdx/assert.ts";
import type { LeaseBook } from "../lease-book.ts";

export class MemoryLeases implements LeaseBook {
  readonly granted = new Set<bigint>();
  readonly leaseByKey = new Map<string, bigint>();

  exists(leaseId: bigint): boolean {
    return this.granted.has(leaseId);
  }

  leaseOf(key: string): bigint {
    return this.leaseByKey.get(key) ?? 0n;
  }

  attach(leaseId: bigint, key: string): void {
    assert(this.granted.has(leaseId), "Cannot attach a key to a lease that does not exist");
    assert(!this.leaseByKey.has(key), "Cannot attach a key to two leases");
    this.leaseByKey.set(key, leaseId);
  }

  detach(leaseId: bigint, key: string): void {
    assert(this.leaseByKey.get(key) === leaseId, "Cannot detach a key from another lease");
    this.leaseByKey.delete(key);
  }
}
