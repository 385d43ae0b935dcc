/**
 * Stored values: marshalled `mvccpb.KeyValue` messages. Answers carry them as they are, so nothing here
 * decodes more than it must.
 *
 *     1 key · 2 create_revision · 3 mod_revision · 4 version · 5 value · 6 lease
 *
 * A tombstone is stored with its key only. Bytes that are not such a message are corrupt state: decoding
 * throws, which ends the process like a failed assertion.
 *
 * Source: etcd api/mvccpb/kv.proto.
 */
import { EMPTY_BYTES, latin1FromBytes } from "../stdx/bytes.ts";
import { decodeKeyValue } from "../wire/gen/kv.ts";
import { beginEncoding } from "../wire/writer.ts";

const KEY_TAG = 0x0a;
const CREATE_REVISION_TAG = 0x10;
const MOD_REVISION_TAG = 0x18;
const VERSION_TAG = 0x20;
const VALUE_TAG = 0x2a;
const LEASE_TAG = 0x30;

/** Lengths below this are one byte long as varints. */
const VARINT_ONE_BYTE = 0x80;

/** Marshals what a put stores. Fresh bytes; borrows `key` and `value`, which may be empty. */
export function encodePut(
  key: Uint8Array,
  createRevision: number,
  modRevision: number,
  version: number,
  value: Uint8Array,
  lease: bigint,
): Uint8Array {
  const writer = beginEncoding();
  if (lease !== 0n) {
    writer.bigint(lease);
    writer.tag(LEASE_TAG);
  }
  if (value.length > 0) {
    writer.bytes(value);
    writer.tag(VALUE_TAG);
  }
  writer.int64(version);
  writer.tag(VERSION_TAG);
  writer.int64(modRevision);
  writer.tag(MOD_REVISION_TAG);
  writer.int64(createRevision);
  writer.tag(CREATE_REVISION_TAG);
  if (key.length > 0) {
    writer.bytes(key);
    writer.tag(KEY_TAG);
  }
  return writer.take();
}

/**
 * Marshals what a tombstone stores (modRevision 0), or what the event of the deletion shows (the main
 * revision of the deletion). Fresh bytes; borrows `key`.
 */
export function encodeTombstone(key: Uint8Array, modRevision: number): Uint8Array {
  const writer = beginEncoding();
  if (modRevision !== 0) {
    writer.int64(modRevision);
    writer.tag(MOD_REVISION_TAG);
  }
  if (key.length > 0) {
    writer.bytes(key);
    writer.tag(KEY_TAG);
  }
  return writer.take();
}

/** Returns the key of a stored value as a latin1 string. */
export function keyOfKeyValue(keyValue: Uint8Array): string {
  if (keyValue.length > 1 && keyValue[0] === KEY_TAG && keyValue[1] < VARINT_ONE_BYTE) {
    const end = 2 + keyValue[1];
    if (end <= keyValue.length) return latin1FromBytes(keyValue, 2, end);
  }
  return latin1FromBytes(decodeKeyValue(keyValue).key);
}

/** Returns a stored value with an empty value field, as `keys_only` shows it. */
export function withoutValue(keyValue: Uint8Array): Uint8Array {
  const { key, createRevision, modRevision, version, value, lease } = decodeKeyValue(keyValue);
  if (value.length === 0) return keyValue;
  return encodePut(key, createRevision, modRevision, version, EMPTY_BYTES, lease);
}
