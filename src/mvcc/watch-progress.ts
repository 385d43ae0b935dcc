/**
 * Progress of watchers that have nothing to be shown: notifications in rounds, and the answers to clients
 * who ask how far their whole stream is. Neither ever speaks of a revision whose events are still to be
 * shown.
 *
 * Differs from etcd: a request for progress that comes while a watcher of the stream is behind is answered
 * once all of them have been shown everything; etcd ignores it.
 *
 * Source: etcd server/etcdserver/api/v3rpc/watch.go (sendLoop), server/mvcc/watchable_store.go (progress).
 */
import { WATCH_PROGRESS_PAUSE_MS } from "./limits.ts";
import type { WatchStream } from "./watch-stream.ts";
import { type Watcher, WatcherFlag } from "./watcher.ts";

export class WatchProgress {
  /** Streams with watchers that want notifications. */
  readonly #notified = new Set<WatchStream>();
  /** No round is due before. */
  #nextRoundMs = Number.POSITIVE_INFINITY;
  /** Streams that may be answered. */
  readonly #asking = new Set<WatchStream>();

  /** The stream has one more watcher that wants notifications. */
  added(stream: WatchStream, nowMs: number): void {
    stream.notified++;
    if (stream.notified > 1) return;
    skipMissedRounds(stream, nowMs);
    this.#notified.add(stream);
    this.#nextRoundMs = Math.min(this.#nextRoundMs, stream.nextProgressMs);
  }

  removed(stream: WatchStream): void {
    stream.notified--;
    if (stream.notified === 0) this.#notified.delete(stream);
  }

  forget(stream: WatchStream): void {
    this.#notified.delete(stream);
    this.#asking.delete(stream);
  }

  /**
   * Gives a round to the streams that are due: calls `queue` with each watcher that waits and was shown
   * nothing since the last one. O(streams with notifications) when one is due, O(1) otherwise.
   */
  round(nowMs: number, head: number, queue: (watcher: Watcher) => void): void {
    if (nowMs < this.#nextRoundMs) return;
    let nextRoundMs = Number.POSITIVE_INFINITY;
    for (const stream of this.#notified) {
      if (stream.nextProgressMs <= nowMs) {
        notify(stream, head, queue);
        skipMissedRounds(stream, nowMs);
      }
      nextRoundMs = Math.min(nextRoundMs, stream.nextProgressMs);
    }
    this.#nextRoundMs = Math.max(nextRoundMs, nowMs + WATCH_PROGRESS_PAUSE_MS);
  }

  /** Something has changed that may let the question of a stream be answered. */
  consider(stream: WatchStream): void {
    if (stream.progressWanted && !stream.closed) this.#asking.add(stream);
  }

  /**
   * Answers the streams whose watchers all have been shown everything up to `head`. `allTold`: no group has
   * news that its watchers have not been told of.
   */
  answer(head: number, allTold: boolean): void {
    for (const stream of this.#asking) {
      if (stream.queue.length > 0 || stream.blocked || !stream.progressWanted) {
        // Considered again when that has changed.
        this.#asking.delete(stream);
      } else if (!allTold && hasNews(stream)) {
        continue;
      } else if (!startsLater(stream, head)) {
        stream.progressWanted = false;
        this.#asking.delete(stream);
        if (!stream.receiver.onStreamProgress(head)) stream.blocked = true;
      }
    }
  }
}

function skipMissedRounds(stream: WatchStream, nowMs: number): void {
  const late = nowMs - stream.nextProgressMs;
  if (late < 0) return;
  stream.nextProgressMs +=
    (Math.floor(late / stream.progressIntervalMs) + 1) * stream.progressIntervalMs;
}

function notify(stream: WatchStream, head: number, queue: (watcher: Watcher) => void): void {
  for (const watcher of stream.watchers.values()) {
    if (!watcher.has(WatcherFlag.PROGRESS)) continue;
    if (watcher.has(WatcherFlag.SENT)) {
      watcher.flags &= ~WatcherFlag.SENT;
    } else if (isUpToDate(watcher) && watcher.nextRevision <= head + 1) {
      watcher.flags |= WatcherFlag.PROGRESS_DUE;
      queue(watcher);
    }
  }
}

/** Whether it waits, and nothing of what it waits for has come. */
function isUpToDate({ state, group }: Watcher): boolean {
  return state === "waiting" && !group.hasNews;
}

function hasNews(stream: WatchStream): boolean {
  for (const { state, group } of stream.watchers.values()) {
    if (state === "waiting" && group.hasNews) return true;
  }
  return false;
}

/** Whether a watcher of the stream starts at a revision beyond the next one: it is no progress to it. */
function startsLater(stream: WatchStream, head: number): boolean {
  if (stream.startMax <= head + 1) return false;
  if (!stream.startMaxStale) return true;
  stream.startMaxStale = false;
  stream.startMax = 0;
  for (const { state, nextRevision } of stream.watchers.values()) {
    if (state !== "ended") stream.startMax = Math.max(stream.startMax, nextRevision);
  }
  return stream.startMax > head + 1;
}
