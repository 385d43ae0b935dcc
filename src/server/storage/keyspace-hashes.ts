/**
 * Hashes of the keyspace on request: one at a time, in slices, because compaction pauses meanwhile. Requests
 * that wait for the same revision share one hash. Between two hashes a compaction that waits gets as long as
 * the last hash took, so that a stream of requests cannot hold it up for ever.
 */
import type { BackgroundTask, KeyspaceHash } from "../../api/context.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import { HashJob } from "../../mvcc/hash-job.ts";
import type { Store } from "../../mvcc/store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Histogram } from "../../stdx/metrics/histogram.ts";
import type { BackgroundWork } from "./background-work.ts";
import { HASH_REQUESTS_WAITING_MAX, HASH_SLICE_ITEMS } from "../limits.ts";

type HashDone = (result: KeyspaceHash | EtcdError) => void;

interface Running {
  readonly job: HashJob;
  /** As asked for. */
  readonly revision: number;
  readonly currentRevision: number;
  readonly startedMs: number;
  readonly waiters: readonly HashDone[];
}

export class KeyspaceHashes implements BackgroundTask {
  readonly #store: Store;
  readonly #work: BackgroundWork;
  readonly #clock: Clock;
  readonly #seconds: Histogram;
  /** By the revision asked for; 0 stands for the newest. */
  readonly #waiting = new Map<number, HashDone[]>();
  #waitingCount = 0;
  #running: Running | undefined;
  /** Compaction has the time until then, if it needs it. */
  #pauseUntilMs = 0;
  #stopped = false;

  /** `seconds` takes note of how long each hash took. */
  constructor(store: Store, work: BackgroundWork, clock: Clock, seconds: Histogram) {
    this.#seconds = seconds;
    this.#store = store;
    this.#work = work;
    this.#clock = clock;
  }

  /** See `Hashes.ofKeyspace`. */
  request(revision: number, done: HashDone): void {
    if (this.#stopped) {
      done(Errors.Stopped);
      return;
    }
    const opened = this.#store.openHash(revision);
    if (!(opened instanceof HashJob)) {
      this.#seconds.observe(0);
      done(this.#answer(opened));
      return;
    }
    // Only looked whether the request makes sense: it is opened again when its turn comes.
    this.#store.abandon(opened);
    if (this.#waitingCount >= HASH_REQUESTS_WAITING_MAX) {
      done(Errors.TooManyRequests);
      return;
    }
    this.#waitingCount++;
    const same = this.#waiting.get(revision);
    if (same === undefined) this.#waiting.set(revision, [done]);
    else same.push(done);
    this.#work.add(this);
  }

  step(): boolean {
    const running = this.#running ?? this.#startNext();
    if (running === undefined) return this.#waiting.size > 0;
    const hash = running.job.step(HASH_SLICE_ITEMS);
    if (hash === undefined) return true;
    this.#running = undefined;
    const nowMs = this.#clock.nowMs();
    this.#pauseUntilMs = nowMs + (nowMs - running.startedMs);
    this.#seconds.observe((nowMs - running.startedMs) / 1000);
    const { currentRevision } = running;
    for (const done of running.waiters) done({ hash, currentRevision });
    return this.#waiting.size > 0;
  }

  /** Answers whoever waits that the server stops. */
  stop(): void {
    for (const [, done] of this.#takeWaiters()) done(Errors.Stopped);
  }

  /** Whoever waits here is answered by `next`. */
  handOver(next: KeyspaceHashes): void {
    for (const [revision, done] of this.#takeWaiters()) next.request(revision, done);
  }

  /** Ends the work here. */
  #takeWaiters(): readonly (readonly [revision: number, done: HashDone])[] {
    this.#stopped = true;
    const running = this.#running;
    if (running !== undefined) this.#store.abandon(running.job);
    const groups = [...this.#waiting];
    if (running !== undefined) groups.unshift([running.revision, [...running.waiters]]);
    this.#running = undefined;
    this.#waiting.clear();
    return groups.flatMap(([revision, waiters]) =>
      waiters.map((done) => [revision, done] as const),
    );
  }

  #startNext(): Running | undefined {
    if (this.#store.compactionPending && this.#clock.nowMs() < this.#pauseUntilMs) return undefined;
    const [next] = this.#waiting;
    if (next === undefined) return undefined;
    const [revision, waiters] = next;
    this.#waiting.delete(revision);
    this.#waitingCount -= waiters.length;
    const opened = this.#store.openHash(revision);
    if (opened instanceof HashJob) {
      const currentRevision = this.#store.revision;
      const startedMs = this.#clock.nowMs();
      this.#running = { job: opened, revision, currentRevision, startedMs, waiters };
      return this.#running;
    }
    for (const done of waiters) done(this.#answer(opened));
    return undefined;
  }

  #answer(opened: Exclude<ReturnType<Store["openHash"]>, HashJob>): KeyspaceHash | EtcdError {
    if (opened instanceof EtcdError) return opened;
    return { hash: opened, currentRevision: this.#store.revision };
  }
}
