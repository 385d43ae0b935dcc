/**
 * Operations on leases: what the lessor and the lease bucket hold, and the keys that go with a lease.
 *
 * Source: etcd server/etcdserver/apply.go (LeaseGrant, LeaseRevoke, LeaseCheckpoint), server/lease/lessor.go.
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Lease } from "../lease/lease.ts";
import { createLease } from "../wire/gen/lease.ts";
import type { LeaseCheckpointRequest, LeaseGrantRequest, ResponseHeader } from "../wire/gen/rpc.ts";
import type { Applier } from "./applier.ts";
import { type ApplyResult, DONE } from "./result.ts";

/** Errors: those of `Lessor.grant`. */
export function grantLease(
  applier: Applier,
  request: LeaseGrantRequest,
  nowMs: number,
): ApplyResult | EtcdError {
  const lease = applier.lessor.grant(request.id, request.ttl, nowMs);
  if (lease instanceof EtcdError) return lease;
  storeLease(applier, lease);
  const response = { header: header(applier), id: lease.id, ttl: lease.ttlSeconds, error: "" };
  return { kind: "leaseGrant", response };
}

/** Deletes the attached keys in key order, in one revision, and the lease. Errors: LeaseNotFound. */
export function revokeLease(applier: Applier, id: bigint): ApplyResult | EtcdError {
  const lease = applier.lessor.lease(id);
  if (lease === undefined) return Errors.LeaseNotFound;
  const transaction = applier.store.beginWrite();
  for (const key of [...lease.keys].sort()) transaction.deleteKey(key);
  transaction.end();
  applier.lessor.remove(id);
  applier.records.removeLease(id);
  return { kind: "leaseRevoke", response: { header: header(applier) } };
}

/**
 * Ends those of expired leases whose keys are all gone, after the transaction of the same entry has deleted
 * them. One that was given a key since the entry was made is left as it is, with that key.
 */
export function endKeylessLeases(applier: Applier, ids: readonly bigint[]): void {
  const { lessor, records } = applier;
  for (const id of ids) {
    if (lessor.lease(id)?.keys.size !== 0) continue;
    lessor.remove(id);
    records.removeLease(id);
  }
}

/**
 * Notes what is left of leases. One that is gone is passed over.
 *
 * Differs from etcd: a cleared checkpoint is cleared in the database, too, where checkpoints are not
 * persisted now and were before. There it would come back with every restart.
 */
export function checkpointLeases(
  applier: Applier,
  request: LeaseCheckpointRequest,
  nowMs: number,
): ApplyResult {
  const { lessor } = applier;
  for (const { id, remainingTtl } of request.checkpoints) {
    const lease = lessor.lease(id);
    if (lease === undefined) continue;
    const isCleared = remainingTtl === 0 && lease.remainingTtlSeconds > 0;
    lessor.checkpoint(lease, remainingTtl, nowMs);
    if (applier.persistsLeaseCheckpoints || isCleared) storeLease(applier, lease);
  }
  return DONE;
}

function storeLease({ records }: Applier, lease: Lease): void {
  const { id, ttlSeconds, remainingTtlSeconds } = lease;
  records.putLease(createLease({ id, ttl: ttlSeconds, remainingTtl: remainingTtlSeconds }));
}

function header(applier: Applier): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision: applier.store.revision, raftTerm: 0 };
}
