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
import { FilterType, type WatchCreateRequest, type WatchResponse } from "../wire/gen/rpc.ts";
import type { Deadlines } from "./call-bounds.ts";
import { Entry } from "./entry.ts";
import type { KeySpace, KeyTarget } from "./key-space.ts";

/** What every change of a key tells. */
interface KeyChange {
  /** As text; ill-formed UTF-8 becomes U+FFFD. */
  readonly key: string;
  /** As bytes: a view, not to be written to. */
  readonly keyBytes: Uint8Array;
  /** At which it happened. */
  readonly revision: number;
  /** What was there before, where that was asked for and is not compacted. */
  readonly previous: Entry | undefined;
}

/** A key was set. */
export interface PutEvent extends KeyChange {
  /** Tells it from other events. */
  readonly type: "put";
  /** What is there now. */
  readonly entry: Entry;
}

/** A key was deleted, or its lease has ended. */
export interface DeleteEvent extends KeyChange {
  /** Tells it from other events. */
  readonly type: "delete";
}

/** What happened before `revision` is lost: whoever mirrors the keys reads them anew. The watch goes on there. */
export interface CompactedEvent {
  /** Tells it from other events. */
  readonly type: "compacted";
  /** The first one that is still told. */
  readonly revision: number;
}

/** Everything up to `revision` was told. */
export interface ProgressEvent {
  /** Tells it from other events. */
  readonly type: "progress";
  /** Of the whole store. */
  readonly revision: number;
}

/** What every watch tells. */
export type WatchEvent = PutEvent | DeleteEvent;

/** What a watch with these options tells. */
export type EventsOf<Options extends KeyWatchOptions> =
  | WatchEvent
  | ("onCompacted" extends keyof Options
      ? "restart" extends Options["onCompacted"]
        ? CompactedEvent
        : never
      : never)
  | ("progress" extends keyof Options
      ? true extends Options["progress"]
        ? ProgressEvent
        : never
      : never);

/** What watches tell with all options. */
export type AnyEvent = WatchEvent | CompactedEvent | ProgressEvent;

/** How keys are watched. */
export interface KeyWatchOptions {
  /** Milliseconds until it must have started; the client's own where absent, `Infinity` for no end. */
  readonly timeoutMs?: number | undefined;
  /** First revision to tell of; from now on when absent or 0. */
  readonly startRevision?: number | undefined;
  /** Tells what was there before each change. */
  readonly previous?: boolean | undefined;
  /** Tells of changes of one kind alone; of all when absent. */
  readonly only?: "put" | "delete" | undefined;
  /** What becomes of the watch when revisions that it has not told of are compacted; `"fail"` when absent. */
  readonly onCompacted?: "fail" | "restart" | undefined;
  /** Tells, from time to time and when it is asked to, up to where everything was told; it does not when absent. */
  readonly progress?: boolean | undefined;
  /** Gives the watch a stream of its own, instead of one that it shares with the client's others. */
  readonly ownStream?: boolean | undefined;
  /**
   * Ends the watch with `Errors.NoLeader` when the member that serves it has lost its leader; it goes on at another one
   * when absent.
   */
  readonly requireLeader?: boolean | undefined;
  /** Ends the watch when it aborts: loops end without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** What watches need of their client. */
export interface WatchParts {
  readonly watch: Watch;
  readonly space: KeySpace;
  readonly deadlines: Deadlines;
}

/**
 * Starts a watch; resolves when the server has accepted it, so that every later change is told. Waits while no
 * server can be reached, as long as its start may take. Throws `EtcdError` when it is refused, or with the code `Canceled`
 * when the signal aborts.
 */
export async function openWatchStream<Options extends KeyWatchOptions>(
  { watch, space, deadlines }: WatchParts,
  target: KeyTarget,
  options: Options,
): Promise<WatchStream<EventsOf<Options>>> {
  const { startRevision = 0, previous = false, only, progress = false } = options;
  const { requireLeader, ownStream, signal } = options;
  const request: Partial<WatchCreateRequest> = {
    ...space.range(target),
    startRevision,
    prevKv: previous,
    progressNotify: progress,
    fragment: true,
    filters: only === undefined ? [] : [only === "put" ? FilterType.NODELETE : FilterType.NOPUT],
  };
  const open = (from: number, deadlineMs?: number): Promise<Watcher> =>
    watch.open(
      { ...request, startRevision: from },
      { requireLeader, movesToLeader: true, ownStream, signal, deadlineMs },
    );
  const { deadlineMs } = deadlines.of(options);
  const watcher = await open(startRevision, deadlineMs);
  const restarts = options.onCompacted === "restart";
  return new WatchStream(watcher, { open, restarts, tellsProgress: progress, space });
}

/** How the watch of a stream is read, and started again. */
interface StreamSettings {
  readonly open: (startRevision: number) => Promise<Watcher>;
  readonly restarts: boolean;
  readonly tellsProgress: boolean;
  readonly space: KeySpace;
}

/** One watch. Read it with `for await` or `next`, by one reader; leaving the loop ends it. */
export class WatchStream<E extends AnyEvent = WatchEvent> {
  readonly #settings: StreamSettings;
  #watcher: Watcher;
  /** Events of the last answer that were not read, the next one last. */
  #unread: AnyEvent[] = [];
  #revision: number;
  /** Of the last answer. */
  #answerRevision = 0;
  #isCancelled = false;

  /** To be called by `openWatchStream` alone. @internal */
  constructor(watcher: Watcher, settings: StreamSettings) {
    this.#watcher = watcher;
    this.#settings = settings;
    this.#revision = watcher.position - 1;
  }

  /**
   * Everything up to this revision, and nothing behind it, was told by `next`: another watch would go on at the one behind
   * it. At first it is the revision at which the watch began.
   */
  get revision(): number {
    return this.#revision;
  }

  /**
   * The next event, in the order in which they happened, none twice and none left out; `undefined` behind the
   * end. Throws `WatchCanceledError` when the server ends the watch, and `EtcdError` when no server will have it.
   */
  async next(): Promise<E | undefined> {
    for (;;) {
      const event = this.#unread.pop();
      if (event !== undefined) {
        const isLast = this.#unread.length === 0;
        const revision = isLast ? this.#answerRevision : event.revision - 1;
        this.#revision = Math.max(this.#revision, revision);
        // Which events there are is said by whoever opens the watch.
        return event as E;
      }
      if (this.#isCancelled || !(await this.#read())) return undefined;
    }
  }

  /** Asks for a progress event, which comes when everything up to now has been told, where `progress` was asked for. */
  requestProgress(): void {
    this.#watcher.requestProgress();
  }

  /** Ends the watch; what was not read is dropped. */
  cancel(): void {
    this.#isCancelled = true;
    this.#unread = [];
    this.#watcher.cancel();
  }

  /** As `cancel`. */
  [Symbol.dispose](): void {
    this.cancel();
  }

  /** The events one by one, until the watch ends. Throws as `next`; leaving the loop ends the watch. */
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
      this.#take(answer);
    } catch (error) {
      const isCompacted = error instanceof WatchCanceledError && error.response.compactRevision > 0;
      if (!isCompacted || !this.#settings.restarts) throw error;
      const revision = error.response.compactRevision;
      this.#watcher = await this.#settings.open(revision);
      if (this.#isCancelled) this.#watcher.cancel();
      else {
        this.#answerRevision = revision - 1;
        this.#unread = [{ type: "compacted", revision }];
      }
    }
    return true;
  }

  #take({ events, header }: WatchResponse): void {
    const { space, tellsProgress } = this.#settings;
    const revision = events.at(-1)?.kv?.modRevision ?? header?.revision ?? 0;
    this.#answerRevision = revision;
    this.#unread = events.map((event) => watchEvent(event, space)).reverse();
    if (events.length > 0) return;
    if (tellsProgress) this.#unread = [{ type: "progress", revision }];
    else this.#revision = Math.max(this.#revision, revision);
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
