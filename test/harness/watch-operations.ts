/**
 * Random life of watch streams on two servers: watchers of every kind come and go while the store changes,
 * and now and then everything that was said is compared.
 */
import type { Prng } from "../../src/stdx/prng.ts";
import {
  createWatchCreateRequest,
  type FilterType,
  type WatchCreateRequest,
} from "../../src/wire/gen/rpc.ts";
import { EventLog } from "./event-log.ts";
import { randomRange } from "./keyspace.ts";
import type { StoreState } from "./operation.ts";
import type { TwinServers } from "./twin-servers.ts";
import { PairedStream } from "./watch-streams.ts";

const STREAMS = 6;

/** Watchers that live at once, beside the one of everything. */
const WATCHERS_MAX = 40;

const ALL = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

/** Milliseconds that the log may lag behind the answers to writes. */
const LOG_TIMEOUT_MS = 10_000;

export class WatchOperations {
  readonly #prng: Prng;
  readonly #state: StoreState;
  readonly #log = new EventLog();
  readonly #everything: PairedStream;
  /** The first is for watchers of the future: as long as one waits there is no word of progress. */
  readonly #streams: PairedStream[];
  /** Watchers that were created, over time. */
  created = 0;

  private constructor(prng: Prng, state: StoreState, pair: TwinServers) {
    this.#prng = prng;
    this.#state = state;
    this.#everything = new PairedStream(pair.callers);
    this.#streams = Array.from({ length: STREAMS }, () => new PairedStream(pair.callers));
  }

  /** Opens the streams; the store must not have been compacted before. */
  static async open(prng: Prng, state: StoreState, pair: TwinServers): Promise<WatchOperations> {
    const watches = new WatchOperations(prng, state, pair);
    const request = createWatchCreateRequest({ ...ALL, startRevision: 1, prevKv: true });
    await watches.#everything.create(request, watches.#log, state);
    watches.#log.follow(watches.#everything.watchers[0].records[0]);
    return watches;
  }

  /** Events that the store has had. */
  get events(): number {
    return this.#log.length;
  }

  /** Whether the real etcd crashes, sooner or later, when it is compacted at this revision. */
  isDeadly(revision: number): boolean {
    return this.#log.isRepeating(revision);
  }

  /** Events of which the real server forgot what was before. */
  get forgotten(): number {
    return this.#streams.reduce((sum, { forgotten }) => sum + forgotten, 0);
  }

  /** One random thing that a client does with its watches. */
  async step(): Promise<void> {
    const prng = this.#prng;
    const stream = prng.pick(this.#streams.slice(1));
    const roll = prng.below(100);
    if (roll < 55) await this.#create(stream);
    else if (roll < 70) await this.#cancelOne(stream);
    else if (roll < 80) stream.askProgress();
    else if (roll < 88) stream.cancelUnknown(prng.pick([-1n, 999n, 2n ** 62n]));
    else if (roll < 90) stream.askNothing();
    else if (roll < 95) stream.setReceiving(false);
    else stream.setReceiving(true);
  }

  /** Waits until every watcher has seen what it must see, and tells what differs. */
  async settle(): Promise<string[]> {
    const streams = [this.#everything, ...this.#streams];
    for (const stream of streams) stream.setReceiving(true);
    if (!(await this.#untilLogged())) {
      return [`the log of events ends at ${this.#log.revision}, not ${this.#state.revision}`];
    }
    await Promise.all(streams.map((stream) => stream.settle(this.#state.revision)));
    return streams.flatMap((stream) => stream.differences());
  }

  close(): void {
    for (const stream of [this.#everything, ...this.#streams]) stream.close();
  }

  async #create(stream: PairedStream): Promise<void> {
    const living = this.#streams.reduce((sum, { living: { length } }) => sum + length, 0);
    if (living >= WATCHERS_MAX) {
      await this.#cancelOne(this.#prng.pick(this.#streams));
      return;
    }
    const request = this.#request();
    const isFuture = request.startRevision > this.#state.revision;
    const chosen = isFuture ? this.#streams[0] : stream;
    if (chosen.burntIds.has(request.watchId)) request.watchId = 0n;
    chosen.setReceiving(true);
    await chosen.create(request, this.#log, this.#state);
    this.created++;
  }

  async #cancelOne(stream: PairedStream): Promise<void> {
    const { living } = stream;
    if (living.length === 0) return;
    const watcher = this.#prng.pick(living);
    // Which of two ends comes first is open, so one that ends by itself is waited for.
    const isSettled = this.#prng.chance(0.5) || watcher.isTooLate;
    stream.setReceiving(true);
    const { revision } = this.#state;
    if (isSettled && (await this.#untilLogged())) await stream.settle(revision);
    if (watcher.end === "none") await stream.cancel(watcher, revision, isSettled);
  }

  #untilLogged(): Promise<boolean> {
    const { revision } = this.#state;
    const [recorder] = this.#everything.recorders;
    return recorder.until(() => this.#log.revision >= revision, LOG_TIMEOUT_MS);
  }

  #request(): WatchCreateRequest {
    const prng = this.#prng;
    const { key, rangeEnd } = randomRange(prng).range;
    const request = createWatchCreateRequest({ key, rangeEnd, startRevision: this.#revision() });
    request.prevKv = prng.chance(0.5);
    request.fragment = prng.chance(0.3);
    request.progressNotify = prng.chance(0.3);
    if (prng.chance(0.3)) {
      request.filters = prng.pick([[0], [1], [0, 1], [1, 1], [7]]) as FilterType[];
    }
    const ids = [1n, 2n, 3n, 7n, -1n, -5n, 2n ** 62n, 2n ** 63n - 1n];
    if (prng.chance(0.4)) request.watchId = prng.pick(ids);
    return request;
  }

  #revision(): number {
    const prng = this.#prng;
    const { revision, compactRevision } = this.#state;
    const roll = prng.below(100);
    if (roll < 30) return 0;
    if (roll < 40) return revision + 1;
    if (roll < 50) return revision + 2 + prng.below(20);
    if (roll < 90) return Math.max(1, compactRevision, revision - prng.below(300));
    // Below zero the real etcd here loses history of other watchers too; later releases of 3.5 refuse it.
    return Math.max(1, compactRevision - 2 + prng.below(5));
  }
}
