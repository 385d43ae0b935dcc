/** A key with its value, as programs read it. */
import { utf8FromBytes } from "../stdx/bytes.ts";
import type { KeyValue } from "../wire/gen/kv.ts";
import type { KeySpace } from "./key-space.ts";

/** One key-value at one revision. Texts are decoded as UTF-8 when they are asked for. */
export class Entry {
  readonly keyBytes: Uint8Array;
  /** Empty where only keys were asked for. */
  readonly valueBytes: Uint8Array;
  /** Revision at which the key came into being, after it had not existed. */
  readonly createRevision: number;
  /** Revision of this value. */
  readonly modRevision: number;
  /** How often the key was set since it came into being, from 1. */
  readonly version: number;
  /** Lease that the key is attached to; 0 means none. */
  readonly lease: bigint;

  constructor(kv: KeyValue, space: KeySpace) {
    this.keyBytes = space.shown(kv.key);
    this.valueBytes = kv.value;
    this.createRevision = kv.createRevision;
    this.modRevision = kv.modRevision;
    this.version = kv.version;
    this.lease = kv.lease;
  }

  /** Ill-formed UTF-8 becomes U+FFFD. */
  get key(): string {
    return utf8FromBytes(this.keyBytes);
  }

  /** Ill-formed UTF-8 becomes U+FFFD. */
  get value(): string {
    return utf8FromBytes(this.valueBytes);
  }

  /** The value read as JSON. Throws `SyntaxError`. */
  json(): unknown {
    return JSON.parse(this.value);
  }
}
