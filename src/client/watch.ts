/**
 * Watches: what happens to keys, as it happens or from a revision of the past.
 *
 * ```ts
 * const watcher = await client.watch.open({ key: bytesFromUtf8("name"), prevKv: true });
 * for await (const { events } of watcher) for (const { type, kv, prevKv } of events) { … }
 * ```
 *
 * Source: etcd client/v3/watch.go.
 */
import type { Clock } from "../ports/clock.ts";
import type { WatchCreateRequest, WatchResponse } from "../wire/gen/rpc.ts";
import { type CancelSignal, onAbort } from "./cancel-signal.ts";
import { answersOf } from "./inbox.ts";
import { DEADLINE_TIMER_MS_MAX } from "./limits.ts";
import { CANCELLED, DEADLINE_EXCEEDED } from "./rpc-status.ts";
import { WatchEntry } from "./watch-entry.ts";
import { type StreamOpener, type WhenLeaderless, WatchSession } from "./watch-session.ts";

/** How a watch is run. */
export interface WatchOptions {
  /** When the watch must have started, in milliseconds of the client's clock; never when absent. */
  readonly deadlineMs?: number | undefined;
  /** Ends the watch when aborted, as `cancel` does. */
  readonly signal?: CancelSignal | undefined;
  /** Ends the watch with `Errors.NoLeader` when the member that serves it has lost its leader. */
  readonly requireLeader?: boolean | undefined;
  /** Goes on at another member when the member that serves the watch has lost its leader. */
  readonly movesToLeader?: boolean | undefined;
  /** Gives the watch a stream of its own, instead of one that it shares with the client's others. */
  readonly ownStream?: boolean | undefined;
}

/** One watch. Read it with `for await` or `next`, by one reader. */
export class Watcher {
  readonly #entry: WatchEntry;
  readonly #session: WatchSession;

  constructor(entry: WatchEntry, session: WatchSession) {
    this.#entry = entry;
    this.#session = session;
  }

  /**
   * The next answer: events of one or more whole revisions, in order, none twice and none left out, over any
   * number of lost connections; or an answer without events, which says that everything up to the revision
   * of its header has been told. `undefined` after `cancel`. Throws `WatchCanceledError` when the server has
   * ended the watch, and `EtcdError` when no server will have it.
   */
  async next(): Promise<WatchResponse | undefined> {
    const response = await this.#entry.next();
    this.#session.wasRead(this.#entry);
    return response;
  }

  /** The revision behind the last one that has come, whether it was read or not: where a later watch would go on. */
  get position(): number {
    return this.#entry.position;
  }

  /** As `Watch.requestProgress`, for the watches that share its stream. */
  requestProgress(): void {
    this.#session.requestProgress();
  }

  /** Ends the watch; what was not read is dropped. */
  cancel(): void {
    this.#session.remove(this.#entry);
    this.#entry.drop();
  }

  /** The answers up to the end, as `next`. Leaving the loop early ends the watch. */
  [Symbol.asyncIterator](): AsyncGenerator<WatchResponse, void, undefined> {
    return answersOf(this);
  }
}

/** The watches of one client. */
export class Watch {
  readonly #channel: StreamOpener;
  readonly #clock: Clock;
  /** Shared streams, by what becomes of watches whose server has lost its leader. */
  readonly #shared: Readonly<Record<WhenLeaderless, WatchSession>>;
  readonly #own = new Set<WatchSession>();

  constructor(channel: StreamOpener, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
    this.#shared = {
      stay: new WatchSession(channel, clock, "stay"),
      end: new WatchSession(channel, clock, "end"),
      move: new WatchSession(channel, clock, "move"),
    };
  }

  /**
   * Starts a watch; resolves when the server has accepted it, so that with start revision 0 every later
   * change is seen. Waits while no server can be reached, up to its deadline. Throws `WatchCanceledError` or
   * `EtcdError` when it is refused or `options.signal` aborts. The server chooses the watch id.
   */
  open(request: Partial<WatchCreateRequest>, options: WatchOptions = {}): Promise<Watcher> {
    const { signal, deadlineMs, ownStream = false } = options;
    if (signal?.aborted === true) return Promise.reject(CANCELLED);
    const leftMs = (deadlineMs ?? Number.POSITIVE_INFINITY) - this.#clock.nowMs();
    if (leftMs <= 0) return Promise.reject(DEADLINE_EXCEEDED);
    const kind = whenLeaderless(options);
    const session = ownStream ? this.#openOwn(kind) : this.#shared[kind];
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        session.remove(entry);
        entry.drop();
      };
      const entry: WatchEntry = new WatchEntry(request, {
        onCreated: () => {
          timer?.cancel();
          resolve(new Watcher(entry, session));
        },
        onEnded: (error) => {
          timer?.cancel();
          unlisten();
          this.#own.delete(session);
          reject(error ?? CANCELLED);
        },
      });
      const onDeadline = (): void => {
        session.remove(entry);
        entry.end(DEADLINE_EXCEEDED);
      };
      const timer =
        leftMs > DEADLINE_TIMER_MS_MAX ? undefined : this.#clock.after(leftMs, onDeadline);
      const unlisten = onAbort(signal, leave);
      session.add(entry);
    });
  }

  /**
   * Asks for the progress of all watches that share a stream: each gets an answer without events when every
   * one of them has been told everything up to the revision in its header. Does nothing without such watches.
   */
  requestProgress(options: Pick<WatchOptions, "requireLeader" | "movesToLeader"> = {}): void {
    this.#shared[whenLeaderless(options)].requestProgress();
  }

  /** Ends every watch. */
  close(): void {
    for (const session of [...Object.values(this.#shared), ...this.#own]) session.close();
  }

  #openOwn(kind: WhenLeaderless): WatchSession {
    const session = new WatchSession(this.#channel, this.#clock, kind);
    this.#own.add(session);
    return session;
  }
}

function whenLeaderless({
  requireLeader = false,
  movesToLeader = false,
}: Pick<WatchOptions, "requireLeader" | "movesToLeader">): WhenLeaderless {
  if (requireLeader) return "end";
  return movesToLeader ? "move" : "stay";
}
