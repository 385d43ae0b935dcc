/**
 * When auto-compaction compacts, and to which revision: by age (`PeriodicCompaction`) or by number of
 * revisions (`RevisionCompaction`). Pure decisions: the caller looks at the clock, asks every
 * `checkIntervalMs` and makes the compaction.
 *
 * Source: etcd server/etcdserver/api/v3compactor (3.5).
 */
import { assert } from "../stdx/assert.ts";
import {
  AUTO_COMPACTION_CHECK_MS_MIN,
  COMPACTION_PERIOD_CHECKS,
  COMPACTION_PERIOD_MS_MAX,
  REVISION_COMPACTION_INTERVAL_MS,
  TIMER_SLACK_MS,
} from "./limits.ts";

/** More than the error of a quotient. */
const ROUNDING = 1e-6;

export interface CompactionPolicy {
  readonly mode: "periodic" | "revision";
  /** What is kept: nanoseconds, or revisions. */
  readonly retention: bigint;
  /** Milliseconds between two checks. */
  readonly checkIntervalMs: number;

  /**
   * Notes that the newest revision is `revision`. To be called once at the beginning and after each check.
   */
  observe(revision: number): void;

  /** Returns the revision to compact to at `nowMs`, `undefined` when there is nothing to do. */
  check(nowMs: number, revision: number): number | undefined;

  /** The compaction that `check` asked for is done, or had been done by somebody else. */
  compacted(nowMs: number, revision: number): void;
}

/**
 * Keeps what is younger than a period. Revisions are noted ten times in a period, or in an hour where the
 * period is longer, and the oldest of them is compacted to: the first time when a period has passed, then
 * every period or hour. After a failure the next check tries again.
 *
 * ```
 *   period 1h:  0m    6m   12m  ...  54m   60m                 120m
 *   noted       r0    r1   r2        r9    r10 (r0 drops out)
 *   compacted                              to r0               to r10
 * ```
 *
 * Differs from etcd: it looks without a pause when the period is negative, and crashes on one below ten
 * nanoseconds.
 */
export class PeriodicCompaction implements CompactionPolicy {
  readonly mode = "periodic";
  readonly retention: bigint;
  readonly checkIntervalMs: number;
  readonly #intervalMs: number;
  readonly #notedMax: number;
  readonly #noted: number[] = [];
  #dueMs: number;
  #compactedRevision = 0;

  /** `periodNs` is not zero; a negative one keeps next to nothing. */
  constructor(periodNs: bigint, nowMs: number) {
    assert(periodNs !== 0n, "A period of zero means no compaction");
    const periodMs = Math.max(0, Number(periodNs) / 1e6);
    this.retention = periodNs;
    this.#intervalMs = Math.min(periodMs, COMPACTION_PERIOD_MS_MAX);
    this.checkIntervalMs = Math.max(
      AUTO_COMPACTION_CHECK_MS_MIN,
      this.#intervalMs / COMPACTION_PERIOD_CHECKS,
    );
    this.#notedMax = Math.floor(periodMs / this.checkIntervalMs + ROUNDING) + 1;
    this.#dueMs = nowMs + periodMs;
  }

  observe(revision: number): void {
    this.#noted.push(revision);
    if (this.#noted.length > this.#notedMax) this.#noted.shift();
  }

  check(nowMs: number, _revision: number): number | undefined {
    const oldest = this.#noted.at(0);
    assert(oldest !== undefined, "A revision must be noted before the first check");
    const isDue = nowMs + TIMER_SLACK_MS >= this.#dueMs;
    return isDue && oldest !== this.#compactedRevision ? oldest : undefined;
  }

  compacted(nowMs: number, revision: number): void {
    this.#compactedRevision = revision;
    this.#dueMs = nowMs + this.#intervalMs;
  }
}

/** Keeps the newest revisions, a number of them; looks every five minutes. */
export class RevisionCompaction implements CompactionPolicy {
  readonly mode = "revision";
  readonly retention: bigint;
  readonly checkIntervalMs = REVISION_COMPACTION_INTERVAL_MS;
  #compactedRevision = 0;

  constructor(retention: bigint) {
    this.retention = retention;
  }

  observe(_revision: number): void {}

  check(_nowMs: number, revision: number): number | undefined {
    const target = revision - Number(this.retention);
    return target > 0 && target !== this.#compactedRevision ? target : undefined;
  }

  compacted(_nowMs: number, revision: number): void {
    this.#compactedRevision = revision;
  }
}
