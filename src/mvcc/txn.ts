/**
 * Txn requests: conditions, then one of two lists of operations, some of which may be transactions again.
 *
 * In this order:
 *
 * 1. Resolve: all conditions, those of nested transactions too, are judged on the state before any change;
 *    this fixes which operations will run.
 * 2. Check those operations up front, so that executing them cannot fail half way: all puts first (key and
 *    lease exist), then all ranges (revision not compacted, not in the future).
 * 3. Execute them in order. All changes share one main revision, later operations see earlier ones.
 *
 * Source: etcd server/etcdserver/apply.go (Txn, compareToPath, checkRequests, applyTxn; 3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert, unreachable } from "../stdx/assert.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RawResponseOp,
  RawTxnResponse,
  RequestOp,
  TxnRequest,
} from "../wire/gen/rpc.ts";
import { comparesHolding } from "./compare.ts";
import { keyRangeFrom } from "./key-range.ts";
import { deleteInto, putInto } from "./kv-requests.ts";
import { executeRange, headerAt } from "./range.ts";
import type { ReadView } from "./read-view.ts";
import type { Store } from "./store.ts";
import type { WriteTransaction } from "./write-transaction.ts";

/** The branch of a transaction that will run. */
interface Branch {
  readonly succeeded: boolean;
  readonly operations: readonly RequestOp[];
  /** One for each nested transaction among the operations, in order. */
  readonly nested: readonly Branch[];
}

/** Whether a transaction cannot write: neither list has anything but ranges. */
export function isReadOnlyTxn(request: TxnRequest): boolean {
  return request.success.every(isRange) && request.failure.every(isRange);
}

/** Whether a read-only transaction may be answered without consensus: all its ranges allow it. */
export function isSerializableTxn(request: TxnRequest): boolean {
  return request.success.every(isSerializableRange) && request.failure.every(isSerializableRange);
}

const isRange = (operation: RequestOp): boolean => operation.request?.case === "requestRange";

const isSerializableRange = ({ request }: RequestOp): boolean =>
  request?.case === "requestRange" && request.value.serializable;

/**
 * Executes a transaction. With `answered` false nobody reads the answer, and ranges are left out of it.
 * Errors, with nothing changed: KeyNotFound, LeaseNotFound, FutureRevision, Compacted.
 */
export function executeTxn(
  store: Store,
  request: TxnRequest,
  answered = true,
): RawTxnResponse | EtcdError {
  const reads = new ReadTally();
  const branch = resolve(store, request, reads);
  if (isReadOnlyTxn(request)) {
    const error = checkRanges(store, branch);
    if (error === undefined) reads.ranges += branch.operations.length;
    store.metrics.ended(reads.ranges, 0, 0);
    return error ?? runReadOnly(store, branch, answered);
  }
  const refused = checkPuts(store, branch, reads);
  store.metrics.ended(reads.ranges, 0, 0);
  const error = refused ?? checkRanges(store, branch) ?? new LostKeyCheck().check(branch);
  if (error !== undefined) return error;
  const transaction = store.beginWrite();
  const response = run(transaction, branch, answered);
  return { ...response, header: headerAt(transaction.end()) };
}

/** Reads of a transaction before it writes, which etcd counts as one of their own. */
class ReadTally {
  ranges = 0;
}

function resolve(view: ReadView, request: TxnRequest, reads: ReadTally): Branch {
  const { compare } = request;
  const holding = comparesHolding(view, compare);
  const succeeded = holding === compare.length;
  reads.ranges += succeeded ? holding : holding + 1;
  const operations = succeeded ? request.success : request.failure;
  const nested: Branch[] = [];
  for (const { request: operation } of operations) {
    if (operation?.case === "requestTxn") nested.push(resolve(view, operation.value, reads));
  }
  return { succeeded, operations, nested };
}

/** Checks the puts of a branch, in order, against the state before the transaction. */
function checkPuts(store: Store, branch: Branch, reads: ReadTally): EtcdError | undefined {
  let nested = 0;
  for (const { request } of branch.operations) {
    let error: EtcdError | undefined;
    if (request?.case === "requestTxn") {
      error = checkPuts(store, branch.nested[nested++], reads);
    } else if (request?.case === "requestPut") error = checkPut(store, request.value, reads);
    if (error !== undefined) return error;
  }
  return undefined;
}

function checkPut(store: Store, request: PutRequest, reads: ReadTally): EtcdError | undefined {
  if (request.ignoreValue || request.ignoreLease) {
    reads.ranges++;
    if (store.index.get(latin1FromBytes(request.key))?.live !== true) return Errors.KeyNotFound;
  }
  const leaseKnown = request.lease === 0n || store.leases.exists(request.lease);
  return leaseKnown ? undefined : Errors.LeaseNotFound;
}

/**
 * Finds a put that needs the existing key after a deletion of that key in the same transaction.
 *
 * Differs from etcd: such a transaction is refused. The duplicate check of requests misses deletions with
 * range_end "\0"; etcd executes it, fails half way and takes the member down.
 */
class LostKeyCheck {
  /** Keys from here on are deleted when the operation at hand is executed. */
  #deletedFrom: string | undefined;

  check(branch: Branch): EtcdError | undefined {
    let nested = 0;
    for (const { request } of branch.operations) {
      let error: EtcdError | undefined;
      if (request?.case === "requestTxn") error = this.check(branch.nested[nested++]);
      else if (request?.case === "requestPut") error = this.#checkPut(request.value);
      else if (request?.case === "requestDeleteRange") this.#note(request.value);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  #checkPut({ key, ignoreValue, ignoreLease }: PutRequest): EtcdError | undefined {
    if (this.#deletedFrom === undefined || !(ignoreValue || ignoreLease)) return undefined;
    return latin1FromBytes(key) >= this.#deletedFrom ? Errors.KeyNotFound : undefined;
  }

  #note(request: DeleteRangeRequest): void {
    const { from, end } = keyRangeFrom(request.key, request.rangeEnd);
    if (end !== undefined) return;
    if (this.#deletedFrom === undefined || from < this.#deletedFrom) this.#deletedFrom = from;
  }
}

/** Other than in a Range of its own, a negative revision here is compared with the compact revision. */
function checkRanges(store: Store, branch: Branch): EtcdError | undefined {
  let nested = 0;
  for (const { request } of branch.operations) {
    if (request?.case === "requestTxn") {
      const error = checkRanges(store, branch.nested[nested++]);
      if (error !== undefined) return error;
    } else if (request?.case === "requestRange" && request.value.revision !== 0) {
      if (request.value.revision > store.revision) return Errors.FutureRevision;
      if (request.value.revision < store.compactRevision) return Errors.Compacted;
    }
  }
  return undefined;
}

function runReadOnly(store: Store, branch: Branch, answered: boolean): RawTxnResponse {
  const responses: RawResponseOp[] = [];
  for (const { request } of answered ? branch.operations : []) {
    if (request?.case === "requestRange") responses.push(runRange(store, request.value));
  }
  return { header: headerAt(store.revision), succeeded: branch.succeeded, responses };
}

/** Nested answers have an empty header, as etcd sends them. */
function run(transaction: WriteTransaction, branch: Branch, answered: boolean): RawTxnResponse {
  const responses: RawResponseOp[] = [];
  let nested = 0;
  for (const { request } of branch.operations) {
    switch (request?.case) {
      case "requestRange":
        transaction.ranges++;
        if (answered) responses.push(runRange(transaction, request.value));
        break;
      case "requestPut":
        responses.push(runPut(transaction, request.value));
        break;
      case "requestDeleteRange":
        responses.push(runDelete(transaction, request.value));
        break;
      case "requestTxn": {
        const value = run(transaction, branch.nested[nested++], answered);
        responses.push({ response: { case: "responseTxn", value } });
        break;
      }
      case undefined:
        responses.push({ response: undefined });
        break;
      default:
        unreachable(request);
    }
  }
  return { header: headerAt(0), succeeded: branch.succeeded, responses };
}

function runRange(view: ReadView, request: RangeRequest): RawResponseOp {
  const value = executeRange(view, request);
  assert(!(value instanceof EtcdError), "A range that was checked failed");
  return { response: { case: "responseRange", value } };
}

function runPut(transaction: WriteTransaction, request: PutRequest): RawResponseOp {
  const value = putInto(transaction, request);
  assert(!(value instanceof EtcdError), "A put that was checked failed");
  return { response: { case: "responsePut", value } };
}

function runDelete(transaction: WriteTransaction, request: DeleteRangeRequest): RawResponseOp {
  return {
    response: { case: "responseDeleteRange", value: deleteInto(transaction, request) },
  };
}
