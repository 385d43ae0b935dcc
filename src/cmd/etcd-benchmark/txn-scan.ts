/**
 * What a transaction in memory needs of an encoded TxnResponse, without decoding the rest of it: whether it succeeded,
 * and which revisions its reads have seen.
 *
 * Source: etcd api/etcdserverpb/rpc.proto (TxnResponse, ResponseOp, RangeResponse), mvccpb/kv.proto (KeyValue).
 */
import { Reader } from "../../wire/reader.ts";

/** Field numbers and wire types, as they are in front of a field. */
const Tag = {
  HEADER: 0x0a,
  SUCCEEDED: 0x10,
  RESPONSE: 0x1a,
  HEADER_REVISION: 0x18,
  RESPONSE_RANGE: 0x0a,
  RANGE_KV: 0x12,
  KV_MOD_REVISION: 0x18,
} as const;

export interface TxnScan {
  readonly succeeded: boolean;
  /** Of the keyspace. */
  readonly revision: number;
  /** Of the last change of the first key of each answer; 0 where there is none, or it was no read. */
  readonly modRevisions: readonly number[];
}

/** Throws what the decoder throws on bytes that are no message. */
export function scanTxnResponse(bytes: Uint8Array): TxnScan {
  const reader = new Reader(bytes);
  const modRevisions: number[] = [];
  let succeeded = false;
  let revision = 0;
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === Tag.HEADER) revision = within(reader, Tag.HEADER_REVISION);
    else if (tag === Tag.SUCCEEDED) succeeded = reader.bool();
    else if (tag === Tag.RESPONSE) modRevisions.push(modRevisionIn(reader));
    else skip(reader, tag);
  }
  return { succeeded, revision, modRevisions };
}

function skip(reader: Reader, tag: number): void {
  reader.skip(tag, "TxnResponse", {});
}

/** The number of the field `wanted` of an embedded message; 0 where it has none. */
function within(reader: Reader, wanted: number): number {
  const outer = reader.enter();
  let value = 0;
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === wanted) value = reader.int64();
    else skip(reader, tag);
  }
  reader.leave(outer);
  return value;
}

/** Of an embedded ResponseOp. */
function modRevisionIn(reader: Reader): number {
  const operation = reader.enter();
  let found = 0;
  while (reader.more()) {
    const tag = reader.tag();
    if (tag !== Tag.RESPONSE_RANGE) {
      skip(reader, tag);
      continue;
    }
    const range = reader.enter();
    while (reader.more()) {
      const field = reader.tag();
      if (field === Tag.RANGE_KV && found === 0) found = within(reader, Tag.KV_MOD_REVISION);
      else skip(reader, field);
    }
    reader.leave(range);
  }
  reader.leave(operation);
  return found;
}
