/**
 * Many expired leases in one entry of the log. The entry is a transaction in which every attached key is
 * deleted if it is still attached to its lease, and beside it the list of the leases:
 *
 * ```
 *   txn                 { if lease(k1) = 7 { delete k1 }, if lease(k2) = 7 { delete k2 }, if lease(k3) = 9 … }
 *   lease_revoke_batch  7, 9
 * ```
 *
 * All deletions share one revision. Applying it, we also end the leases that have no keys left. etcd does
 * not know the second field and skips it: after the same entry it has the same keys and revisions, and
 * leases without keys, which it revokes when they expire there. So a data directory can change hands at any
 * entry, and no new kind of request is needed. Why: docs/adr/0014-lease-expiry-in-batches.md.
 */
import { type AuthInfo, requestHeaderOf } from "../auth/auth-info.ts";
import type { Lease } from "../lease/lease.ts";
import type { Lessor } from "../lease/lessor.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import {
  createInternalRaftRequest,
  createLeaseRevokeBatch,
  encodeInternalRaftRequest,
} from "../wire/gen/raft-internal.ts";
import {
  CompareResult,
  CompareTarget,
  createCompare,
  createDeleteRangeRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
} from "../wire/gen/rpc.ts";
import {
  REVOKE_BATCH_BYTES_MAX,
  REVOKE_BATCH_KEY_BYTES,
  REVOKE_BATCH_KEYS_FIRST,
  REVOKE_BATCH_KEYS_MAX,
  REVOKE_BATCH_LEASES_PER_KEY,
} from "./limits.ts";

/** What one entry may hold. */
export interface BatchBounds {
  readonly leases: number;
  readonly keys: number;
}

/** The bounds of the first of several entries. */
export const FIRST_BATCH: BatchBounds = boundsOf(REVOKE_BATCH_KEYS_FIRST);

/** The bounds of the entry after one that was applied. */
export function nextBatch({ keys }: BatchBounds): BatchBounds {
  return boundsOf(Math.min(2 * keys, REVOKE_BATCH_KEYS_MAX));
}

function boundsOf(keys: number): BatchBounds {
  return { leases: keys * REVOKE_BATCH_LEASES_PER_KEY, keys };
}

/** An entry for each lease. */
export const ONE_LEASE: BatchBounds = { leases: 1, keys: Number.POSITIVE_INFINITY };

/**
 * Takes expired leases for one entry, the earliest first: one alone when it has too many keys for a batch,
 * none when nothing has expired.
 */
export function takeExpired(lessor: Lessor, nowMs: number, bounds: BatchBounds): Lease[] {
  const taken: Lease[] = [];
  let keys = 0;
  let bytes = 0;
  while (taken.length < bounds.leases) {
    const lease = lessor.expired(nowMs);
    if (lease === undefined) break;
    keys += lease.keys.size;
    // Not worth counting the bytes of a lease that does not fit anyway.
    if (keys <= REVOKE_BATCH_KEYS_MAX) bytes += bytesOf(lease);
    const fits = keys <= bounds.keys && bytes <= REVOKE_BATCH_BYTES_MAX;
    if (!fits && taken.length > 0) break;
    lessor.takeExpired(lease);
    taken.push(lease);
    if (!fits) break;
  }
  return taken;
}

/** Encoded bytes that the keys of a lease take in a batch, about. */
function bytesOf(lease: Lease): number {
  let bytes = 0;
  for (const key of lease.keys) bytes += 2 * key.length + REVOKE_BATCH_KEY_BYTES;
  return bytes;
}

/** Marshals the entry of `caller`; `requestId` is by which its outcome is waited for. */
export function encodeRevokeBatch(
  requestId: bigint,
  leases: readonly Lease[],
  caller: AuthInfo | undefined,
): Uint8Array {
  const success: RequestOp[] = [];
  for (const { id, keys } of leases) {
    for (const key of [...keys].sort()) success.push(deleteIfAttached(bytesFromLatin1(key), id));
  }
  return encodeInternalRaftRequest(
    createInternalRaftRequest({
      header: requestHeaderOf(requestId, caller),
      operation: { case: "txn", value: createTxnRequest({ success }) },
      leaseRevokeBatch: createLeaseRevokeBatch({ ids: leases.map(({ id }) => id) }),
    }),
  );
}

function deleteIfAttached(key: Uint8Array, lease: bigint): RequestOp {
  const compare = createCompare({
    key,
    result: CompareResult.EQUAL,
    target: CompareTarget.LEASE,
    targetUnion: { case: "lease", value: lease },
  });
  const deletion = createRequestOp({
    request: { case: "requestDeleteRange", value: createDeleteRangeRequest({ key }) },
  });
  const value = createTxnRequest({ compare: [compare], success: [deletion] });
  return createRequestOp({ request: { case: "requestTxn", value } });
}
