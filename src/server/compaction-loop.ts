/**
 * Removes what a compaction has made unreachable, a slice at a time, with pauses in which everything else
 * goes on; tells those who asked for a physical compaction when it is over.
 */
import type { Store } from "../mvcc/store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { COMPACTION_PAUSE_MS, COMPACTION_SLICE_REVISIONS } from "./limits.ts";

export class CompactionLoop {
  readonly #store: Store;
  readonly #commits: CommitSchedule;
  readonly #clock: Clock;
  readonly #log: Log;
  #running = false;
  #stopped = false;
  #startedMs = 0;
  #waiting: (() => void)[] = [];

  constructor(store: Store, commits: CommitSchedule, clock: Clock, log: Log) {
    this.#store = store;
    this.#commits = commits;
    this.#clock = clock;
    this.#log = log;
  }

  /** Starts when the store has something to remove. */
  afterApply(): void {
    if (this.#running || this.#stopped || !this.#store.compactionPending) return;
    this.#running = true;
    this.#startedMs = this.#clock.nowMs();
    this.#scheduleSlice();
  }

  /** Calls `done` once nothing is left to remove and that is durable. */
  whenCompacted(done: () => void): void {
    if (this.#running || this.#store.compactionPending) this.#waiting.push(done);
    else this.#commits.force(done);
  }

  stop(): void {
    this.#stopped = true;
  }

  #scheduleSlice(): void {
    this.#clock.after(COMPACTION_PAUSE_MS, () => {
      if (!this.#stopped) this.#slice();
    });
  }

  #slice(): void {
    this.#store.compactStep(COMPACTION_SLICE_REVISIONS);
    this.#commits.afterApply();
    if (this.#store.compactionPending) {
      this.#scheduleSlice();
      return;
    }
    this.#running = false;
    this.#log.info("finished scheduled compaction", {
      "compact-revision": this.#store.compactRevision,
      took: `${(this.#clock.nowMs() - this.#startedMs).toFixed(3)}ms`,
    });
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) this.#commits.force(() => waiting.forEach((done) => done()));
  }
}
