/**
 * Marshalled `mvccpb.KeyValue`s, handled without decoding them: the form in which the store keeps them,
 * and in which they travel (the `RawX` messages splice them into responses as they are).
 *
 * ```
 *   0a len key | 10 createRevision | 18 modRevision | 20 version | 2a len value | 30 lease
 * ```
 * A field at its default (empty, 0) is absent. Source: etcd api/mvccpb/kv.proto.
 */

import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { Reader } from "./reader.ts";
import { beginEncoding } from "./writer.ts";
import type { Writer } from "./writer.ts";

const TAG_KEY = 0x0a;
const TAG_CREATE_REVISION = 0x10;
const TAG_MOD_REVISION = 0x18;
const TAG_VERSION = 0x20;
const TAG_VALUE = 0x2a;
const TAG_LEASE = 0x30;

/**
 * Returns the marshalled KeyValue of these parts. The revisions and the version are safe integers; `key`
 * and `value` are copied. The result has `Writer.take`'s ownership: it is the caller's, in shared memory.
 */
export function encodeKeyValueParts(
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
    writer.tag(TAG_LEASE);
  }
  writeBytesField(writer, TAG_VALUE, value);
  writeNumberField(writer, TAG_VERSION, version);
  writeNumberField(writer, TAG_MOD_REVISION, modRevision);
  writeNumberField(writer, TAG_CREATE_REVISION, createRevision);
  writeBytesField(writer, TAG_KEY, key);
  return writer.take();
}

function writeBytesField(writer: Writer, tag: number, value: Uint8Array): void {
  if (value.length === 0) return;
  writer.bytes(value);
  writer.tag(tag);
}

function writeNumberField(writer: Writer, tag: number, value: number): void {
  if (value === 0) return;
  writer.int64(value);
  writer.tag(tag);
}

/**
 * Reads the fields of marshalled KeyValues, one after the other, without an object for each.
 *
 * `read` takes the numbers at once and remembers where the rest is; `key`, `value` and `lease` make their
 * result when asked. Everything is valid until the next `read`, the views as long as the bytes given.
 */
export class KeyValueReader {
  createRevision = 0;
  modRevision = 0;
  version = 0;
  readonly #reader = new Reader(EMPTY_BYTES);
  #raw: Uint8Array = EMPTY_BYTES;
  #keyStart = 0;
  #keyEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;
  #leaseAt = 0;

  /** Reads `raw`. Throws `WireError` if it is not a KeyValue. */
  read(raw: Uint8Array): void {
    this.#clear(raw);
    const reader = this.#reader;
    reader.reset(raw);
    while (reader.more()) {
      const tag = reader.tag();
      switch (tag) {
        case TAG_KEY:
          this.#keyStart = reader.skipBytes();
          this.#keyEnd = reader.position;
          break;
        case TAG_CREATE_REVISION:
          this.createRevision = reader.int64();
          break;
        case TAG_MOD_REVISION:
          this.modRevision = reader.int64();
          break;
        case TAG_VERSION:
          this.version = reader.int64();
          break;
        case TAG_VALUE:
          this.#valueStart = reader.skipBytes();
          this.#valueEnd = reader.position;
          break;
        case TAG_LEASE:
          this.#leaseAt = reader.position;
          reader.int64();
          break;
        default:
          reader.skip(tag, "KeyValue", FIELD_NAMES);
      }
    }
  }

  /** A view into the bytes read. */
  key(): Uint8Array {
    return this.#raw.subarray(this.#keyStart, this.#keyEnd);
  }

  /** A view into the bytes read. */
  value(): Uint8Array {
    return this.#raw.subarray(this.#valueStart, this.#valueEnd);
  }

  lease(): bigint {
    if (this.#leaseAt === 0) return 0n;
    this.#reader.reset(this.#raw.subarray(this.#leaseAt));
    return this.#reader.int64Bigint();
  }

  #clear(raw: Uint8Array): void {
    this.createRevision = 0;
    this.modRevision = 0;
    this.version = 0;
    this.#raw = raw;
    this.#keyStart = 0;
    this.#keyEnd = 0;
    this.#valueStart = 0;
    this.#valueEnd = 0;
    this.#leaseAt = 0;
  }
}

const FIELD_NAMES = {
  1: "Key",
  2: "CreateRevision",
  3: "ModRevision",
  4: "Version",
  5: "Value",
  6: "Lease",
};

/** Behind the functions below; it keeps the last KeyValue it read alive, and nothing more. */
const shared = new KeyValueReader();

/** Returns the modRevision of a marshalled KeyValue. Throws `WireError` if it is not one. */
export function modRevisionOf(raw: Uint8Array): number {
  shared.read(raw);
  return shared.modRevision;
}

/** Returns the createRevision of a marshalled KeyValue. Throws `WireError` if it is not one. */
export function createRevisionOf(raw: Uint8Array): number {
  shared.read(raw);
  return shared.createRevision;
}

/** Returns the version of a marshalled KeyValue. Throws `WireError` if it is not one. */
export function versionOf(raw: Uint8Array): number {
  shared.read(raw);
  return shared.version;
}

/** Returns the lease of a marshalled KeyValue, 0n for none. Throws `WireError` if it is not one. */
export function leaseOf(raw: Uint8Array): bigint {
  shared.read(raw);
  return shared.lease();
}

/** Returns the key of a marshalled KeyValue: a view. Throws `WireError` if it is not one. */
export function keyOf(raw: Uint8Array): Uint8Array {
  shared.read(raw);
  return shared.key();
}

/** Returns the value of a marshalled KeyValue: a view. Throws `WireError` if it is not one. */
export function valueOf(raw: Uint8Array): Uint8Array {
  shared.read(raw);
  return shared.value();
}

/**
 * Returns the marshalled KeyValue without its value (`keys_only`): other bytes, or `raw` itself when it
 * has none. Throws `WireError` if `raw` is not a KeyValue.
 */
export function withoutValue(raw: Uint8Array): Uint8Array {
  shared.read(raw);
  if (shared.value().length === 0) return raw;
  const { createRevision, modRevision, version } = shared;
  const lease = shared.lease();
  return encodeKeyValueParts(
    shared.key(),
    createRevision,
    modRevision,
    version,
    EMPTY_BYTES,
    lease,
  );
}
