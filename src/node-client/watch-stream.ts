/**
 * Watches as streams of single events, over any number of lost connections.
 *
 * ```ts
 * for await (const event of await client.watch({ prefix: "users/" })) {
 *   if (event.type === "put") console.log(event.key, event.entry.value);
 * }
 * ```
 *
 * A watch that comes back after its revision was compacted cannot tell everything. By default it ends then, with a
 * `WatchCanceledError`; with `onCompacted: "restart"` it says so in an event and goes on with what is left.
 */
import type { Watch, Watcher } from "../client/watch.ts";
import { WatchCanceledError } from "../client/watch-entry.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import { type Event, EventType } from "../wire/gen/kv.ts";
import { FilterType, type WatchCreateRequest } from "../wire/gen/rpc.ts";
import { Entry } from "./entry.ts";
import type { KeySpace, KeyTarget } from "./key-space.ts";

/** What every change of a key tells. */
interface KeyChange {
  readonly key: string;
  readonly keyBytes: Uint8Array;
  /** At which it happened. */
  readonly revision: number;
  /** What was there before, where that was asked for and is not compacted. */
  readonly previous: Entry | undefined;
}

/** A key was set. */
export interface PutEvent extends KeyChange {
  readonly type: "put";
  readonly entry: Entry;
}

/** A key was deleted, or its lease has ended. */
export interface DeleteEvent extends KeyChange {
  readonly type: "delete";
}

/** What happened before `revision` is lost: whoever mirrors the keys reads them anew. The watch goes on there. */
export interface CompactedEvent {
  readonly type: "compacted";
  readonly revision: number;
}

export type WatchEvent = PutEvent | DeleteEvent;

/** How keys are watched. */
export interface KeyWatchOptions {
  /** First revision to tell of; from now on when absent or 0. */
  readonly startRevision?: number | undefined;
  /** Tells what was there before each change. */
  readonly previous?: boolean | undefined;
  /** Tells of changes of one kind alone. */
  readonly only?: "put" | "delete" | undefined;
  /** What becomes of the watch when revisions that it has not told of are compacted; `"fail"` when absent. */
  readonly onCompacted?: "fail" | "restart" | undefined;
  /** Ends the watch with `Errors.NoLeader` when the member that serves it has lost its leader. */
  readonly requireLeader?: boolean | undefined;
  /** Ends the watch when it aborts: loops end without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** What watches need of their client. */
export interface WatchParts {
  readonly watch: Watch;
  readonly space: KeySpace;
}

/**
 * Starts a watch; resolves when the server has accepted it, so that every later change is told. Waits while no
 * server can be reached. Throws `EtcdError` when it is refused, or with the code `Canceled` when the signal aborts.
 */
export async function openWatchStream<E extends WatchEvent | CompactedEvent>(
  { watch, space }: WatchParts,
  target: KeyTarget,
  options: KeyWatchOptions,
): Promise<WatchStream<E>> {
  const { startRevision = 0, previous = false, only, requireLeader, signal } = options;
  const request: Partial<WatchCreateRequest> = {
    ...space.range(target),
    startRevision,
    prevKv: previous,
    fragment: true,
    filters: only === undefined ? [] : [only === "put" ? FilterType.NODELETE : FilterType.NOPUT],
  };
  const open = (from: number): Promise<Watcher> =>
    watch.open({ ...request, startRevision: from }, { requireLeader, signal });
  const restarts = options.onCompacted === "restart";
  return new WatchStream<E>(await open(startRevision), open, restarts, space);
}

/** One watch. Read it with `for await` or `next`, by one reader; leaving the loop ends it. */
export class WatchStream<E extends WatchEvent | CompactedEvent = WatchEvent> {
  readonly #open: (startRevision: number) => Promise<Watcher>;
  readonly #restarts: boolean;
  readonly #space: KeySpace;
  #watcher: Watcher;
  /** Events of the last answer that were not read, the next one last. */
  #unread: (WatchEvent | CompactedEvent)[] = [];
  #isCancelled = false;

  constructor(
    watcher: Watcher,
    open: (startRevision: number) => Promise<Watcher>,
    restarts: boolean,
    space: KeySpace,
  ) {
    this.#watcher = watcher;
    this.#open = open;
    this.#restarts = restarts;
    this.#space = space;
  }

  /**
   * The next event, in the order in which they happened, none twice and none left out; `undefined` behind the
   * end. Throws `WatchCanceledError` when the server ends the watch, and `EtcdError` when no server will have it.
   */
  async next(): Promise<E | undefined> {
    for (;;) {
      const event = this.#unread.pop();
      // Whether there are events of compaction is said by whoever opens the watch.
      if (event !== undefined) return event as E;
      if (this.#isCancelled || !(await this.#read())) return undefined;
    }
  }

  /** Ends the watch; what was not read is dropped. */
  cancel(): void {
    this.#isCancelled = true;
    this.#unread = [];
    this.#watcher.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    try {
      for (let event = await this.next(); event !== undefined; event = await this.next()) {
        yield event;
      }
    } finally {
      this.cancel();
    }
  }

  /** Reads one answer; false behind the end. */
  async #read(): Promise<boolean> {
    try {
      const answer = await this.#watcher.next();
      if (answer === undefined) return false;
      this.#unread = answer.events.map((event) => watchEvent(event, this.#space)).reverse();
    } catch (error) {
      const isCompacted = error instanceof WatchCanceledError && error.response.compactRevision > 0;
      if (!isCompacted || !this.#restarts) throw error;
      const revision = error.response.compactRevision;
      this.#watcher = await this.#open(revision);
      if (this.#isCancelled) this.#watcher.cancel();
      else this.#unread = [{ type: "compacted", revision }];
    }
    return true;
  }
}

function watchEvent({ type, kv, prevKv }: Event, space: KeySpace): WatchEvent {
  const keyBytes = kv === undefined ? EMPTY_BYTES : space.shown(kv.key);
  const key = utf8FromBytes(keyBytes);
  const revision = kv?.modRevision ?? 0;
  const previous = prevKv === undefined ? undefined : new Entry(prevKv, space);
  const change = { key, keyBytes, revision, previous };
  if (type === EventType.DELETE || kv === undefined) return { type: "delete", ...change };
  return { type: "put", ...change, entry: new Entry(kv, space) };
}
