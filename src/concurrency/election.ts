/**
 * Elections by name. The leader has the oldest key of the queue, whose value is what it proclaims; it leads as
 * long as the key exists, which is bound to its lease.
 *
 * Source: etcd client/v3/concurrency/election.go.
 */
import { Errors } from "../errors/table.ts";
import { equalBytes } from "../stdx/bytes.ts";
import { createLeaderKey, type LeaderKey } from "../wire/gen/election.ts";
import { EventType, type KeyValue } from "../wire/gen/kv.ts";
import {
  createDeleteRangeRequest,
  createRequestOp,
  type RequestOp,
  type ResponseHeader,
} from "../wire/gen/rpc.ts";
import {
  createdAt,
  foundKey,
  ownerRange,
  putOperation,
  queueKey,
  queueRange,
  rangeOperation,
  waitForTurn,
} from "./queue.ts";
import type { ConcurrencyStore } from "./store.ts";

/** Proof of leadership, with the header of the answer that made it. */
export interface Leadership {
  readonly leader: LeaderKey;
  readonly header: ResponseHeader | undefined;
}

/** Who leads, and what it proclaims. */
export interface LeaderValue {
  /** The leader's key, and as its value, what it proclaims. */
  readonly kv: KeyValue;
  /** Of the answer: cluster, member, revision. */
  readonly header: ResponseHeader | undefined;
}

/**
 * Stands for election with a lease, and waits until it leads. A lease that stands already changes its value.
 * Errors: those of `store`, `ElectionNotLeader` when its key went away between two steps.
 * Differs from etcd: a candidate withdraws on whatever ends its wait, and not only when it goes away. Otherwise
 * it would lead later without knowing it.
 */
export async function campaign(
  store: ConcurrencyStore,
  name: Uint8Array,
  lease: bigint,
  value: Uint8Array,
): Promise<Leadership> {
  const key = queueKey(name, lease);
  const answer = await store.txn({
    compare: [createdAt(key, 0)],
    success: [putOperation(key, value, lease)],
    failure: [rangeOperation({ key })],
  });
  const { header } = answer;
  const earlier = answer.succeeded ? undefined : foundKey(answer, 0);
  const rev = earlier?.createRevision ?? header?.revision ?? 0;
  const leader = createLeaderKey({ name, key, rev, lease });
  try {
    if (earlier !== undefined && !equalBytes(earlier.value, value)) {
      await proclaim(store, leader, value);
    }
    await waitForTurn(store, name, rev - 1);
  } catch (error) {
    // What went wrong is told already; the end of the lease takes the key anyway.
    await resign(store.cleanup, leader).catch(() => undefined);
    throw error;
  }
  return { leader, header };
}

/** Changes the value of a leader. Errors: those of `store`, `ElectionNotLeader`. */
export async function proclaim(
  store: Pick<ConcurrencyStore, "txn">,
  { key, rev, lease }: LeaderKey,
  value: Uint8Array,
): Promise<ResponseHeader | undefined> {
  const { succeeded, header } = await store.txn({
    compare: [createdAt(key, rev)],
    success: [putOperation(key, value, lease)],
  });
  if (!succeeded) throw Errors.ElectionNotLeader;
  return header;
}

/** Gives up leadership, or the candidacy; does nothing when it is lost already. */
export async function resign(
  store: Pick<ConcurrencyStore, "txn">,
  { key, rev }: LeaderKey,
): Promise<ResponseHeader | undefined> {
  const { header } = await store.txn({
    compare: [createdAt(key, rev)],
    success: [deleteOperation(key)],
  });
  return header;
}

/** Who leads now. Errors: those of `store`, `ElectionNoLeader`. */
export async function leaderOf(store: ConcurrencyStore, name: Uint8Array): Promise<LeaderValue> {
  const { header, kvs } = await store.range(ownerRange(name));
  if (kvs.length === 0) throw Errors.ElectionNoLeader;
  return { header, kv: kvs[0] };
}

/** Every leader and every value from now on, the present ones first; leaders of a moment may be left out. */
export async function* observe(
  store: ConcurrencyStore,
  name: Uint8Array,
): AsyncGenerator<LeaderValue, void, undefined> {
  for (;;) {
    const { header, kvs } = await store.range(ownerRange(name));
    const revision = header?.revision ?? 0;
    const first = kvs.length > 0 ? { header, kv: kvs[0] } : await firstPut(store, name, revision);
    if (first === undefined) return;
    yield first;
    // Only what comes behind the state that was told is new.
    const startRevision = (first.header?.revision ?? 0) + 1;
    yield* valuesOf(store, first.kv.key, startRevision);
  }
}

/** The next key that stands for election; `undefined` when the watch ended without one. */
async function firstPut(
  store: ConcurrencyStore,
  name: Uint8Array,
  startRevision: number,
): Promise<LeaderValue | undefined> {
  for await (const { header, events } of store.watch({ ...queueRange(name), startRevision })) {
    const put = events.find(({ type }) => type === EventType.PUT)?.kv;
    if (put === undefined) continue;
    // Events of several revisions may have come together.
    if (header !== undefined) header.revision = put.modRevision;
    return { header, kv: put };
  }
  return undefined;
}

/** The values of one leader until its end. */
async function* valuesOf(
  store: ConcurrencyStore,
  key: Uint8Array,
  startRevision: number,
): AsyncGenerator<LeaderValue, void, undefined> {
  for await (const { header, events } of store.watch({ key, startRevision })) {
    for (const { type, kv } of events) {
      if (type === EventType.DELETE) return;
      if (kv !== undefined) yield { header, kv };
    }
  }
}

function deleteOperation(key: Uint8Array): RequestOp {
  const value = createDeleteRangeRequest({ key });
  return createRequestOp({ request: { case: "requestDeleteRange", value } });
}
