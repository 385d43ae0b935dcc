/**
 * Removes what a compaction has made unreachable, a slice at a time, with pauses in which everything else
 * goes on; tells those who asked for a physical compaction when it is over.
 *
 * A slice ends after a number of revisions or after a time, whichever comes first.
 */
import type { Backend } from "../backend/backend.ts";
import type { FinishedCompaction } from "../mvcc/compaction.ts";
import type { Store } from "../mvcc/store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { humanBytes } from "../stdx/humanize.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { COMPACTION_SLICE_MS_MAX, COMPACTION_STEP_REVISIONS } from "./limits.ts";

export interface CompactionLoopParts {
  readonly store: Store;
  readonly backend: Backend;
  readonly commits: CommitSchedule;
  readonly clock: Clock;
  readonly log: Log;
  /** Revisions in one slice; not positive: as many as there is time for. */
  readonly sliceRevisionsMax: number;
  /** Pause between two slices. */
  readonly pauseMs: number;
}

export class CompactionLoop {
  readonly #parts: CompactionLoopParts;
  #running = false;
  #stopped = false;
  #startedMs = 0;
  #waiting: (() => void)[] = [];

  constructor(parts: CompactionLoopParts) {
    this.#parts = parts;
  }

  /** Starts when the store has something to remove. */
  afterApply(): void {
    const { store, clock } = this.#parts;
    if (this.#running || this.#stopped || !store.compactionPending) return;
    this.#running = true;
    this.#startedMs = clock.nowMs();
    this.#scheduleSlice(0);
  }

  /** Calls `done` once nothing is left to remove and that is durable. */
  whenCompacted(done: () => void): void {
    if (this.#running || this.#parts.store.compactionPending) this.#waiting.push(done);
    else this.#parts.commits.force(done);
  }

  stop(): void {
    this.#stopped = true;
  }

  #scheduleSlice(pauseMs: number): void {
    this.#parts.clock.after(Math.max(0, pauseMs), () => {
      if (!this.#stopped) this.#slice();
    });
  }

  #slice(): void {
    const { store, commits, pauseMs } = this.#parts;
    this.#work();
    commits.afterApply();
    if (store.compactionPending) {
      this.#scheduleSlice(pauseMs);
      return;
    }
    this.#running = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) commits.force(() => waiting.forEach((done) => done()));
  }

  #work(): void {
    const { store, clock, sliceRevisionsMax } = this.#parts;
    const untilMs = clock.nowMs() + COMPACTION_SLICE_MS_MAX;
    let left = sliceRevisionsMax > 0 ? sliceRevisionsMax : Number.POSITIVE_INFINITY;
    do {
      const step = Math.min(left, COMPACTION_STEP_REVISIONS);
      left -= step;
      const finished = store.compactStep(step);
      if (finished !== undefined) this.#finish(finished);
    } while (left > 0 && store.compactionPending && clock.nowMs() < untilMs);
  }

  #finish({ revision, hash }: FinishedCompaction): void {
    const { backend, clock, log } = this.#parts;
    const nowMs = clock.nowMs();
    const { bytes, bytesInUse } = backend.sizes();
    log.info("finished scheduled compaction", {
      "compact-revision": revision,
      took: goDurationOfMs(nowMs - this.#startedMs),
      ...(hash === undefined ? {} : { hash: hash.hash }),
      "current-db-size-bytes": bytes,
      "current-db-size": humanBytes(bytes),
      "current-db-size-in-use-bytes": bytesInUse,
      "current-db-size-in-use": humanBytes(bytesInUse),
    });
    this.#startedMs = nowMs;
  }
}
