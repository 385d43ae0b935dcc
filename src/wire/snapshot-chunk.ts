/**
 * A `SnapshotResponse` whose blob is put in place by whoever reads the database, so that a chunk is copied
 * once, from the file, and its memory can serve for the next one.
 *
 * ```
 *   | free | 10 remaining_bytes | 1a len | blob |
 *          ^ message                     ^ SNAPSHOT_CHUNK_HEAD_BYTES
 * ```
 * Source: etcd api/etcdserverpb/rpc.proto (SnapshotResponse).
 */
import { assert } from "../stdx/assert.ts";

/** Bytes in front of the blob: room for both fields' tags and varints. */
export const SNAPSHOT_CHUNK_HEAD_BYTES = 24;

const TAG_REMAINING_BYTES = 0x10;
const TAG_BLOB = 0x1a;

/**
 * Writes the head of the message in front of a blob of `blobBytes` that is in `memory` from
 * `SNAPSHOT_CHUNK_HEAD_BYTES`; returns the message, a view of `memory`.
 */
export function snapshotChunk(
  memory: Uint8Array,
  blobBytes: number,
  remainingBytes: number,
): Uint8Array {
  assert(blobBytes > 0, "A chunk of a snapshot must not be empty");
  const blobSize = varintSize(blobBytes);
  const remainingSize = remainingBytes === 0 ? 0 : 1 + varintSize(remainingBytes);
  const start = SNAPSHOT_CHUNK_HEAD_BYTES - 1 - blobSize - remainingSize;
  let at = start;
  if (remainingBytes > 0) {
    memory[at++] = TAG_REMAINING_BYTES;
    at = putVarint(memory, at, remainingBytes);
  }
  memory[at++] = TAG_BLOB;
  putVarint(memory, at, blobBytes);
  return memory.subarray(start, SNAPSHOT_CHUNK_HEAD_BYTES + blobBytes);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function putVarint(memory: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) memory[at++] = (rest % 0x80) | 0x80;
  memory[at++] = rest;
  return at;
}
