/**
 * What the MVCC store needs of leases. `lease/` implements it and `apply/` passes it in: the two never
 * meet. Keys are latin1 strings (`stdx/bytes.ts`), as in the index.
 */
export interface LeaseBook {
  /** Whether the lease is granted and neither revoked nor expired-and-removed. */
  exists(leaseId: bigint): boolean;

  /** The lease that `key` is attached to, 0n for none. On the path of every overwriting put. */
  leaseOf(key: string): bigint;

  /** Attaches `key` to an existing lease; it is attached to no other. */
  attach(leaseId: bigint, key: string): void;

  /** Ends the attachment of `key` to this lease. */
  detach(leaseId: bigint, key: string): void;
}
