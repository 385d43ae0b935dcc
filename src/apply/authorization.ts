/**
 * Whether a caller may make a request: what the request touches, asked of the auth store. The same where an
 * entry is applied and where a read is answered.
 *
 * Transactions are checked as a whole: comparisons, both branches, and what is nested in them at every depth,
 * with everything that a request of its own would be checked for. Whatever branch runs, nothing is read or
 * written, and nobody learns anything, that was not asked for.
 *
 * Source: etcd server/etcdserver/apply_auth.go, v3_server.go (checkLeaseTimeToLive, checkLeaseLeases; 3.5).
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import type { AuthStore } from "../auth/auth-store.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import type { Lease } from "../lease/lease.ts";
import { LeaseRights } from "../lease/lease-rights.ts";
import type { Lessor } from "../lease/lessor.ts";
import { NO_LEASE } from "../lease/lessor.ts";
import { bytesFromLatin1, EMPTY_BYTES } from "../stdx/bytes.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import type { DeleteRangeRequest, PutRequest, RequestOp, TxnRequest } from "../wire/gen/rpc.ts";

/** What is asked: the applied state. */
export interface AuthorizedState {
  readonly auth: AuthStore;
  readonly lessor: Pick<Lessor, "lease">;
}

/**
 * What an operation on keys or leases is refused with where it is applied. Errors: UserEmpty, AuthOldRevision,
 * PermissionDenied. Everything else is for whoever proposes it to check, or checked by `applyAuthOperation`.
 */
export function checkOperation(
  state: AuthorizedState,
  caller: AuthInfo,
  operation: InternalRaftRequestOperation,
): EtcdError | undefined {
  if (!state.auth.enabled) return undefined;
  switch (operation.case) {
    case "put":
      return checkPut(state, caller, operation.value);
    case "deleteRange":
      return checkDeleteRange(state, caller, operation.value);
    case "txn":
      return checkTxn(state, caller, operation.value);
    case "range":
      return state.auth.checkRange(caller, operation.value.key, operation.value.rangeEnd);
    case "leaseRevoke":
      return checkLeaseChange(state, caller, operation.value.id);
    default:
      return undefined;
  }
}

/** A lease may only be attached by who may write all keys that go with it. */
function checkPut(
  state: AuthorizedState,
  caller: AuthInfo | undefined,
  { key, lease, prevKv }: PutRequest,
): EtcdError | undefined {
  const { auth } = state;
  let refused = auth.checkPut(caller, key);
  if (refused === undefined && lease !== NO_LEASE) refused = checkLeaseChange(state, caller, lease);
  if (refused === undefined && prevKv) refused = auth.checkRange(caller, key, EMPTY_BYTES);
  return refused;
}

function checkDeleteRange(
  { auth }: AuthorizedState,
  caller: AuthInfo | undefined,
  { key, rangeEnd, prevKv }: DeleteRangeRequest,
): EtcdError | undefined {
  const refused = auth.checkDeleteRange(caller, key, rangeEnd);
  if (refused !== undefined || !prevKv) return refused;
  return auth.checkRange(caller, key, rangeEnd);
}

/** Errors: UserEmpty, AuthOldRevision, PermissionDenied. */
export function checkTxn(
  state: AuthorizedState,
  caller: AuthInfo | undefined,
  { compare, success, failure }: TxnRequest,
): EtcdError | undefined {
  if (!state.auth.enabled) return undefined;
  for (const { key, rangeEnd } of compare) {
    const refused = state.auth.checkRange(caller, key, rangeEnd);
    if (refused !== undefined) return refused;
  }
  return checkBranch(state, caller, success) ?? checkBranch(state, caller, failure);
}

function checkBranch(
  state: AuthorizedState,
  caller: AuthInfo | undefined,
  operations: readonly RequestOp[],
): EtcdError | undefined {
  for (const operation of operations) {
    const refused = checkNested(state, caller, operation);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function checkNested(
  state: AuthorizedState,
  caller: AuthInfo | undefined,
  { request }: RequestOp,
): EtcdError | undefined {
  switch (request?.case) {
    case "requestRange":
      return state.auth.checkRange(caller, request.value.key, request.value.rangeEnd);
    case "requestPut":
      return checkPut(state, caller, request.value);
    case "requestDeleteRange":
      return checkDeleteRange(state, caller, request.value);
    case "requestTxn":
      return checkTxn(state, caller, request.value);
    default:
      return undefined;
  }
}

/**
 * Whether a lease may be revoked or renewed, or a key attached to it: who may, may write every attached key.
 * Nobody needs a right to a lease without keys, nor to one that is not there. Errors: UserEmpty,
 * AuthOldRevision, PermissionDenied.
 */
export function checkLeaseChange(
  state: AuthorizedState,
  caller: AuthInfo | undefined,
  id: bigint,
): EtcdError | undefined {
  const { auth, lessor } = state;
  if (!auth.enabled) return undefined;
  const lease = lessor.lease(id);
  if (lease === undefined || auth.checkAdmin(caller) === undefined) return undefined;
  const { keys } = lease;
  lease.rights ??= new LeaseRights();
  const { rights } = lease;
  if (rights.refusedKey !== undefined && keys.has(rights.refusedKey)) {
    const refused = auth.checkPut(caller, bytesFromLatin1(rights.refusedKey));
    if (refused !== undefined) return refused;
  }
  const { username, revision } = caller ?? NOBODY;
  const isCurrent = revision >= auth.revision;
  for (const key of isCurrent ? rights.toCheck(username, auth.revision, keys) : keys) {
    const refused = keys.has(key) ? auth.checkPut(caller, bytesFromLatin1(key)) : undefined;
    if (refused === undefined) continue;
    rights.refusedKey = key;
    return refused;
  }
  if (isCurrent) rights.allChecked(username, auth.revision);
  return undefined;
}

const NOBODY: AuthInfo = { username: "", revision: 0 };

/** Whether the keys of leases may be read. Errors: UserEmpty, AuthOldRevision, PermissionDenied. */
export function checkLeaseKeys(
  { auth }: Pick<AuthorizedState, "auth">,
  caller: AuthInfo | undefined,
  leases: Iterable<Lease>,
): EtcdError | undefined {
  if (!auth.enabled || auth.checkAdmin(caller) === undefined) return undefined;
  for (const { keys } of leases) {
    for (const key of keys) {
      const refused = auth.checkRange(caller, bytesFromLatin1(key), EMPTY_BYTES);
      if (refused !== undefined) return refused;
    }
  }
  return undefined;
}
