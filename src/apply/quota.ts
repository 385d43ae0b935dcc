/**
 * The space quota: whether the database has room for a request. Deletions, compactions and everything
 * that frees space always pass.
 *
 * Source: etcd server/etcdserver/quota.go (costPut, costTxn, leaseOverhead).
 */
import type { PutRequest, TxnRequest } from "../wire/gen/rpc.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";

/** Bytes a key-value costs beyond its key and value: the key of its revision and the page around it. */
const KEY_VALUE_OVERHEAD_BYTES = 256;

/** Bytes a lease costs. */
const LEASE_OVERHEAD_BYTES = 64;

export class Quota {
  readonly #limitBytes: number;
  readonly #usedBytes: () => number;

  /** `limitBytes` negative: no limit. `usedBytes` gives the size of the database. */
  constructor(limitBytes: number, usedBytes: () => number) {
    this.#limitBytes = limitBytes < 0 ? Number.POSITIVE_INFINITY : limitBytes;
    this.#usedBytes = usedBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** Whether the operation fits. */
  admits(operation: InternalRaftRequestOperation): boolean {
    const cost = costOf(operation);
    return cost === 0 || this.#usedBytes() + cost < this.#limitBytes;
  }
}

/** Bytes an operation may add; 0 when it cannot add any. */
export function costOf(operation: InternalRaftRequestOperation): number {
  switch (operation.case) {
    case "put":
      return costOfPut(operation.value);
    case "txn":
      return costOfTxn(operation.value);
    case "leaseGrant":
      return LEASE_OVERHEAD_BYTES;
    default:
      return 0;
  }
}

function costOfPut(request: PutRequest): number {
  return KEY_VALUE_OVERHEAD_BYTES + request.key.length + request.value.length;
}

/** The more expensive branch; like etcd, without the puts of nested transactions. */
function costOfTxn(request: TxnRequest): number {
  return Math.max(costOfPuts(request.success), costOfPuts(request.failure));
}

function costOfPuts(operations: TxnRequest["success"]): number {
  let cost = 0;
  for (const { request } of operations) {
    if (request?.case === "requestPut") cost += costOfPut(request.value);
  }
  return cost;
}
