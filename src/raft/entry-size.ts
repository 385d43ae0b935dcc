/**
 * Sizes of entries, computed without encoding them. Two measures: the encoded size, which bounds
 * messages and what is being applied, and the payload size, which bounds what is uncommitted and in
 * flight. The payload of the entry a new leader writes, and of the one that leaves a joint configuration,
 * is zero, so no quota ever refuses these.
 *
 * Entry on the wire (type, term and index are always there):
 * `08 type | 10 term | 18 index | 22 length data`, all numbers as varints.
 */
import { varintBytes } from "../stdx/varint.ts";
import type { Entry } from "../wire/gen/raft.ts";

/** One tag byte for each of type, term and index. */
const TAG_BYTES = 3;

/** Bytes of the encoded entry. */
export function entryBytes(entry: Entry): number {
  const head =
    TAG_BYTES + varintBytes(entry.type) + varintBytes(entry.term) + varintBytes(entry.index);
  if (entry.data === undefined) return head;
  return head + 1 + varintBytes(entry.data.length) + entry.data.length;
}

/** Bytes of all encoded entries together, without framing. */
export function entriesBytes(entries: readonly Entry[]): number {
  let total = 0;
  for (let i = 0; i < entries.length; i++) total += entryBytes(entries[i]);
  return total;
}

/** Bytes of the data of all entries together. */
export function payloadBytes(entries: readonly Entry[]): number {
  let total = 0;
  for (let i = 0; i < entries.length; i++) {
    const data = entries[i].data;
    if (data !== undefined) total += data.length;
  }
  return total;
}

/**
 * How many of `entries`, from the first, fit into `bytesMax` bytes; at least one if there is any, so
 * that an entry over the limit still gets through.
 */
export function countWithin(entries: readonly Entry[], bytesMax: number): number {
  if (bytesMax === Number.POSITIVE_INFINITY) return entries.length;
  let total = 0;
  for (let i = 0; i < entries.length; i++) {
    total += entryBytes(entries[i]);
    if (total > bytesMax && i > 0) return i;
  }
  return entries.length;
}
