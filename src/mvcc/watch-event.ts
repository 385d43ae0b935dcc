/**
 * One change of one key as watchers are shown it. It is marshalled once, when the first watcher needs it,
 * and all watchers share the bytes; the form with the previous value is made apart, in the same way.
 */
import { EventType, writeRawEvent } from "../wire/gen/kv.ts";
import { createRevisionOf } from "../wire/key-value.ts";
import { beginEncoding } from "../wire/writer.ts";
import type { Store } from "./store.ts";

/** Field 11 of `WatchResponse`, a message. */
const TAG_EVENTS = 0x5a;

/** Bytes that keeping an event costs beside its key-value. */
const EVENT_OVERHEAD_BYTES = 200;

export class WatchEvent {
  readonly revision: number;
  /** Place within the revision. */
  readonly sub: number;
  /** As a latin1 string. */
  readonly key: string;
  readonly tombstone: boolean;
  /** Marshalled `mvccpb.KeyValue`, as in `KeyChange`. */
  readonly #keyValue: Uint8Array;
  #plain: Uint8Array | undefined = undefined;
  #withPrevious: Uint8Array | undefined = undefined;

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
    this.#keyValue = keyValue;
  }

  /** What keeping it costs. */
  get keptBytes(): number {
    return this.#keyValue.length + EVENT_OVERHEAD_BYTES;
  }

  /** The event as it stands in a `WatchResponse`, with tag and length. Shared: not to be changed. */
  plain(): Uint8Array {
    this.#plain ??= this.#encode(undefined);
    return this.#plain;
  }

  /** `plain`, with the key-value that the change replaced: none where there was none or it is compacted. */
  withPrevious(store: Store): Uint8Array {
    this.#withPrevious ??= this.#encode(this.#previous(store));
    return this.#withPrevious;
  }

  #previous(store: Store): Uint8Array | undefined {
    const isCreation = !this.tombstone && createRevisionOf(this.#keyValue) === this.revision;
    const atRevision = this.revision - 1;
    if (isCreation || atRevision < store.compactRevision) return undefined;
    return store.keyValueAt(this.key, atRevision);
  }

  #encode(prevKv: Uint8Array | undefined): Uint8Array {
    const writer = beginEncoding();
    const mark = writer.mark();
    const type = this.tombstone ? EventType.DELETE : EventType.PUT;
    writeRawEvent(writer, { type, kv: this.#keyValue, prevKv });
    writer.length(mark);
    writer.tag(TAG_EVENTS);
    return writer.take();
  }
}
