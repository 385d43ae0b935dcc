/** Takes the time of the parts of commits, for the metrics. */
import type { CommitMetrics } from "./metrics.ts";

export class CommitTiming {
  readonly #metrics: CommitMetrics;
  readonly #nowMs: () => number;
  #rebalanceMs = 0;
  #spillMs = 0;
  #writingSinceMs = 0;

  /** `nowMs`: monotonic milliseconds. */
  constructor(metrics: CommitMetrics, nowMs: () => number) {
    this.#metrics = metrics;
    this.#nowMs = nowMs;
  }

  /** Runs a part of the rebalancing of a commit; `spill` likewise. */
  rebalance(run: () => void): void {
    const startMs = this.#nowMs();
    run();
    this.#rebalanceMs += this.#nowMs() - startMs;
  }

  spill(run: () => void): void {
    const startMs = this.#nowMs();
    run();
    this.#spillMs += this.#nowMs() - startMs;
  }

  /** All pages of a commit are made. */
  flushed(): void {
    this.#metrics.rebalanceSeconds.observe(this.#rebalanceMs / 1000);
    this.#metrics.spillSeconds.observe(this.#spillMs / 1000);
    this.#rebalanceMs = 0;
    this.#spillMs = 0;
  }

  /** A commit begins to be written, one at a time. */
  writing(): void {
    this.#writingSinceMs = this.#nowMs();
  }

  written(): void {
    this.#metrics.writeSeconds.observe((this.#nowMs() - this.#writingSinceMs) / 1000);
  }
}
