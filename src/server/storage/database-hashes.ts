/**
 * Hashes of the whole database on request: everything applied so far is committed, then that state is held
 * and summed up in slices. One at a time; requests that come meanwhile share the next one.
 */
import type { BackgroundTask, DatabaseHashResult } from "../../api/context.ts";
import type { Backend } from "../../backend/backend.ts";
import type { DatabaseHash } from "../../backend/database-hash.ts";
import type { PinnedState } from "../../backend/pinned-state.ts";
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Store } from "../../mvcc/store.ts";
import type { BackgroundWork } from "./background-work.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Histogram } from "../../stdx/metrics/histogram.ts";
import { HASH_REQUESTS_WAITING_MAX, HASH_SLICE_ITEMS } from "../limits.ts";

type HashDone = (result: DatabaseHashResult | EtcdError) => void;

interface Running {
  readonly state: PinnedState;
  readonly hash: DatabaseHash;
  readonly revision: number;
  readonly startedMs: number;
}

export interface DatabaseHashesParts {
  readonly backend: Backend;
  readonly store: Store;
  readonly commits: CommitSchedule;
  readonly work: BackgroundWork;
  readonly clock: Clock;
  /** Takes note of how long each hash took. */
  readonly seconds: Histogram;
}

export class DatabaseHashes implements BackgroundTask {
  readonly #parts: DatabaseHashesParts;
  /** Told the result of the next hash. */
  #waiting: HashDone[] = [];
  /** Told the result of the one that is on its way. */
  #served: readonly HashDone[] = [];
  #busy = false;
  #running: Running | undefined;
  #stopped = false;

  constructor(parts: DatabaseHashesParts) {
    this.#parts = parts;
  }

  /** See `Hashes.ofDatabase`. */
  request(done: HashDone): void {
    if (this.#stopped) {
      done(Errors.Stopped);
    } else if (this.#waiting.length >= HASH_REQUESTS_WAITING_MAX) {
      done(Errors.TooManyRequests);
    } else {
      this.#waiting.push(done);
      if (!this.#busy) this.#start();
    }
  }

  step(): boolean {
    const running = this.#running;
    if (running === undefined) return false;
    const hash = running.hash.step(HASH_SLICE_ITEMS);
    if (hash === undefined) return true;
    this.#end(running);
    const { revision, startedMs } = running;
    this.#parts.seconds.observe((this.#parts.clock.nowMs() - startedMs) / 1000);
    for (const done of this.#served) done({ hash, revision });
    if (this.#waiting.length > 0) this.#start();
    else this.#busy = false;
    return false;
  }

  /** Answers whoever waits that the server stops. */
  stop(): void {
    for (const done of this.#takeWaiters()) done(Errors.Stopped);
  }

  /** Whoever waits here is answered by `next`. */
  handOver(next: DatabaseHashes): void {
    for (const done of this.#takeWaiters()) next.request(done);
  }

  /** Ends the work here. */
  #takeWaiters(): readonly HashDone[] {
    this.#stopped = true;
    if (this.#running !== undefined) this.#end(this.#running);
    const waiters = [...this.#served, ...this.#waiting];
    this.#served = [];
    this.#waiting = [];
    return waiters;
  }

  #start(): void {
    this.#busy = true;
    this.#served = this.#waiting;
    this.#waiting = [];
    const { backend, store, commits, work, clock } = this.#parts;
    const startedMs = clock.nowMs();
    commits.force(() => {
      if (this.#stopped) return;
      const state = backend.pin();
      this.#running = { state, hash: state.openHash(), revision: store.revision, startedMs };
      work.add(this);
    });
  }

  #end({ state }: Running): void {
    this.#running = undefined;
    state.close();
  }
}
