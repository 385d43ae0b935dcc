/**
 * One watch on the servers for all watchers of clients that watch the same range. Watchers that start at different
 * revisions begin with watches of their own, which become one as soon as one has caught up with the other.
 *
 *   position: everything before this revision has been told to the receivers
 *   a watcher may join a broadcast whose position is not behind what it wants first
 *
 * Source: etcd server/proxy/grpcproxy (watch_broadcast.go, watch_broadcasts.go, watch_ranges.go).
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import type { Watch, Watcher } from "../../client/watch.ts";
import { WatchCanceledError } from "../../client/watch-entry.ts";
import type { WatchCreateRequest, WatchResponse } from "../../wire/gen/rpc.ts";
import type { ProxyMetrics } from "./metrics.ts";

/** A watcher of a client. */
export interface WatchReceiver {
  /** The first revision that it still has to be told of. */
  readonly nextRevision: number;
  /** Events, or how far the watch is. `shared` is the same object for all receivers. */
  onResponse(shared: WatchResponse): void;
  /** The servers have ended the watch. */
  onCanceled(response: WatchResponse): void;
  /** No server will have the watch, for a reason that is about the whole stream. */
  onFailed(error: EtcdError): void;
}

export type WatchedRange = Pick<WatchCreateRequest, "key" | "rangeEnd" | "prevKv"> & {
  /** Whether the watch ends when the server has no leader. */
  readonly requireLeader: boolean;
};

/** Watches of one range in the name of one caller. */
export class WatchGroup {
  readonly #range: WatchedRange;
  readonly #watch: Watch;
  readonly #metrics: ProxyMetrics;
  readonly #onEmpty: () => void;
  readonly #broadcasts = new Set<Broadcast>();

  constructor(range: WatchedRange, watch: Watch, metrics: ProxyMetrics, onEmpty: () => void) {
    this.#range = range;
    this.#watch = watch;
    this.#metrics = metrics;
    this.#onEmpty = onEmpty;
  }

  /** Tells `receiver` everything from its `nextRevision` on. */
  join(receiver: WatchReceiver): void {
    for (const broadcast of this.#broadcasts) {
      if (broadcast.position > receiver.nextRevision) continue;
      broadcast.receivers.add(receiver);
      this.#metrics.watchersCoalescing.inc();
      return;
    }
    const broadcast = new Broadcast(receiver.nextRevision);
    broadcast.receivers.add(receiver);
    this.#broadcasts.add(broadcast);
    void this.#run(broadcast);
  }

  leave(receiver: WatchReceiver): void {
    for (const broadcast of this.#broadcasts) {
      if (!broadcast.receivers.delete(receiver)) continue;
      if (broadcast.receivers.size === 0) this.#end(broadcast);
      else this.#metrics.watchersCoalescing.dec();
      return;
    }
  }

  async #run(broadcast: Broadcast): Promise<void> {
    try {
      const { requireLeader, ...range } = this.#range;
      const request = { ...range, startRevision: broadcast.position, progressNotify: true };
      const watcher = await this.#watch.open(request, { requireLeader });
      broadcast.watcher = watcher;
      if (broadcast.isOver) watcher.cancel();
      for await (const response of watcher) {
        if (broadcast.isOver) break;
        this.#tell(broadcast, response);
      }
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      const receivers = [...broadcast.receivers];
      this.#end(broadcast);
      for (const receiver of receivers) {
        if (error instanceof WatchCanceledError) receiver.onCanceled(error.response);
        else receiver.onFailed(error);
      }
    }
  }

  #tell(broadcast: Broadcast, response: WatchResponse): void {
    const { events } = response;
    const last = events.at(-1)?.kv?.modRevision ?? response.header?.revision ?? 0;
    if (broadcast.receivers.size > 1) {
      this.#metrics.eventsCoalescing.add(events.length * (broadcast.receivers.size - 1));
    }
    for (const receiver of [...broadcast.receivers]) receiver.onResponse(response);
    broadcast.position = Math.max(broadcast.position, last + 1);
    this.#merge(broadcast);
  }

  /** Hands the receivers of `broadcast` to another one that it has caught up with. */
  #merge(broadcast: Broadcast): void {
    if (this.#broadcasts.size === 1 || broadcast.isOver) return;
    for (const other of this.#broadcasts) {
      if (other === broadcast || other.position > broadcast.position) continue;
      for (const receiver of broadcast.receivers) other.receivers.add(receiver);
      broadcast.receivers.clear();
      // One watch on the servers less: whoever was alone shares now.
      this.#metrics.watchersCoalescing.inc();
      this.#end(broadcast);
      return;
    }
  }

  #end(broadcast: Broadcast): void {
    if (broadcast.isOver) return;
    broadcast.isOver = true;
    const { size } = broadcast.receivers;
    // Counted are those who share beyond the first one of each watch.
    if (size > 1) this.#metrics.watchersCoalescing.add(1 - size);
    broadcast.receivers.clear();
    this.#broadcasts.delete(broadcast);
    broadcast.watcher?.cancel();
    if (this.#broadcasts.size === 0) this.#onEmpty();
  }
}

/** One watch on the servers. */
class Broadcast {
  readonly receivers = new Set<WatchReceiver>();
  /** There once the servers have accepted the watch. */
  watcher: Watcher | undefined;
  position: number;
  isOver = false;

  constructor(position: number) {
    this.position = position;
  }
}
