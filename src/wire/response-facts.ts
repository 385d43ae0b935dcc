/**
 * What the logs take from a response: a few numbers, found without decoding the rest.
 *
 * Source: etcd api/etcdserverpb/rpc.proto; every response has its header as field 1.
 */
import { decodeResponseHeader } from "./gen/rpc.ts";
import { Reader } from "./reader.ts";

/** Tag of a field: its number, and 2 for an embedded message or 0 for a number. */
const MESSAGE_1 = (1 << 3) | 2;
const VARINT_2 = 2 << 3;
const VARINT_3 = 3 << 3;
const VARINT_4 = 4 << 3;
const VARINT_5 = 5 << 3;
const BYTES_6 = (6 << 3) | 2;

/** Revision in the header of a response; 0 where there is none. */
export function revisionOf(response: Uint8Array): number {
  const reader = new Reader(response);
  if (!reader.more() || reader.tag() !== MESSAGE_1) return 0;
  return decodeResponseHeader(reader.bytes()).revision;
}

/** Which branch of a transaction was taken: field 2. */
export function succeededOf(response: Uint8Array): boolean {
  const reader = new Reader(response);
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === VARINT_2) return reader.bool();
    reader.skip(tag, "TxnResponse", {});
  }
  return false;
}

/** The lease that was granted: field 2. */
export function grantedLeaseOf(response: Uint8Array): bigint {
  const reader = new Reader(response);
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === VARINT_2) return reader.int64Bigint();
    reader.skip(tag, "LeaseGrantResponse", {});
  }
  return 0n;
}

/** How many keys a RangeResponse tells of: field 4. Its key-values, which may be all that there are, are passed over. */
export function countOf(response: Uint8Array): number {
  const reader = new Reader(response);
  let count = 0;
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === VARINT_4) count = reader.int64();
    else reader.skip(tag, "RangeResponse", {});
  }
  return count;
}

/** What a response of a watch stream says about the life of a watcher. */
export interface WatcherFact {
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly cancelReason: string;
}

/** Fields 2 to 6, which stand before the events; `undefined` when they tell of neither begin nor end. */
export function watcherFactOf(response: Uint8Array): WatcherFact | undefined {
  const reader = new Reader(response);
  const fact = {
    watchId: 0n,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: "",
  };
  while (reader.more()) {
    const tag = reader.tag();
    if (tag > BYTES_6) break;
    if (tag === VARINT_2) fact.watchId = reader.int64Bigint();
    else if (tag === VARINT_3) fact.created = reader.bool();
    else if (tag === VARINT_4) fact.canceled = reader.bool();
    else if (tag === VARINT_5) fact.compactRevision = reader.int64();
    else if (tag === BYTES_6) fact.cancelReason = reader.string();
    else reader.skip(tag, "WatchResponse", {});
  }
  return fact.created || fact.canceled ? fact : undefined;
}
