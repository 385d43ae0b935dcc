/**
 * The checks of KV requests that need no state: what the gRPC layer refuses before a request goes anywhere.
 * Each returns the first error in etcd's order of checks, or `undefined`.
 *
 * Source: etcd server/etcdserver/api/v3rpc/key.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../wire/gen/rpc.ts";
import { findDuplicateKey } from "./duplicate-keys.ts";
import { TXN_NESTING_MAX } from "./limits.ts";

/** Errors: EmptyKey. */
export function checkRangeRequest(request: RangeRequest): EtcdError | undefined {
  return request.key.length === 0 ? Errors.EmptyKey : undefined;
}

/** Errors: EmptyKey; ValueProvided, LeaseProvided where they are to be ignored. */
export function checkPutRequest(request: PutRequest): EtcdError | undefined {
  if (request.key.length === 0) return Errors.EmptyKey;
  if (request.ignoreValue && request.value.length !== 0) return Errors.ValueProvided;
  if (request.ignoreLease && request.lease !== 0n) return Errors.LeaseProvided;
  return undefined;
}

/** Errors: EmptyKey. */
export function checkDeleteRangeRequest(request: DeleteRangeRequest): EtcdError | undefined {
  return request.key.length === 0 ? Errors.EmptyKey : undefined;
}

/**
 * `operationsMax` is the server's max-txn-ops: it bounds the longest of a transaction's three lists, and
 * nested transactions get what that list leaves of it.
 *
 * Errors: TooManyOps, also for more than `TXN_NESTING_MAX` transactions in each other; those of the
 * operations, in order; KeyNotFound for an operation that is none of the four kinds; and when all that is
 * right, DuplicateKey for a key put twice, or put and deleted, by operations that can run together.
 */
export function checkTxnRequest(request: TxnRequest, operationsMax: number): EtcdError | undefined {
  return (
    checkTxn(request, operationsMax, 0) ??
    findDuplicateKey(request.success) ??
    findDuplicateKey(request.failure)
  );
}

function checkTxn(
  request: TxnRequest,
  operationsMax: number,
  depth: number,
): EtcdError | undefined {
  const { compare, success, failure } = request;
  const longest = Math.max(compare.length, success.length, failure.length);
  if (longest > operationsMax || depth > TXN_NESTING_MAX) return Errors.TooManyOps;
  if (compare.some(({ key }) => key.length === 0)) return Errors.EmptyKey;
  for (const operation of [...success, ...failure]) {
    const error = checkOperation(operation, operationsMax - longest, depth);
    if (error !== undefined) return error;
  }
  return undefined;
}

function checkOperation(
  { request }: RequestOp,
  operationsMax: number,
  depth: number,
): EtcdError | undefined {
  switch (request?.case) {
    case "requestRange":
      return checkRangeRequest(request.value);
    case "requestPut":
      return checkPutRequest(request.value);
    case "requestDeleteRange":
      return checkDeleteRangeRequest(request.value);
    case "requestTxn":
      return checkTxn(request.value, operationsMax, depth + 1);
    default:
      return Errors.KeyNotFound;
  }
}
