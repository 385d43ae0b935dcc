/**
 * A store, a watch hub and some clients' streams in one random life, with the oracle beside it: the list of
 * all changes ever made, and for each watcher what of it must have been shown when.
 *
 * What is checked, at every response and at the end: only changes that were asked for (filter), in order,
 * once (uniqueness), all of one revision together (atomic), none left out (reliability, resumability), the
 * right previous values, no progress ahead of events, nothing after the end, and nothing to who has no room.
 */
import { assert } from "../../stdx/assert.ts";
import { bytesFromLatin1, latin1FromBytes } from "../../stdx/bytes.ts";
import type { Prng } from "../../stdx/prng.ts";
import { EventType, type KeyValue } from "../../wire/gen/kv.ts";
import {
  createDeleteRangeRequest,
  createPutRequest,
  createTxnRequest,
  createWatchCreateRequest,
  decodeWatchResponse,
  FilterType,
  type RequestOp,
  type WatchCreateRequest,
} from "../../wire/gen/rpc.ts";
import { decodeKeyValue } from "../../wire/gen/kv.ts";
import { ChangeFeed } from "../change-feed.ts";
import { executeDeleteRange, executePut } from "../kv-requests.ts";
import { WATCH_LIMITS, type WatchLimits } from "../limits.ts";
import { MemoryStorage } from "../memory-storage.ts";
import type { Store } from "../store.ts";
import { executeTxn } from "../txn.ts";
import type { WatchBatch } from "../watch-batch.ts";
import { WatchHub } from "../watch-hub.ts";
import type { WatchReceiver, WatchStream } from "../watch-stream.ts";
import type { WatchId } from "../watcher.ts";
import type { ChangeSink, KeyChange } from "../write-transaction.ts";
import { MemoryLeases } from "./memory-leases.ts";
import { openStore } from "./open-store.ts";

/** Limits so small that everything happens: full batches, many segments, events that leave memory. */
export const SMALL_LIMITS: WatchLimits = {
  ...WATCH_LIMITS,
  batchBytes: 150,
  batchRevisions: 4,
  recentBytes: 3000,
  segmentRevisions: 7,
  segmentBytes: 400,
  segments: 2,
  spreadSlice: 2,
};

/** A change as it must be shown. */
interface Shown {
  readonly revision: number;
  readonly key: string;
  readonly isDelete: boolean;
  readonly kv: KeyValue;
  /** What the change replaced. */
  readonly previous: KeyValue | undefined;
}

/** All that a watcher was told, and what it should have been. */
class WatcherModel {
  readonly request: WatchCreateRequest;
  readonly start: number;
  /** Everything up to here was shown. */
  shownTo: number;
  /** Events taken from the oracle's list. */
  position = 0;
  ended = false;
  /** It started below the compact revision: there is nothing that it may be shown. */
  mustEnd = false;
  events = 0;

  constructor(request: WatchCreateRequest, start: number) {
    this.request = request;
    this.start = start;
    this.shownTo = start - 1;
  }

  wants({ revision, key, isDelete }: Shown): boolean {
    const { filters } = this.request;
    if (revision < this.start) return false;
    if (filters.includes(isDelete ? FilterType.NODELETE : FilterType.NOPUT)) return false;
    const from = latin1FromBytes(this.request.key);
    const end = latin1FromBytes(this.request.rangeEnd);
    if (end === "") return key === from;
    return key >= from && (end === "\0" || key < end);
  }
}

class StreamModel implements WatchReceiver {
  readonly world: WatchWorld;
  readonly connection: number;
  readonly watchers = new Map<WatchId, WatcherModel>();
  stream: WatchStream | undefined;
  /** Responses it still takes. */
  room = 3;
  /** The question ends with the last watcher. */
  progressAsked = false;

  constructor(world: WatchWorld, connection: number) {
    this.world = world;
    this.connection = connection;
  }

  onEvents(id: WatchId, _fragment: boolean, batch: WatchBatch): boolean {
    const watcher = this.#live(id);
    assert(!watcher.mustEnd, "Who starts below the compact revision is shown nothing");
    const { events } = decodeWatchResponse(batch.bytes);
    assert(events.length > 0, "No response without events");
    assert(batch.lastRevision <= this.world.store.revision, "A batch ends at the newest revision");
    let last = 0;
    for (const event of events) {
      const wanted = this.world.nextFor(watcher);
      assert(wanted !== undefined, "An event that was not asked for, or twice");
      assert(event.kv !== undefined, "An event has a key");
      const isDelete = event.type === EventType.DELETE;
      same({ isDelete, kv: event.kv }, { isDelete: wanted.isDelete, kv: wanted.kv });
      this.#checkPrevious(watcher, wanted, event.prevKv);
      last = wanted.revision;
      watcher.position++;
      watcher.events++;
    }
    assert(last <= batch.lastRevision, "A batch reaches to its last event at least");
    watcher.shownTo = batch.lastRevision;
    const after = this.world.nextFor(watcher);
    assert(after === undefined || after.revision > batch.lastRevision, "A revision was split");
    return this.#took();
  }

  onCompacted(id: WatchId, compactRevision: number): boolean {
    const watcher = this.#live(id);
    assert(compactRevision === this.world.store.compactRevision, "The revision is the store's");
    assert(watcher.shownTo + 1 < compactRevision, "What is compacted had been shown");
    watcher.ended = true;
    this.endedOne();
    return this.#took();
  }

  onProgress(id: WatchId, revision: number): boolean {
    const watcher = this.#live(id);
    assert(watcher.request.progressNotify, "Progress that was not asked for");
    this.#checkProgress(watcher, revision);
    return this.#took();
  }

  onStreamProgress(revision: number): boolean {
    assert(this.progressAsked, "Progress that was not asked for");
    this.progressAsked = false;
    for (const watcher of this.watchers.values()) {
      if (!watcher.ended) this.#checkProgress(watcher, revision);
    }
    return this.#took();
  }

  endedOne(): void {
    if (!this.hasLive()) this.progressAsked = false;
  }

  hasLive(): boolean {
    return [...this.watchers.values()].some(({ ended }) => !ended);
  }

  /** What was asked for and is possible must have happened. */
  checkDone(): void {
    let startMax = 0;
    let live = 0;
    for (const watcher of this.watchers.values()) {
      if (watcher.ended) continue;
      assert(!watcher.mustEnd, "Who starts below the compact revision is told so");
      live++;
      startMax = Math.max(startMax, watcher.start);
      const missing = this.world.nextFor(watcher);
      assert(missing === undefined, () => `Revision ${missing?.revision} was not shown`);
    }
    const isDue = live > 0 && startMax <= this.world.store.revision + 1;
    assert(!(this.progressAsked && isDue), "Progress was asked for and never told");
  }

  #live(id: WatchId): WatcherModel {
    assert(this.room > 0, "Nothing is shown to who has no room");
    const watcher = this.watchers.get(id);
    assert(watcher !== undefined && !watcher.ended, "A response for a watcher that has ended");
    return watcher;
  }

  #took(): boolean {
    this.room--;
    return this.room > 0;
  }

  #checkProgress(watcher: WatcherModel, revision: number): void {
    assert(revision === this.world.store.revision, "Progress is as new as the store");
    assert(watcher.start <= revision + 1, "Progress before the first revision");
    const next = this.world.nextFor(watcher);
    assert(next === undefined || next.revision > revision, "Progress ahead of events");
    watcher.shownTo = Math.max(watcher.shownTo, revision);
  }

  #checkPrevious(watcher: WatcherModel, wanted: Shown, prevKv: KeyValue | undefined): void {
    if (!watcher.request.prevKv) {
      assert(prevKv === undefined, "A previous value that was not asked for");
    } else if (prevKv === undefined) {
      const isCompacted = wanted.revision - 1 < this.world.store.compactRevision;
      assert(wanted.previous === undefined || isCompacted, "The previous value is missing");
    } else {
      same(prevKv, wanted.previous);
    }
  }
}

function same(actual: unknown, expected: unknown): void {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) => {
      if (part instanceof Uint8Array) return latin1FromBytes(part);
      return typeof part === "bigint" ? part.toString() : part;
    });
  assert(text(actual) === text(expected), () => `${text(actual)} instead of ${text(expected)}`);
}

/** What has happened in a life: a test that looks at it sees that everything does. */
export interface WorldCounts {
  readonly events: number;
  readonly compacted: number;
  readonly cancelled: number;
}

export class WatchWorld implements ChangeSink {
  readonly store: Store;
  readonly changes: Shown[] = [];
  readonly #prng: Prng;
  readonly #feed = new ChangeFeed();
  readonly #hub: WatchHub;
  readonly #newest = new Map<string, KeyValue>();
  #streams: StreamModel[] = [];
  #nowMs = 0;
  /** Set to see that the oracle notices: what the hub is told instead of a change. */
  sabotage: ((changes: readonly KeyChange[]) => readonly KeyChange[]) | undefined;
  #events = 0;
  #compacted = 0;
  #cancelled = 0;

  constructor(prng: Prng, limits: WatchLimits) {
    this.#prng = prng;
    this.store = openStore(new MemoryStorage(), new MemoryLeases(), this);
    this.#hub = new WatchHub(this.store, this.#feed, limits);
  }

  get counts(): WorldCounts {
    return { events: this.#events, compacted: this.#compacted, cancelled: this.#cancelled };
  }

  onChanges(revision: number, changes: readonly KeyChange[]): void {
    for (const { key, tombstone, keyValue } of changes) {
      const kv = decodeKeyValue(keyValue.slice());
      const previous = this.#newest.get(key);
      this.changes.push({ revision, key, isDelete: tombstone, kv, previous });
      if (tombstone) this.#newest.delete(key);
      else this.#newest.set(key, kv);
    }
    this.#feed.onChanges(revision, this.sabotage?.(changes) ?? changes);
  }

  /** The next change that a watcher has to be shown. Moves over what it does not want. */
  nextFor(watcher: WatcherModel): Shown | undefined {
    while (watcher.position < this.changes.length) {
      const change = this.changes[watcher.position];
      if (watcher.wants(change)) return change;
      watcher.position++;
    }
    return undefined;
  }

  /** One random thing happens. */
  step(): void {
    const choice = this.#prng.below(100);
    if (choice < 35) this.#write();
    else if (choice < 45) this.#create();
    else if (choice < 50) this.#cancel();
    else if (choice < 53) this.#compact();
    else if (choice < 57) this.#open();
    else if (choice < 58) this.#close();
    else if (choice < 63) this.#askProgress();
    else if (choice < 75) this.#giveRoom();
    else this.#pump(this.#prng.between(1, 6));
  }

  /** Everybody reads until nothing is left; then everything must have been shown. */
  drain(): void {
    for (const model of this.#streams) this.#roomFor(model, Number.POSITIVE_INFINITY);
    for (let turns = 0; this.#pump(50); turns++) assert(turns < 10_000, "Pumping never ends");
    for (const model of this.#streams) {
      model.checkDone();
      for (const watcher of model.watchers.values()) this.#account(watcher);
      if (model.stream !== undefined) this.#hub.close(model.stream);
    }
    this.#streams = [];
    assert(this.#hub.watchers === 0, "Closed streams have no watchers");
    this.#pump(1);
    assert(!this.#feed.listening, "Without watchers nothing is kept");
  }

  #write(): void {
    const { store } = this;
    const operations: RequestOp[] = [];
    const keys = new Set<string>();
    for (let left = this.#prng.below(5); left >= 0; left--) keys.add(this.#key());
    for (const text of keys) {
      const key = bytesFromLatin1(text);
      if (this.#prng.chance(0.3)) {
        const value = createDeleteRangeRequest({ key });
        operations.push({ request: { case: "requestDeleteRange", value } });
      } else {
        const value = createPutRequest({ key, value: new Uint8Array(this.#prng.below(60)) });
        operations.push({ request: { case: "requestPut", value } });
      }
    }
    const [{ request }] = operations;
    if (operations.length > 1) {
      executeTxn(store, createTxnRequest({ success: operations }));
    } else if (request?.case === "requestPut") {
      executePut(store, request.value);
    } else {
      executeDeleteRange(store, createDeleteRangeRequest({ ...this.#range() }));
    }
  }

  #create(): void {
    if (this.#streams.length === 0) this.#open();
    const model = this.#prng.pick(this.#streams);
    if (model.stream === undefined) return;
    const request = createWatchCreateRequest({
      ...this.#range(),
      startRevision: this.#start(),
      prevKv: this.#prng.chance(0.4),
      progressNotify: this.#prng.chance(0.3),
      watchId: this.#prng.chance(0.2) ? BigInt(this.#prng.below(6)) : 0n,
      filters: [FilterType.NOPUT, FilterType.NODELETE].filter(() => this.#prng.chance(0.15)),
    });
    const now = this.store.revision;
    const created = this.#hub.create(model.stream, request);
    if (typeof created === "string") {
      const isKnown = model.watchers.has(Number(request.watchId));
      assert(created === "duplicateId" && isKnown, () => `Refused as ${created}`);
      return;
    }
    assert(!model.watchers.has(created.id), "An id is given once");
    const start = request.startRevision === 0 ? now + 1 : request.startRevision;
    const watcher = new WatcherModel(request, start);
    watcher.mustEnd = start <= now && start < this.store.compactRevision;
    model.watchers.set(created.id, watcher);
  }

  #start(): number {
    const { revision } = this.store;
    if (this.#prng.chance(0.4)) return 0;
    if (this.#prng.chance(0.2)) return revision + this.#prng.between(1, 5);
    if (this.#prng.chance(0.1)) return Math.max(1, this.store.compactRevision);
    return this.#prng.between(1, revision);
  }

  #cancel(): void {
    const model = this.#anyStream();
    const [id, watcher] = this.#prng.pick([...(model?.watchers ?? []), [-1, undefined] as const]);
    if (model?.stream === undefined || watcher === undefined) return;
    assert(this.#hub.cancel(model.stream, BigInt(id)), "A watcher can be cancelled");
    assert(!this.#hub.cancel(model.stream, BigInt(id)), "A watcher can be cancelled once");
    model.watchers.delete(id);
    model.endedOne();
    this.#account(watcher);
    this.#cancelled++;
  }

  #compact(): void {
    this.store.compact(
      this.#prng.between(Math.max(1, this.store.revision - 30), this.store.revision),
    );
    while (this.#prng.chance(0.8)) this.store.compactStep(5);
  }

  #open(): void {
    if (this.#streams.length >= 6) return;
    const model = new StreamModel(this, this.#prng.below(2));
    model.stream = this.#hub.open(model, model.connection, this.#prng.between(100, 300));
    this.#streams.push(model);
  }

  #close(): void {
    const model = this.#anyStream();
    if (model?.stream === undefined) return;
    this.#hub.close(model.stream);
    model.room = 0;
    this.#streams = this.#streams.filter((each) => each !== model);
    for (const watcher of model.watchers.values()) this.#account(watcher);
  }

  #askProgress(): void {
    const model = this.#anyStream();
    if (model?.stream === undefined || model.watchers.size === 0) return;
    this.#hub.requestProgress(model.stream);
    if (model.hasLive()) model.progressAsked = true;
  }

  #giveRoom(): void {
    const model = this.#anyStream();
    if (model !== undefined) this.#roomFor(model, this.#prng.between(1, 6));
  }

  #roomFor(model: StreamModel, room: number): void {
    const hadNone = model.room === 0;
    model.room += room;
    if (hadNone && model.stream !== undefined) this.#hub.resume(model.stream);
  }

  #pump(budget: number): boolean {
    this.#nowMs += this.#prng.below(30);
    return this.#hub.pump(budget, this.#nowMs);
  }

  #account(watcher: WatcherModel): void {
    this.#events += watcher.events;
    if (watcher.ended) this.#compacted++;
  }

  #anyStream(): StreamModel | undefined {
    return this.#streams.length === 0 ? undefined : this.#prng.pick(this.#streams);
  }

  #key(): string {
    return this.#prng.pick(["a", "aa", "ab", "b", "ba", "c", "d\xff"]);
  }

  #range(): { key: Uint8Array; rangeEnd: Uint8Array } {
    const kind = this.#prng.below(4);
    const [from, to] = [this.#key(), this.#key()].sort();
    const end = kind === 0 ? "" : kind === 1 ? "\0" : `${to}\xfe`;
    return { key: bytesFromLatin1(from), rangeEnd: bytesFromLatin1(end) };
  }
}
