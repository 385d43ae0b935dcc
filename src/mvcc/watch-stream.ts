/**
 * The watchers of one client's stream, and the turns in which streams and connections are served. All
 * that happens to them is in `watch-hub.ts`.
 */
import { assert } from "../stdx/assert.ts";
import type { WatchBatch } from "./watch-batch.ts";
import { type WatchId, WatcherQueue, type Watcher } from "./watcher.ts";

/**
 * Takes what the watchers of a stream are shown, one call one response. Each returns whether there is room
 * for more: after `false` nothing follows until `WatchHub.resume`. Called from within `pump` only.
 */
export interface WatchReceiver {
  /** `fragment`: a response that is too large may be split. */
  onEvents(id: WatchId, fragment: boolean, batch: WatchBatch): boolean;
  /** The watcher has ended: what it would be shown next is below the compact revision. */
  onCompacted(id: WatchId, compactRevision: number): boolean;
  /** Everything up to `revision` was shown to this watcher. */
  onProgress(id: WatchId, revision: number): boolean;
  /** Everything up to `revision` was shown to all watchers of the stream, as it was asked for. */
  onStreamProgress(revision: number): boolean;
}

/** First come, first served; an element is in it at most once. A ring that grows with what it has held. */
export class TurnQueue<T extends { queuedForTurn: boolean }> {
  #ring: (T | undefined)[] = [undefined];
  #first = 0;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  push(element: T): void {
    if (element.queuedForTurn) return;
    element.queuedForTurn = true;
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#length) & (this.#ring.length - 1)] = element;
    this.#length++;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const element = this.#ring[this.#first];
    assert(element !== undefined, "A ring has no gaps");
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    this.#length--;
    element.queuedForTurn = false;
    return element;
  }

  /** Doubles the ring, whose length is a power of two. */
  #grow(): void {
    const ring = this.#ring;
    this.#ring = [...ring.slice(this.#first), ...ring.slice(0, this.#first)];
    for (let i = this.#length; i > 0; i--) this.#ring.push(undefined);
    this.#first = 0;
  }
}

/** The streams of one connection, which take turns; connections take turns with each other. */
export class WatchConnection {
  readonly turns = new TurnQueue<WatchStream>();
  queuedForTurn = false;
  streams = 0;
}

export class WatchStream {
  readonly receiver: WatchReceiver;
  /** The key of `connection` with the hub. */
  readonly connectionKey: unknown;
  readonly connection: WatchConnection;
  /** Compacted ones stay until they are cancelled, as in etcd: their ids are taken. */
  readonly watchers = new Map<WatchId, Watcher>();
  readonly queue = new WatcherQueue();
  queuedForTurn = false;
  /** The receiver has no room. */
  blocked = false;
  closed = false;
  nextId = 0;
  /** Watchers that have not ended. */
  live = 0;
  /** A progress response for the whole stream was asked for. */
  progressWanted = false;
  /** No watcher starts later than this. */
  startMax = 0;
  /** The watcher behind `startMax` may have ended. */
  startMaxStale = false;
  /** Watchers with progress notifications. */
  notified = 0;
  /** Milliseconds between two rounds of progress notifications, and when the next one is. */
  readonly progressIntervalMs: number;
  nextProgressMs: number;

  constructor(
    receiver: WatchReceiver,
    connectionKey: unknown,
    connection: WatchConnection,
    progressIntervalMs: number,
    nowMs: number,
  ) {
    this.receiver = receiver;
    this.connectionKey = connectionKey;
    this.connection = connection;
    this.progressIntervalMs = progressIntervalMs;
    this.nextProgressMs = nowMs + progressIntervalMs;
  }
}
