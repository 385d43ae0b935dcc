/**
 * Revisions: the version numbers of the keyspace, and their form as keys of bucket `key`.
 *
 * A write transaction owns one main revision; its changes are numbered from sub revision 0. As bytes,
 * ordered like the numbers:
 *
 *     0        8   9        17  18
 *     +--------+---+--------+---+
 *     | main   | _ | sub    | t |     integers big-endian; byte 17 only when the change is a deletion
 *     +--------+---+--------+---+
 *
 * Source: etcd server/storage/mvcc/revision.go (3.5: server/mvcc/revision.go).
 */
import { assert } from "../stdx/assert.ts";

/** One change of the keyspace: `main` counts transactions, `sub` the changes within one, from 0. */
export interface Revision {
  readonly main: number;
  readonly sub: number;
}

/** Bytes of an encoded revision that is not a tombstone. */
export const REVISION_BYTES = 17;

/** Bytes of an encoded tombstone revision. */
export const TOMBSTONE_REVISION_BYTES = 18;

const SEPARATOR = 0x5f; // "_"
const TOMBSTONE_MARK = 0x74; // "t"
const TWO_32 = 2 ** 32;

/** Returns a negative, zero or positive number as a is before, at or after b. */
export function compareRevisions(aMain: number, aSub: number, bMain: number, bSub: number): number {
  return aMain === bMain ? aSub - bSub : aMain - bMain;
}

/** Returns the key of bucket `key` for a revision: 17 bytes, or 18 for a tombstone. Fresh array. */
export function encodeRevision(main: number, sub: number, tombstone: boolean): Uint8Array {
  const bytes = new Uint8Array(tombstone ? TOMBSTONE_REVISION_BYTES : REVISION_BYTES);
  writeRevision(bytes, 0, main, sub, tombstone);
  return bytes;
}

/**
 * Writes a revision into `bytes` at `at`; returns the number of bytes written (17 or 18).
 * `main` and `sub` are safe integers, not negative.
 */
export function writeRevision(
  bytes: Uint8Array,
  at: number,
  main: number,
  sub: number,
  tombstone: boolean,
): number {
  writeUint64(bytes, at, main);
  bytes[at + 8] = SEPARATOR;
  writeUint64(bytes, at + 9, sub);
  if (!tombstone) return REVISION_BYTES;
  bytes[at + 17] = TOMBSTONE_MARK;
  return TOMBSTONE_REVISION_BYTES;
}

/** Main revision of an encoded revision that starts at `at`. Asserts a safe integer. */
export function mainOfRevisionBytes(bytes: Uint8Array, at = 0): number {
  return readUint64(bytes, at);
}

/** Sub revision of an encoded revision that starts at `at`. Asserts a safe integer. */
export function subOfRevisionBytes(bytes: Uint8Array, at = 0): number {
  return readUint64(bytes, at + 9);
}

/** Whether an encoded revision marks a deletion. `bytes` is the whole key. */
export function isTombstoneBytes(bytes: Uint8Array): boolean {
  return bytes.length === TOMBSTONE_REVISION_BYTES && bytes[17] === TOMBSTONE_MARK;
}

function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  const low = value >>> 0;
  bytes[at] = high >>> 24;
  bytes[at + 1] = high >>> 16;
  bytes[at + 2] = high >>> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = low >>> 24;
  bytes[at + 5] = low >>> 16;
  bytes[at + 6] = low >>> 8;
  bytes[at + 7] = low;
}

function readUint64(bytes: Uint8Array, at: number): number {
  const high =
    bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
  const low =
    bytes[at + 4] * 0x1000000 + ((bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7]);
  const value = high * TWO_32 + low;
  assert(Number.isSafeInteger(value), "Encoded revision is not a safe integer");
  return value;
}
