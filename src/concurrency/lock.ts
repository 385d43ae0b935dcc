/**
 * Locks by name. Who holds one has the oldest key of its queue, bound to a lease: when the lease ends, so does
 * the hold. The create revision of that key grows from holder to holder and can fence off late writes of an
 * earlier one.
 *
 * Source: etcd client/v3/concurrency/mutex.go.
 */
import { Errors } from "../errors/table.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import type { RangeResponse, ResponseHeader } from "../wire/gen/rpc.ts";
import {
  createdAt,
  foundKey,
  ownerRange,
  putOperation,
  queueKey,
  rangeOperation,
  waitForTurn,
} from "./queue.ts";
import type { ConcurrencyStore } from "./store.ts";

/** A lock that is held. */
export interface HeldLock {
  /** Exists exactly as long as the lock is held. */
  readonly key: Uint8Array;
  /** Create revision of the key: larger than that of every earlier holder. */
  readonly revision: number;
  /** Of the last answer: cluster, member, revision. */
  readonly header: ResponseHeader | undefined;
}

/** A place in the queue of a lock. */
interface Place extends HeldLock {
  /** Whether it is the first one. */
  readonly isOwner: boolean;
}

/**
 * Takes the lock `name` for a lease, and waits as long as others hold it. A lease that holds it already gets
 * it again. Errors: those of `store`, `LockSessionExpired` when the lease ended in the meantime. A wait that
 * fails leaves the queue.
 */
export async function acquireLock(
  store: ConcurrencyStore,
  name: Uint8Array,
  lease: bigint,
): Promise<HeldLock> {
  const { isOwner, ...place } = await enqueue(store, name, lease);
  if (isOwner) return place;
  const { key, revision } = place;
  const found = await ownKey(store, name, key, revision);
  if (found.kvs.length === 0) throw Errors.LockSessionExpired;
  return { key, revision, header: found.header };
}

/** Takes the lock `name` if nobody holds it. Errors: those of `store`, `Locked`. */
export async function tryAcquireLock(
  store: ConcurrencyStore,
  name: Uint8Array,
  lease: bigint,
): Promise<HeldLock> {
  const { isOwner, ...place } = await enqueue(store, name, lease);
  if (isOwner) return place;
  await store.deleteRange({ key: place.key });
  throw Errors.Locked;
}

/** Gives up the place in the queue, or the lock. */
export async function releaseLock(
  store: Pick<ConcurrencyStore, "deleteRange">,
  key: Uint8Array,
): Promise<ResponseHeader | undefined> {
  const { header } = await store.deleteRange({ key });
  return header;
}

/** Puts the lease's key into the queue, if it is not there yet, and sees who is first. */
async function enqueue(store: ConcurrencyStore, name: Uint8Array, lease: bigint): Promise<Place> {
  const key = queueKey(name, lease);
  const owner = rangeOperation(ownerRange(name));
  const answer = await store.txn({
    compare: [createdAt(key, 0)],
    success: [putOperation(key, EMPTY_BYTES, lease), owner],
    failure: [rangeOperation({ key }), owner],
  });
  const { header } = answer;
  const revision = (answer.succeeded ? undefined : foundKey(answer, 0))?.createRevision;
  const ownRevision = revision ?? header?.revision ?? 0;
  const first = foundKey(answer, 1);
  const isOwner = first === undefined || first.createRevision === ownRevision;
  return { key, revision: ownRevision, header, isOwner };
}

/** Waits for the turn of `key` and looks whether it is still there. */
async function ownKey(
  store: ConcurrencyStore,
  name: Uint8Array,
  key: Uint8Array,
  revision: number,
): Promise<RangeResponse> {
  try {
    await waitForTurn(store, name, revision - 1);
    return await store.range({ key });
  } catch (error) {
    // What went wrong is told already; the end of the lease takes the key anyway.
    await releaseLock(store.cleanup, key).catch(() => undefined);
    throw error;
  }
}
