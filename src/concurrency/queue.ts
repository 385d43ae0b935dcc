/**
 * The queue that locks and elections stand in: keys with one prefix, one for each lease, in the order of
 * their create revisions. Whoever has the oldest key has the turn, and waits no more.
 *
 * ```
 *   name/694d8f…1   created at 7    has the turn
 *   name/694d8f…2   created at 9    watches …1
 *   name/694d8f…3   created at 12   watches …2
 * ```
 *
 * Each waits for the one before it alone, so that the end of one wakes one.
 *
 * Source: etcd client/v3/concurrency/key.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromUtf8, concatBytes } from "../stdx/bytes.ts";
import { EventType, type KeyValue } from "../wire/gen/kv.ts";
import {
  CompareResult,
  CompareTarget,
  createCompare,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  type RangeRequest,
  type RequestOp,
  SortOrder,
  SortTarget,
  type Compare,
  type TxnResponse,
} from "../wire/gen/rpc.ts";
import type { ConcurrencyStore } from "./store.ts";

const SLASH = bytesFromUtf8("/");

/** The end of a range of keys that begin with something and a slash: the byte behind the slash. */
const BEHIND_SLASH = bytesFromUtf8("0");

/** A watch ended, and nothing said why. */
const LOST_WATCHER = new EtcdError(GrpcCode.Unknown, "lost watcher waiting for delete");

/** All keys of the queue `name`. */
export function queueRange(name: Uint8Array): Pick<RangeRequest, "key" | "rangeEnd"> {
  return { key: concatBytes([name, SLASH]), rangeEnd: concatBytes([name, BEHIND_SLASH]) };
}

/** The key of a lease in the queue `name`. */
export function queueKey(name: Uint8Array, lease: bigint): Uint8Array {
  return concatBytes([name, SLASH, bytesFromUtf8(lease.toString(16))]);
}

/** Asks for the key whose turn it is. */
export function ownerRange(name: Uint8Array): RangeRequest {
  return createRangeRequest({
    ...queueRange(name),
    limit: 1,
    sortOrder: SortOrder.ASCEND,
    sortTarget: SortTarget.CREATE,
  });
}

/** Holds when `key` was created at `createRevision`; 0 when there is no such key. */
export function createdAt(key: Uint8Array, createRevision: number): Compare {
  return createCompare({
    key,
    result: CompareResult.EQUAL,
    target: CompareTarget.CREATE,
    targetUnion: { case: "createRevision", value: createRevision },
  });
}

export function putOperation(key: Uint8Array, value: Uint8Array, lease: bigint): RequestOp {
  const put = createPutRequest({ key, value, lease });
  return createRequestOp({ request: { case: "requestPut", value: put } });
}

export function rangeOperation(request: Partial<RangeRequest>): RequestOp {
  const value = createRangeRequest(request);
  return createRequestOp({ request: { case: "requestRange", value } });
}

/** The first key that operation number `at` of a transaction, a range, has found. */
export function foundKey({ responses }: TxnResponse, at: number): KeyValue | undefined {
  const response = responses.at(at)?.response;
  return response?.case === "responseRange" ? response.value.kvs.at(0) : undefined;
}

/** Waits until no key of the queue `name` is left that was created at or before `createRevision`. */
export async function waitForTurn(
  store: ConcurrencyStore,
  name: Uint8Array,
  createRevision: number,
): Promise<void> {
  for (;;) {
    const { header, kvs } = await store.range({
      ...queueRange(name),
      limit: 1,
      sortOrder: SortOrder.DESCEND,
      sortTarget: SortTarget.CREATE,
      maxCreateRevision: createRevision,
    });
    if (kvs.length === 0) return;
    await waitForDelete(store, kvs[0].key, header?.revision ?? 0);
  }
}

/**
 * Waits until `key` was deleted after `revision`, or may have been.
 * Differs from etcd: whoever waits looks again when the history it asks for was compacted, instead of failing.
 */
async function waitForDelete(
  store: ConcurrencyStore,
  key: Uint8Array,
  startRevision: number,
): Promise<void> {
  try {
    for await (const { events } of store.watch({ key, startRevision })) {
      if (events.some(({ type }) => type === EventType.DELETE)) return;
    }
  } catch (error) {
    if (!(error instanceof EtcdError) || error.message !== Errors.Compacted.message) throw error;
    return;
  }
  throw LOST_WATCHER;
}
