/**
 * One change of one key as watchers are shown it. It is marshalled once, and all watchers share the bytes;
 * the form with the previous value is made when the first watcher needs it, and shared in the same way.
 *
 * Events own their bytes: while they wait for a slow reader they must not keep blocks of memory alive in
 * which everybody else's messages stand (see `Writer.take`).
 */
import { EventType, writeRawEvent } from "../wire/gen/kv.ts";
import { createRevisionOf } from "../wire/key-value.ts";
import { Writer } from "../wire/writer.ts";
import type { Store } from "./store.ts";

/** Field 11 of `WatchResponse`, a message. */
const TAG_EVENTS = 0x5a;

/** Bytes that keeping an event costs beside its own. */
const EVENT_OVERHEAD_BYTES = 250;

/** Its memory is used again for every event. */
const writer = new Writer();

export class WatchEvent {
  readonly revision: number;
  /** Place within the revision. */
  readonly sub: number;
  /** As a latin1 string. */
  readonly key: string;
  readonly tombstone: boolean;
  /** The event as it stands in a `WatchResponse`, with tag and length. Shared: not to be changed. */
  readonly plain: Uint8Array;
  /** Bytes of the key-value, which `plain` ends with. */
  readonly #keyValueBytes: number;
  #withPrevious: Uint8Array | undefined = undefined;

  /** `keyValue` is that of `KeyChange`; it is borrowed until return. */
  constructor(
    revision: number,
    sub: number,
    key: string,
    tombstone: boolean,
    keyValue: Uint8Array,
  ) {
    this.revision = revision;
    this.sub = sub;
    this.key = key;
    this.tombstone = tombstone;
    this.plain = encodeEvent(tombstone, keyValue, undefined);
    this.#keyValueBytes = keyValue.length;
  }

  /** What keeping it costs. */
  get keptBytes(): number {
    return this.plain.length + EVENT_OVERHEAD_BYTES;
  }

  /** `plain`, with the key-value that the change replaced: none where there was none or it is compacted. */
  withPrevious(store: Store): Uint8Array {
    if (this.#withPrevious === undefined) {
      const keyValue = this.plain.subarray(this.plain.length - this.#keyValueBytes);
      const previous = this.#previous(keyValue, store);
      this.#withPrevious =
        previous === undefined ? this.plain : encodeEvent(this.tombstone, keyValue, previous);
    }
    return this.#withPrevious;
  }

  #previous(keyValue: Uint8Array, store: Store): Uint8Array | undefined {
    const isCreation = !this.tombstone && createRevisionOf(keyValue) === this.revision;
    const atRevision = this.revision - 1;
    if (isCreation || atRevision < store.compactRevision) return undefined;
    return store.keyValueAt(this.key, atRevision);
  }
}

function encodeEvent(
  tombstone: boolean,
  kv: Uint8Array,
  prevKv: Uint8Array | undefined,
): Uint8Array {
  writer.reset();
  writeRawEvent(writer, { type: tombstone ? EventType.DELETE : EventType.PUT, kv, prevKv });
  writer.length(0);
  writer.tag(TAG_EVENTS);
  return writer.view().slice();
}
