/** A key with its value, as programs read it. */
import { utf8FromBytes } from "../stdx/bytes.ts";
import type { KeyValue } from "../wire/gen/kv.ts";
import type { KeySpace } from "./key-space.ts";

/** One key-value at one revision. Texts are decoded as UTF-8 when they are asked for. */
export class Entry {
  /** The key as bytes; a view of what was received, not to be written to. */
  readonly keyBytes: Uint8Array;
  /** The value as bytes, a view as well; empty where only keys were asked for. */
  readonly valueBytes: Uint8Array;
  /** Revision at which the key came into being, after it had not existed. */
  readonly createRevision: number;
  /** Revision of this value. */
  readonly modRevision: number;
  /** How often the key was set since it came into being, from 1. */
  readonly version: number;
  /** Lease that the key is attached to; 0 means none. */
  readonly lease: bigint;

  /** Made by the calls of clients. @internal */
  constructor(kv: KeyValue, space: KeySpace) {
    this.keyBytes = space.shown(kv.key);
    this.valueBytes = kv.value;
    this.createRevision = kv.createRevision;
    this.modRevision = kv.modRevision;
    this.version = kv.version;
    this.lease = kv.lease;
  }

  /** The key as text. Ill-formed UTF-8 becomes U+FFFD. */
  get key(): string {
    return utf8FromBytes(this.keyBytes);
  }

  /** The value as text. Ill-formed UTF-8 becomes U+FFFD. */
  get value(): string {
    return utf8FromBytes(this.valueBytes);
  }

  /** The value read as JSON. Throws `SyntaxError`. */
  json(): unknown {
    return JSON.parse(this.value);
  }
}
