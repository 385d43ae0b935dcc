/** Fixed-width integers as etcd stores them: 8 bytes, big-endian. */
import { assert } from "../stdx/assert.ts";

export function encodeUint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Asserts a safe integer. */
export function decodeUint64(bytes: Uint8Array): number {
  assert(bytes.length === 8, "Stored integer must have 8 bytes");
  const value = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  assert(Number.isSafeInteger(value), "Stored integer must be a safe integer");
  return value;
}

/** A lease id as key of bucket `lease`. */
export function encodeLeaseId(id: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, id);
  return bytes;
}
