/**
 * Put, DeleteRange and Compaction requests, executed on a store; Range is in `range.ts`, Txn in `txn.ts`.
 * They are what `apply/` calls for a committed entry: deterministic, and complete or refused before
 * anything has changed. Requests have passed `request-checks.ts`.
 *
 * Answers hold storage's bytes (see `RevisionStorage.get`): encode them before the next commit. Their
 * headers carry the revision only.
 *
 * Source: etcd server/etcdserver/apply.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import {
  type CompactionRequest,
  type CompactionResponse,
  createRangeRequest,
  type DeleteRangeRequest,
  type PutRequest,
  type RawDeleteRangeResponse,
  type RawPutResponse,
} from "../wire/gen/rpc.ts";
import { leaseOf, valueOf } from "../wire/key-value.ts";
import { isSingleKey, keyRangeFrom } from "./key-range.ts";
import { executeRange, headerAt } from "./range.ts";
import { fetchAt, type ReadView } from "./read-view.ts";
import type { Store } from "./store.ts";
import type { WriteTransaction } from "./write-transaction.ts";

/**
 * Executes a Put in a transaction of its own.
 * Errors: LeaseNotFound; KeyNotFound when ignore_value or ignore_lease find no key.
 */
export function executePut(store: Store, request: PutRequest): RawPutResponse | EtcdError {
  if (request.lease !== 0n && !store.leases.exists(request.lease)) return Errors.LeaseNotFound;
  const transaction = store.beginWrite();
  const response = putInto(transaction, request);
  transaction.end();
  return response;
}

/**
 * Puts within a transaction. The lease of the request is known to exist. Errors: KeyNotFound, and then
 * nothing has changed.
 */
export function putInto(
  transaction: WriteTransaction,
  request: PutRequest,
): RawPutResponse | EtcdError {
  const { key, ignoreValue, ignoreLease, prevKv } = request;
  const needsPrevious = ignoreValue || ignoreLease || prevKv;
  if (needsPrevious) transaction.ranges++;
  const previous = needsPrevious ? newest(transaction, key) : undefined;
  let { value, lease } = request;
  if (ignoreValue || ignoreLease) {
    if (previous === undefined) return Errors.KeyNotFound;
    if (ignoreValue) value = valueOf(previous);
    if (ignoreLease) lease = leaseOf(previous);
  }
  transaction.put(key, value, lease);
  return { header: headerAt(transaction.revision), prevKv: prevKv ? previous : undefined };
}

/** Executes a DeleteRange in a transaction of its own. Deleting nothing leaves the revision alone. */
export function executeDeleteRange(
  store: Store,
  request: DeleteRangeRequest,
): RawDeleteRangeResponse {
  const transaction = store.beginWrite();
  const response = deleteInto(transaction, request);
  transaction.end();
  return response;
}

/** Deletes within a transaction. */
export function deleteInto(
  transaction: WriteTransaction,
  request: DeleteRangeRequest,
): RawDeleteRangeResponse {
  const { key, rangeEnd } = request;
  if (request.prevKv) transaction.ranges++;
  const prevKvs = request.prevKv ? allNewest(transaction, key, rangeEnd) : [];
  let deleted = 0;
  if (!isSingleKey(rangeEnd)) deleted = transaction.deleteRange(keyRangeFrom(key, rangeEnd));
  else if (transaction.deleteKey(latin1FromBytes(key))) deleted = 1;
  return { header: headerAt(transaction.revision), deleted, prevKvs };
}

/**
 * Executes a Compaction: it is in effect for readers, and removal goes on in `Store.compactStep`. A
 * `physical` request is answered when `compactionsCompleted` has reached today's `compactionsAccepted` and
 * the backend has committed that: the member's business.
 * Errors: Compacted, FutureRevision.
 */
export function executeCompaction(
  store: Store,
  request: CompactionRequest,
): CompactionResponse | EtcdError {
  const error = store.compact(request.revision);
  if (error !== undefined) return error;
  // etcd finds the revision of the answer by a range, and counts it.
  store.metrics.ranges.inc();
  return { header: headerAt(store.revision) };
}

function newest(view: ReadView, key: Uint8Array): Uint8Array | undefined {
  const history = view.index.get(latin1FromBytes(key));
  return history?.live === true ? fetchAt(view, history, history.newest) : undefined;
}

function allNewest(view: ReadView, key: Uint8Array, rangeEnd: Uint8Array): Uint8Array[] {
  const answer = executeRange(view, createRangeRequest({ key, rangeEnd }));
  return answer instanceof EtcdError ? [] : answer.kvs;
}
