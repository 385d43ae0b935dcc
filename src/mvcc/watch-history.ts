/**
 * What watchers read that are behind the events kept in memory: slices of the history in storage. All
 * watchers that come by the same place share a slice, so however many start at one old revision, storage
 * is read once.
 */
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { keyOf } from "../wire/key-value.ts";
import { WATCH_SEGMENT_IDLE_MS, type WatchLimits } from "./limits.ts";
import type { RevisionStorage } from "./storage.ts";
import { WatchEvents } from "./watch-batch.ts";
import { WatchEvent } from "./watch-event.ts";
import type { WatchGroup } from "./watcher.ts";
import { encodeDeletion } from "./write-transaction.ts";

/** All events of the revisions [from, end). */
export class HistorySegment {
  readonly from: number;
  readonly end: number;
  /** Since the last `WatchHistory.sweep`. */
  used = true;
  readonly #limits: WatchLimits;
  /** In the order of their keys, those of one key in the order of their revisions. */
  readonly #byKey: readonly WatchEvent[];
  readonly #ofGroup = new Map<WatchGroup, WatchEvents>();
  /** Shared by all groups that have no event here. */
  readonly #none: WatchEvents;

  /** `events` come in the order of their revisions. */
  constructor(from: number, end: number, events: readonly WatchEvent[], limits: WatchLimits) {
    this.#limits = limits;
    this.from = from;
    this.end = end;
    this.#none = new WatchEvents(limits, end - 1);
    this.#byKey = events.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  /** The events of a group's range. O(log n + found log found) the first time. */
  eventsOf(group: WatchGroup): WatchEvents {
    const known = this.#ofGroup.get(group);
    if (known !== undefined) return known;
    const found: WatchEvent[] = [];
    for (let at = this.#firstFrom(group.from); at < this.#byKey.length; at++) {
      const event = this.#byKey[at];
      if (!group.reaches(event.key)) break;
      found.push(event);
    }
    const events = found.length === 0 ? this.#none : new WatchEvents(this.#limits, this.end - 1);
    for (const event of found.sort(byRevision)) events.add(event);
    this.#ofGroup.set(group, events);
    return events;
  }

  #firstFrom(key: string): number {
    let low = 0;
    let high = this.#byKey.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#byKey[middle].key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function byRevision(a: WatchEvent, b: WatchEvent): number {
  return a.revision === b.revision ? a.sub - b.sub : a.revision - b.revision;
}

export class WatchHistory {
  readonly #storage: RevisionStorage;
  readonly #limits: WatchLimits;
  /** Least recently used first. */
  #segments: HistorySegment[] = [];
  #nextSweepMs = 0;

  constructor(storage: RevisionStorage, limits: WatchLimits) {
    this.#limits = limits;
    this.#storage = storage;
  }

  /** A segment in memory that holds `revision`. */
  find(revision: number): HistorySegment | undefined {
    const at = this.#segments.findIndex(({ from, end }) => from <= revision && revision < end);
    if (at < 0) return undefined;
    const segment = this.#segments[at];
    segment.used = true;
    if (at < this.#segments.length - 1) {
      this.#segments.splice(at, 1);
      this.#segments.push(segment);
    }
    return segment;
  }

  /** Reads a segment that starts at `from`, which is not compacted, and ends at `endMain` at the latest. */
  load(from: number, endMain: number): HistorySegment {
    const { segmentRevisions, segmentBytes, segments } = this.#limits;
    const events: WatchEvent[] = [];
    let bytes = 0;
    let end = endMain;
    this.#storage.scan(from, 0, endMain, (main, sub, tombstone, value) => {
      const isFull = events.length >= segmentRevisions || bytes >= segmentBytes;
      if (isFull && main !== events[events.length - 1].revision) {
        end = main;
        return false;
      }
      const key = latin1FromBytes(keyOf(value));
      const keyValue = tombstone ? encodeDeletion(bytesFromLatin1(key), main) : value;
      bytes += keyValue.length;
      events.push(new WatchEvent(main, sub, key, tombstone, keyValue));
      return true;
    });
    const segment = new HistorySegment(from, end, events, this.#limits);
    if (this.#segments.length === segments) this.#segments.shift();
    this.#segments.push(segment);
    return segment;
  }

  /** Gives back what nobody has needed for a while; looks at most every `WATCH_SEGMENT_IDLE_MS`. */
  sweep(nowMs: number): void {
    if (this.#segments.length === 0 || nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + WATCH_SEGMENT_IDLE_MS;
    this.#segments = this.#segments.filter(({ used }) => used);
    for (const segment of this.#segments) segment.used = false;
  }
}
