/**
 * The watch hub: shows each watcher every change of its keys, in order, once, without a gap, and never a
 * part of a revision.
 *
 * ```
 *   transactions ──> ChangeFeed ──> absorb: which groups? ──> WatchGroup.recent (bounded, shared)
 *                                                                   │
 *   storage ──> WatchHistory (segments, shared) ──────────────> pump: one batch for one watcher,
 *                                                    in turns of connections, streams, watchers
 * ```
 * Watchers are cursors (`watcher.ts`); what none of them waits for is not kept. `pump` does a bounded slice
 * of work, and a stream without room is passed over until `resume`: its watchers just stay where they are.
 *
 * Source: etcd server/mvcc/watchable_store.go, watcher.go, watcher_group.go (3.5) for what clients see.
 */
import { assert } from "../stdx/assert.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import { FilterType, type WatchCreateRequest } from "../wire/gen/rpc.ts";
import type { ChangeFeed, ChangedRevision } from "./change-feed.ts";
import { isSingleKey, keyRangeFrom } from "./key-range.ts";
import {
  WATCH_BYTES_PER_COST_UNIT,
  WATCH_LIMITS,
  WATCH_SEGMENT_COST,
  type WatchLimits,
} from "./limits.ts";
import { WatchMetrics } from "./metrics.ts";
import type { Store } from "./store.ts";
import { EventForm, type WatchBatch, WatchEvents } from "./watch-batch.ts";
import { WatchEvent } from "./watch-event.ts";
import { WatchHistory } from "./watch-history.ts";
import { WatchIndex } from "./watch-index.ts";
import { WatchProgress } from "./watch-progress.ts";
import { TurnQueue, WatchConnection, type WatchReceiver, WatchStream } from "./watch-stream.ts";
import { type WatchGroup, Watcher, WatcherFlag, type WatchId } from "./watcher.ts";

/** Why a watch was not created. */
export type WatchRefusal = "compacted" | "emptyRange" | "duplicateId" | "tooMany";

/** What an empty key means. */
const SMALLEST_KEY = new Uint8Array(1);

export class WatchHub {
  #store: Store;
  #feed: ChangeFeed;
  readonly #limits: WatchLimits;
  readonly #metrics: WatchMetrics;
  readonly #index = new WatchIndex();
  #history: WatchHistory;
  readonly #progress = new WatchProgress();
  readonly #connections = new Map<unknown, WatchConnection>();
  readonly #turns = new TurnQueue<WatchConnection>();
  /** Groups with events that their waiting watchers have not been told of. */
  readonly #news = new TurnQueue<WatchGroup>();
  /** Groups with recent events, the one that was cut longest ago first. */
  readonly #withRecent = new Set<WatchGroup>();
  #recentBytes = 0;
  /** The newest revision whose changes have reached their groups. */
  #head: number;
  /** Watchers that have not ended. */
  #live = 0;
  /** Watchers in the queues of their streams. */
  #behind = 0;
  /** Watchers that streams remember, and what their ranges cost. */
  #known = 0;
  #keyBytes = 0;
  #nowMs = 0;
  readonly #touched: WatchGroup[] = [];

  /** `feed` is the change sink of `store`. */
  constructor(
    store: Store,
    feed: ChangeFeed,
    limits: WatchLimits = WATCH_LIMITS,
    metrics: WatchMetrics = new WatchMetrics(new MetricsRegistry()),
  ) {
    this.#metrics = metrics;
    this.#store = store;
    this.#feed = feed;
    this.#limits = limits;
    this.#history = new WatchHistory(store.storage, limits);
    this.#head = store.revision;
  }

  /** The newest revision of the store. */
  get revision(): number {
    return this.#store.revision;
  }

  /** Watchers that have not ended. */
  get watchers(): number {
    return this.#live;
  }

  /** Watchers that have not been shown everything. */
  get watchersBehind(): number {
    return this.#behind;
  }

  /** Events in memory that not all their watchers have been shown. O(ranges watched that have such events). */
  pendingEvents(): number {
    let events = 0;
    for (const { recent } of this.#withRecent) events += recent?.count ?? 0;
    return events;
  }

  /** Bytes of events kept in memory for watchers that have not been shown them yet. */
  get recentBytes(): number {
    return this.#recentBytes;
  }

  /**
   * Opens a stream for a client. Streams with the same `connection` share its turns.
   * `progressIntervalMs`: between two progress notifications of its watchers, jitter included.
   */
  open(receiver: WatchReceiver, connection: unknown, progressIntervalMs: number): WatchStream {
    let shared = this.#connections.get(connection);
    if (shared === undefined) {
      shared = new WatchConnection();
      this.#connections.set(connection, shared);
    }
    shared.streams++;
    this.#metrics.streams.inc();
    return new WatchStream(receiver, connection, shared, progressIntervalMs, this.#nowMs);
  }

  /** Ends a stream with all its watchers. */
  close(stream: WatchStream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.#metrics.streams.dec();
    for (const watcher of stream.watchers.values()) this.#forget(watcher);
    stream.watchers.clear();
    this.#progress.forget(stream);
    stream.connection.streams--;
    if (stream.connection.streams === 0) this.#connections.delete(stream.connectionKey);
  }

  /**
   * Creates a watcher; returns its id. Nothing is shown to it before the next `pump`. Borrows the bytes of
   * `request` until return.
   */
  create(stream: WatchStream, request: WatchCreateRequest): { id: WatchId } | WatchRefusal {
    const { rangeEnd, startRevision } = request;
    const key = request.key.length === 0 ? SMALLEST_KEY : request.key;
    if (startRevision < 0) return "compacted";
    const range = keyRangeFrom(key, rangeEnd);
    const single = isSingleKey(rangeEnd);
    if (!single && range.end !== undefined && range.from >= range.end) return "emptyRange";
    const wantedId = watchIdFrom(request.watchId);
    if (wantedId !== 0 && stream.watchers.has(wantedId)) return "duplicateId";
    const keyBytes = this.#keyBytes + key.length + rangeEnd.length;
    const { watchers: watchersMax, keyBytes: keyBytesMax } = this.#limits;
    if (this.#known >= watchersMax || keyBytes > keyBytesMax) return "tooMany";
    this.#absorb();
    this.#feed.listening = true;
    const id = wantedId === 0 ? freeId(stream) : wantedId;
    const start = startRevision === 0 ? this.#head + 1 : startRevision;
    const group = this.#index.groupOf(range, single, this.#head + 1);
    this.#add(new Watcher(stream, group, id, flagsOf(request), start));
    return { id };
  }

  /** Ends a watcher; false when the stream has none with this id. */
  cancel(stream: WatchStream, watchId: bigint): boolean {
    const watcher = stream.watchers.get(watchIdFrom(watchId));
    if (watcher === undefined) return false;
    stream.watchers.delete(watcher.id);
    this.#forget(watcher);
    this.#progress.consider(stream);
    return true;
  }

  /**
   * Asks for one `onStreamProgress` as soon as all watchers of the stream have been shown everything; there
   * is no answer where there are none, as in etcd.
   */
  requestProgress(stream: WatchStream): void {
    if (stream.live === 0) return;
    stream.progressWanted = true;
    this.#progress.consider(stream);
  }

  /** The receiver of the stream has room again. */
  resume(stream: WatchStream): void {
    stream.blocked = false;
    this.#queueTurn(stream);
    this.#progress.consider(stream);
  }

  /**
   * Goes on over another store, which is ahead of the one before: a snapshot of a leader. What lies between is
   * shown from its history; a watcher for whom that is compacted ends. `feed` is the change sink of `store`.
   */
  replaceStore(store: Store, feed: ChangeFeed): void {
    this.#absorb();
    const from = this.#head + 1;
    feed.listening = this.#feed.listening;
    this.#store = store;
    this.#feed = feed;
    this.#history = new WatchHistory(store.storage, this.#limits);
    this.#head = store.revision;
    this.#index.forEach((group) => {
      this.#dropRecent(group);
      group.recentFrom = this.#head + 1;
      if (group.newFrom === 0) group.newFrom = from;
      this.#news.push(group);
    });
  }

  /**
   * Shows watchers what is new: `budget` batches, large ones count more. Returns whether more is to be done
   * at once. `nowMs`, monotonic, is the time for progress notifications.
   */
  pump(budget: number, nowMs: number): boolean {
    this.#nowMs = nowMs;
    this.#absorb();
    this.#spread(budget);
    this.#progress.round(nowMs, this.#head, this.#queueForProgress);
    let left = budget;
    while (left > 0) {
      const connection = this.#turns.shift();
      if (connection === undefined) break;
      const stream = connection.turns.shift();
      if (!connection.turns.isEmpty) this.#turns.push(connection);
      if (stream !== undefined) left -= this.#serve(stream);
    }
    this.#progress.answer(this.#head, this.#news.isEmpty);
    this.#history.sweep(nowMs);
    return !this.#turns.isEmpty || !this.#news.isEmpty;
  }

  // --- What was written -----------------------------------------------------------------------------------

  /** Brings the changes since the last call to the groups that watch their keys. */
  #absorb(): void {
    for (const changed of this.#feed.take()) this.#note(changed);
    this.#head = this.#store.revision;
    this.#boundRecent();
  }

  #note({ revision, changes }: ChangedRevision): void {
    const touched = this.#touched;
    for (let sub = 0; sub < changes.length; sub++) {
      const { key, tombstone, keyValue } = changes[sub];
      this.#index.collect(key, touched);
      if (touched.length === 0) continue;
      const event = new WatchEvent(revision, sub, key, tombstone, keyValue);
      for (const group of touched) this.#give(group, event);
      touched.length = 0;
    }
  }

  #give(group: WatchGroup, event: WatchEvent): void {
    if (group.recent === undefined) {
      group.recent = new WatchEvents(this.#limits, 0);
      this.#withRecent.add(group);
    }
    group.recent.add(event);
    this.#recentBytes += event.keptBytes;
    if (group.newFrom !== 0) return;
    group.newFrom = event.revision;
    this.#news.push(group);
  }

  /** Forgets old events where there are too many; who has not seen them finds them in the history. */
  #boundRecent(): void {
    while (this.#recentBytes > this.#limits.recentBytes) {
      const [group] = this.#withRecent;
      const { recent } = group;
      assert(recent !== undefined, "Groups with recent events must have them");
      this.#recentBytes -= recent.keptBytes;
      group.recentFrom = recent.dropOlderHalf() + 1;
      this.#recentBytes += recent.keptBytes;
      this.#withRecent.delete(group);
      if (recent.keptBytes === 0) group.recent = undefined;
      else this.#withRecent.add(group);
    }
  }

  #dropRecent(group: WatchGroup): void {
    if (group.recent === undefined) return;
    this.#recentBytes -= group.recent.keptBytes;
    group.recent = undefined;
    group.recentFrom = this.#head + 1;
    this.#withRecent.delete(group);
  }

  // --- Who has to be shown something ------------------------------------------------------------------------

  /** Puts `budget` watchers that waited for new events into the queues of their streams. */
  #spread(budget: number): void {
    for (let left = budget; left > 0; ) {
      const group = this.#news.shift();
      if (group === undefined) return;
      if (group.spreading === undefined) group.startSpreading();
      // Groups take turns, so that a small one does not wait for a large one.
      let slice = Math.min(left, this.#limits.spreadSlice);
      left -= 1;
      for (; slice > 0 && group.spreading !== undefined; slice--) {
        this.#queue(group.spreading, group.spreadFrom);
        left--;
      }
      if (group.hasNews) this.#news.push(group);
      else if (group.queued === 0) this.#dropRecent(group);
    }
  }

  /** The group of a watcher that waits has no news: it has been shown everything. */
  readonly #queueForProgress = (watcher: Watcher): void => this.#queue(watcher, this.#head + 1);

  /** Queues a watcher that waits and has been shown everything before `shownTo`. */
  #queue(watcher: Watcher, shownTo: number): void {
    const { group, stream } = watcher;
    if (watcher.nextRevision < shownTo) watcher.nextRevision = shownTo;
    group.removeWaiting(watcher);
    this.#enqueue(watcher);
    this.#queueTurn(stream);
  }

  #enqueue(watcher: Watcher): void {
    this.#behind++;
    watcher.group.queued++;
    watcher.stream.queue.push(watcher);
  }

  #unqueue(watcher: Watcher): void {
    this.#behind--;
    watcher.group.queued--;
    watcher.stream.queue.remove(watcher);
  }

  #queueTurn(stream: WatchStream): void {
    if (stream.blocked || stream.closed || stream.queue.length === 0) return;
    stream.connection.turns.push(stream);
    this.#turns.push(stream.connection);
  }

  #add(watcher: Watcher): void {
    const { stream, group, id, nextRevision } = watcher;
    stream.watchers.set(id, watcher);
    stream.live++;
    stream.startMax = Math.max(stream.startMax, nextRevision);
    if (watcher.has(WatcherFlag.PROGRESS)) this.#progress.added(stream, this.#nowMs);
    group.watchers++;
    this.#live++;
    this.#known++;
    this.#keyBytes += group.keyBytes;
    if (nextRevision > this.#head) {
      group.addWaiting(watcher);
    } else {
      watcher.flags |= WatcherFlag.NEW;
      this.#enqueue(watcher);
      this.#queueTurn(stream);
    }
  }

  /** Takes a watcher out of everything but the map of its stream. */
  #end(watcher: Watcher): void {
    const { group, stream } = watcher;
    if (watcher.state === "ended") return;
    if (watcher.state === "waiting") group.removeWaiting(watcher);
    else this.#unqueue(watcher);
    watcher.state = "ended";
    stream.live--;
    if (stream.live === 0) stream.progressWanted = false;
    if (watcher.nextRevision >= stream.startMax) stream.startMaxStale = true;
    if (watcher.has(WatcherFlag.PROGRESS)) this.#progress.removed(stream);
    group.watchers--;
    this.#live--;
    if (group.queued === 0 && !group.hasNews) this.#dropRecent(group);
    if (group.watchers > 0) return;
    this.#dropRecent(group);
    this.#index.remove(group);
    if (this.#live === 0) this.#feed.listening = false;
  }

  /** Ends a watcher that its stream does not remember any more. */
  #forget(watcher: Watcher): void {
    this.#end(watcher);
    this.#known--;
    this.#keyBytes -= watcher.group.keyBytes;
  }

  // --- Showing ----------------------------------------------------------------------------------------------

  /** Serves the next watcher of a stream; returns what that cost. */
  #serve(stream: WatchStream): number {
    const watcher = stream.queue.first;
    if (watcher === undefined || stream.blocked || stream.closed) return 0;
    const cost = watcher.nextRevision > this.#head ? 1 : this.#advance(watcher);
    if (watcher.state === "queued") {
      this.#unqueue(watcher);
      if (watcher.nextRevision > this.#head) this.#rest(watcher);
      else this.#enqueue(watcher);
    }
    this.#queueTurn(stream);
    if (stream.queue.length === 0) this.#progress.consider(stream);
    return cost;
  }

  /** A watcher has been shown everything. */
  #rest(watcher: Watcher): void {
    const { group, stream } = watcher;
    group.addWaiting(watcher);
    if (group.queued === 0 && !group.hasNews) this.#dropRecent(group);
    if (!watcher.has(WatcherFlag.PROGRESS_DUE)) return;
    watcher.flags &= ~WatcherFlag.PROGRESS_DUE;
    if (watcher.has(WatcherFlag.SENT)) return;
    if (!stream.receiver.onProgress(watcher.id, this.#head)) stream.blocked = true;
  }

  /**
   * Shows a watcher the next batch.
   *
   * Differs from etcd: a watcher that is behind goes on over a compaction as long as memory has what it
   * needs; there it is cancelled.
   */
  #advance(watcher: Watcher): number {
    const { group, nextRevision, form } = watcher;
    // Only who starts in the past can ask for what is compacted and yet in memory.
    const isGone = watcher.has(WatcherFlag.NEW) && nextRevision < this.#store.compactRevision;
    watcher.flags &= ~WatcherFlag.NEW;
    if (isGone) return this.#compacted(watcher);
    if (nextRevision < group.recentFrom) return this.#advanceInHistory(watcher);
    const { recent } = group;
    const batch = recent?.batchFrom(nextRevision, form, this.#store);
    const cost = batch === undefined ? 1 : this.#show(watcher, batch);
    if (recent === undefined || recent.lastRevision < watcher.nextRevision) {
      watcher.nextRevision = this.#head + 1;
    }
    return cost;
  }

  #advanceInHistory(watcher: Watcher): number {
    const { group, nextRevision, form } = watcher;
    if (nextRevision < this.#store.compactRevision) return this.#compacted(watcher);
    let cost = 1;
    let segment = this.#history.find(nextRevision);
    if (segment === undefined) {
      segment = this.#history.load(nextRevision, this.#head + 1);
      cost = WATCH_SEGMENT_COST;
    }
    const batch = segment.eventsOf(group).batchFrom(nextRevision, form, this.#store);
    if (batch === undefined) watcher.nextRevision = segment.end;
    else cost += this.#show(watcher, batch);
    return cost;
  }

  #compacted(watcher: Watcher): number {
    const { stream, id } = watcher;
    this.#end(watcher);
    if (!stream.receiver.onCompacted(id, this.#store.compactRevision)) stream.blocked = true;
    return 1;
  }

  #show(watcher: Watcher, batch: WatchBatch): number {
    const { stream, id } = watcher;
    watcher.nextRevision = batch.lastRevision + 1;
    if (batch.events.length === 0) return 1;
    watcher.flags |= WatcherFlag.SENT;
    this.#metrics.events.add(batch.events.length);
    const hasRoom = stream.receiver.onEvents(id, watcher.has(WatcherFlag.FRAGMENT), batch);
    if (!hasRoom) stream.blocked = true;
    return 1 + Math.floor(batch.size / WATCH_BYTES_PER_COST_UNIT);
  }
}

/** Ids are small numbers but for clients that choose others. */
function watchIdFrom(id: bigint): WatchId {
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : id;
}

function freeId(stream: WatchStream): number {
  while (stream.watchers.has(stream.nextId)) stream.nextId++;
  return stream.nextId++;
}

function flagsOf(request: WatchCreateRequest): number {
  let flags = 0;
  if (request.filters.includes(FilterType.NOPUT)) flags |= EventForm.NO_PUT;
  if (request.filters.includes(FilterType.NODELETE)) flags |= EventForm.NO_DELETE;
  if (request.prevKv) flags |= EventForm.PREVIOUS;
  if (request.fragment) flags |= WatcherFlag.FRAGMENT;
  if (request.progressNotify) flags |= WatcherFlag.PROGRESS;
  return flags;
}
