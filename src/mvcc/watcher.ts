/**
 * A watcher: a cursor into the history of the keyspace, for the keys of one range, on one stream. It holds
 * no events. Watchers of the same range form a group, which knows what is new for them.
 *
 * ```
 *            something new in its group, or a progress notification due
 *   waiting ─────────────────────────────────────────────────────────────> queued ──> gone
 *      ^                                                                     │
 *      └────────────── everything up to the newest revision was shown ───────┘
 * ```
 * A waiting watcher is in the list of its group and costs nothing, whatever is written elsewhere; its
 * `nextRevision` stands still and only its start counts. A queued one is in the queue of its stream.
 */
import { assert } from "../stdx/assert.ts";
import type { KeyRange } from "./key-range.ts";
import type { WatchEvents } from "./watch-batch.ts";
import type { WatchStream } from "./watch-stream.ts";

/** Chosen by the client, or by the server from 0; a bigint only beyond the safe integers. */
export type WatchId = number | bigint;

/** What a watcher asked for and what it waits for: bits of `Watcher.flags`, above those of `EventForm`. */
export const WatcherFlag = {
  FORM: 7,
  FRAGMENT: 8,
  PROGRESS: 16,
  /** It was sent events since the last round of progress notifications. */
  SENT: 32,
  /** A progress notification is due once it has been shown everything. */
  PROGRESS_DUE: 64,
  /** It starts in the past, and was shown nothing yet. */
  NEW: 128,
} as const;

/** "loose" between two lists; "ended" for good. */
export type WatcherState = "loose" | "waiting" | "queued" | "ended";

export class Watcher {
  readonly stream: WatchStream;
  readonly group: WatchGroup;
  readonly id: WatchId;
  flags: number;
  state: WatcherState = "loose";
  /** Everything below was shown, or was not asked for. */
  nextRevision: number;
  /** Neighbours in the list of the group or the queue of the stream. */
  before: Watcher | undefined = undefined;
  after: Watcher | undefined = undefined;

  constructor(
    stream: WatchStream,
    group: WatchGroup,
    id: WatchId,
    flags: number,
    nextRevision: number,
  ) {
    this.stream = stream;
    this.group = group;
    this.id = id;
    this.flags = flags;
    this.nextRevision = nextRevision;
  }

  get form(): number {
    return this.flags & WatcherFlag.FORM;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}

/** Watchers of one range. */
export class WatchGroup {
  readonly from: string;
  /** As in `KeyRange`; `undefined`, too, where the group watches the one key `from`. */
  readonly end: string | undefined;
  readonly isSingleKey: boolean;
  /** Watchers that wait and have been shown everything before `newFrom`, in no order. */
  waiting: Watcher | undefined = undefined;
  /** All watchers, and how many of them are queued. */
  watchers = 0;
  queued = 0;
  /** What is new and was not shown to all yet. */
  recent: WatchEvents | undefined = undefined;
  /** `recent` holds all events of the range from this revision on; what is older is in storage. */
  recentFrom: number;
  /** First revision with events that the waiting watchers have not been told of; 0 for none. */
  newFrom = 0;
  /** Watchers that waited when the events from `spreadFrom` on came, and are not queued yet. */
  spreading: Watcher | undefined = undefined;
  spreadFrom = 0;
  /** In the queue of groups with news. */
  queuedForTurn = false;

  constructor({ from, end }: KeyRange, isSingleKey: boolean, recentFrom: number) {
    this.from = from;
    this.end = isSingleKey ? undefined : end;
    this.isSingleKey = isSingleKey;
    this.recentFrom = recentFrom;
  }

  /** Whether `key`, which is not below `from`, is one of the range. */
  reaches(key: string): boolean {
    if (this.isSingleKey) return key === this.from;
    return this.end === undefined || key < this.end;
  }

  /** Whether some watchers have not been told of new events. */
  get hasNews(): boolean {
    return this.newFrom !== 0 || this.spreading !== undefined;
  }

  /** All watchers that wait are to be told of the new events. */
  startSpreading(): void {
    assert(this.spreading === undefined, "News are spread one after the other");
    this.spreading = this.waiting;
    this.spreadFrom = this.newFrom;
    this.waiting = undefined;
    this.newFrom = 0;
  }

  /** Bytes that its range costs each watcher. */
  get keyBytes(): number {
    return this.from.length + (this.end?.length ?? 0);
  }

  addWaiting(watcher: Watcher): void {
    assert(watcher.state === "loose", "A watcher is in one list at a time");
    watcher.state = "waiting";
    watcher.after = this.waiting;
    if (this.waiting !== undefined) this.waiting.before = watcher;
    this.waiting = watcher;
  }

  removeWaiting(watcher: Watcher): void {
    assert(watcher.state === "waiting", "Only a waiting watcher is in the list of its group");
    const { before, after } = watcher;
    if (before !== undefined) before.after = after;
    else if (this.spreading === watcher) this.spreading = after;
    else this.waiting = after;
    if (after !== undefined) after.before = before;
    unlinked(watcher);
  }
}

/** Watchers that have something to be shown, first come, first served. */
export class WatcherQueue {
  #first: Watcher | undefined;
  #last: Watcher | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): Watcher | undefined {
    return this.#first;
  }

  push(watcher: Watcher): void {
    assert(watcher.state === "loose", "A watcher is in one list at a time");
    watcher.state = "queued";
    watcher.before = this.#last;
    if (this.#last === undefined) this.#first = watcher;
    else this.#last.after = watcher;
    this.#last = watcher;
    this.#length++;
  }

  remove(watcher: Watcher): void {
    assert(watcher.state === "queued", "Only a queued watcher is in the queue of its stream");
    const { before, after } = watcher;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#length--;
    unlinked(watcher);
  }
}

function unlinked(watcher: Watcher): void {
  watcher.before = undefined;
  watcher.after = undefined;
  watcher.state = "loose";
}
