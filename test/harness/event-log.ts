/** Every event of a store in order, and which of them a watcher must see. */
import { compareBytes, equalBytes } from "../../src/stdx/bytes.ts";
import { decodeEvent, EventType } from "../../src/wire/gen/kv.ts";
import { FilterType, type WatchCreateRequest } from "../../src/wire/gen/rpc.ts";
import type { WatcherRecord } from "./watch-recorder.ts";

/** One change of one key, without the values. */
export interface LoggedEvent {
  readonly type: EventType;
  readonly key: Uint8Array;
  readonly revision: number;
}

/** Grows with what a watcher of the whole keyspace, from the first revision on, has seen. */
export class EventLog {
  readonly #events: LoggedEvent[] = [];
  /** Revisions that changed a key more than once. */
  readonly #repeating = new Set<number>();
  #source: WatcherRecord | undefined;

  /** Newest revision of which the log knows the events. */
  get revision(): number {
    return this.#source?.revisions.at(-1) ?? 0;
  }

  follow(source: WatcherRecord): void {
    this.#source = source;
  }

  get length(): number {
    this.#grow();
    return this.#events.length;
  }

  /** Whether a key was deleted and put again in this one revision. */
  isRepeating(revision: number): boolean {
    this.#grow();
    return this.#repeating.has(revision);
  }

  at(index: number): LoggedEvent {
    this.#grow();
    return this.#events[index];
  }

  #grow(): void {
    const seen = this.#source?.events ?? [];
    for (let at = this.#events.length; at < seen.length; at++) {
      const event = loggedEvent(seen[at]);
      if (this.#isKeyAgain(event)) this.#repeating.add(event.revision);
      this.#events.push(event);
    }
  }

  #isKeyAgain({ key, revision }: LoggedEvent): boolean {
    for (let at = this.#events.length - 1; this.#events[at]?.revision === revision; at--) {
      if (equalBytes(this.#events[at].key, key)) return true;
    }
    return false;
  }
}

export function loggedEvent(bytes: Uint8Array): LoggedEvent {
  const { type, kv } = decodeEvent(bytes);
  return { type, key: kv?.key ?? new Uint8Array(), revision: kv?.modRevision ?? 0 };
}

export function isSameEvent(a: LoggedEvent, b: LoggedEvent): boolean {
  return a.type === b.type && a.revision === b.revision && equalBytes(a.key, b.key);
}

/** What one watcher must see: a part of the log that grows with it. */
export class Expectation {
  readonly events: LoggedEvent[] = [];
  readonly #log: EventLog;
  readonly #request: WatchCreateRequest;
  readonly #start: number;
  #read = 0;
  #end = Number.POSITIVE_INFINITY;

  /** A watcher that was created at `revision` and begins behind it when it asks for nothing else. */
  constructor(log: EventLog, request: WatchCreateRequest, revision: number) {
    this.#log = log;
    this.#request = request;
    this.#start = request.startRevision === 0 ? revision + 1 : request.startRevision;
  }

  /** Takes in what has happened. */
  grow(): void {
    for (const end = this.#log.length; this.#read < end; this.#read++) {
      const event = this.#log.at(this.#read);
      if (this.#concerns(event)) this.events.push(event);
    }
  }

  /** Nothing behind `revision` is expected. */
  endAt(revision: number): void {
    this.#end = revision;
  }

  #concerns({ type, key, revision }: LoggedEvent): boolean {
    const { filters } = this.#request;
    const filter = type === EventType.PUT ? FilterType.NOPUT : FilterType.NODELETE;
    if (revision < this.#start || revision > this.#end) return false;
    return !filters.includes(filter) && isWithin(key, this.#request);
  }
}

/** Watches take an empty key for the first one there is. */
function isWithin(key: Uint8Array, { key: from, rangeEnd }: WatchCreateRequest): boolean {
  const start = from.length === 0 ? Uint8Array.of(0) : from;
  if (rangeEnd.length === 0) return equalBytes(key, start);
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return compareBytes(key, start) >= 0 && (isOpen || compareBytes(key, rangeEnd) < 0);
}
