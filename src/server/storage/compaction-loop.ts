/**
 * Removes what a compaction has made unreachable, a slice at a time, with pauses in which everything else
 * goes on; tells those who asked for a physical compaction when it is over.
 *
 * A slice ends after a number of revisions or after a time, whichever comes first. What it removes gathers
 * in the open transaction of the backend, whose commit makes a new page for each one touched, without a
 * pause: so the removals in one commit are bounded, too, and the commit hurries when they have gathered.
 */
import type { Backend } from "../../backend/backend.ts";
import type { FinishedCompaction } from "../../mvcc/compaction.ts";
import type { CompactionMetrics } from "../../mvcc/metrics.ts";
import type { Store } from "../../mvcc/store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import {
  COMPACTION_REMOVALS_PER_COMMIT_MAX,
  COMPACTION_SLICE_MS_MAX,
  COMPACTION_STEP_REVISIONS,
} from "../limits.ts";

export interface CompactionLoopParts {
  readonly store: Store;
  readonly backend: Backend;
  readonly commits: CommitSchedule;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: CompactionMetrics;
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
  /** Removals that no commit has begun with, and the number of commits when they were counted. */
  #removals = 0;
  #commitsBegun = 0;
  #waiting: (() => void)[] = [];
  /** Who waits for the commit after that. */
  readonly #answered = new Set<() => void>();

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
    else this.#answerWhenDurable([done]);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Whoever waits here waits for `next` instead. */
  handOver(next: CompactionLoop): void {
    this.stop();
    const waiting = [...this.#waiting, ...this.#answered];
    this.#waiting = [];
    this.#answered.clear();
    for (const done of waiting) next.whenCompacted(done);
  }

  #scheduleSlice(pauseMs: number): void {
    this.#parts.clock.after(Math.max(0, pauseMs), () => {
      if (!this.#stopped) this.#slice();
    });
  }

  #slice(): void {
    const { store, commits, pauseMs } = this.#parts;
    if (this.#commitsBegun !== commits.begun) {
      this.#commitsBegun = commits.begun;
      this.#removals = 0;
    }
    if (this.#removals < COMPACTION_REMOVALS_PER_COMMIT_MAX) this.#work();
    if (this.#removals < COMPACTION_REMOVALS_PER_COMMIT_MAX) commits.afterApply();
    else commits.hurry();
    if (store.compactionPending) {
      this.#scheduleSlice(pauseMs);
      return;
    }
    this.#running = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) this.#answerWhenDurable(waiting);
  }

  #answerWhenDurable(waiting: readonly (() => void)[]): void {
    for (const done of waiting) this.#answered.add(done);
    this.#parts.commits.force(() => {
      for (const done of waiting) if (this.#answered.delete(done)) done();
    });
  }

  #work(): void {
    const { clock, metrics } = this.#parts;
    const startMs = clock.nowMs();
    this.#workUntil(startMs + COMPACTION_SLICE_MS_MAX);
    // Index and database are compacted in one pass: a slice is a pause for both.
    metrics.pauseMs.observe(clock.nowMs() - startMs);
    metrics.indexPauseMs.observe(clock.nowMs() - startMs);
  }

  #workUntil(untilMs: number): void {
    const { store, backend, clock, sliceRevisionsMax } = this.#parts;
    let left = sliceRevisionsMax > 0 ? sliceRevisionsMax : Number.POSITIVE_INFINITY;
    do {
      const step = Math.min(left, COMPACTION_STEP_REVISIONS);
      left -= step;
      const changesBefore = backend.pendingChanges;
      const finished = store.compactStep(step);
      this.#removals += backend.pendingChanges - changesBefore;
      if (finished !== undefined) this.#finish(finished);
      if (this.#removals >= COMPACTION_REMOVALS_PER_COMMIT_MAX) return;
    } while (left > 0 && store.compactionPending && clock.nowMs() < untilMs);
  }

  #finish({ revision, removed, hash }: FinishedCompaction): void {
    const { backend, clock, log, metrics } = this.#parts;
    const nowMs = clock.nowMs();
    metrics.keys.add(removed);
    metrics.lastSeconds.set(Math.floor(clock.wallMs() / 1000));
    metrics.totalMs.observe(nowMs - this.#startedMs);
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
    if (hash !== undefined) {
      log.info("storing new hash", {
        hash: hash.hash,
        revision: hash.revision,
        "compact-revision": hash.compactRevision,
      });
    }
    this.#startedMs = nowMs;
  }
}
