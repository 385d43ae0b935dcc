/**
 * The rule that a transaction may not touch a key twice: among the operations that can run together,
 * nested ones included, no key is put twice, and no key is put and deleted. The two lists of one nested
 * transaction exclude each other, so both may put the same key.
 *
 * The rule has the holes that etcd's has, because clients may live in them: a deletion with range_end
 * "\0" (all keys from one on) overlaps with nothing, and a deletion in a nested transaction is not held
 * against the puts of nested transactions before it.
 *
 * Source: etcd server/etcdserver/api/v3rpc/key.go (checkIntervals), pkg/adt/interval_tree.go.
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import { IntervalSet } from "../stdx/interval-set.ts";
import type { DeleteRangeRequest, RequestOp, TxnRequest } from "../wire/gen/rpc.ts";
import { isSingleKey } from "./key-range.ts";

/** What a list of operations touches. */
interface Touched {
  readonly puts: Set<string>;
  readonly deletes: IntervalSet;
}

/** Errors: DuplicateKey. O(n log n) for each level of nesting. */
export function findDuplicateKey(operations: readonly RequestOp[]): EtcdError | undefined {
  const touched = touchedBy(operations);
  return touched instanceof EtcdError ? touched : undefined;
}

function touchedBy(operations: readonly RequestOp[]): Touched | EtcdError {
  const touched: Touched = { puts: new Set(), deletes: new IntervalSet() };
  // All deletions of this list count against all of its puts, so they come first; nested transactions
  // are then held against what was collected before them.
  for (const { request } of operations) {
    if (request?.case === "requestDeleteRange") addDelete(touched.deletes, request.value);
  }
  for (const { request } of operations) {
    if (request?.case !== "requestTxn") continue;
    const error = addNested(touched, request.value);
    if (error !== undefined) return error;
  }
  for (const { request } of operations) {
    if (request?.case !== "requestPut") continue;
    const error = addPut(touched, latin1FromBytes(request.value.key));
    if (error !== undefined) return error;
  }
  return touched;
}

function addDelete(deletes: IntervalSet, { key, rangeEnd }: DeleteRangeRequest): void {
  const from = latin1FromBytes(key);
  deletes.add(from, isSingleKey(rangeEnd) ? `${from}\0` : latin1FromBytes(rangeEnd));
}

function addPut({ puts, deletes }: Touched, key: string): EtcdError | undefined {
  if (puts.has(key) || deletes.has(key)) return Errors.DuplicateKey;
  puts.add(key);
  return undefined;
}

function addNested(touched: Touched, request: TxnRequest): EtcdError | undefined {
  const success = touchedBy(request.success);
  if (success instanceof EtcdError) return success;
  const failure = touchedBy(request.failure);
  if (failure instanceof EtcdError) return failure;
  for (const key of success.puts) {
    const error = addPut(touched, key);
    if (error !== undefined) return error;
  }
  for (const key of failure.puts) {
    // Put by the other list too: only one of them runs.
    if (success.puts.has(key)) continue;
    const error = addPut(touched, key);
    if (error !== undefined) return error;
  }
  touched.deletes.addAll(success.deletes);
  touched.deletes.addAll(failure.deletes);
  return undefined;
}
