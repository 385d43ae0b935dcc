/** Counts one database on its way to or from another member. */
import type { Clock } from "../ports/clock.ts";
import type { SnapshotTransferMetrics } from "./metrics.ts";

export class TransferCounts {
  readonly #metrics: SnapshotTransferMetrics;
  readonly #member: string;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #startMs: number;
  #isOver = false;

  /** It begins now; `member` is the other one, in hexadecimal digits. */
  constructor(metrics: SnapshotTransferMetrics, member: string, clock: Pick<Clock, "nowMs">) {
    this.#metrics = metrics;
    this.#member = member;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    metrics.inflight.child(member).inc();
  }

  /** All of it has arrived. */
  succeeded(): void {
    this.#metrics.succeeded.child(this.#member).inc();
    const took = this.#clock.nowMs() - this.#startMs;
    this.#metrics.seconds.child(this.#member).observe(took / 1000);
  }

  failed(): void {
    this.#metrics.failed.child(this.#member).inc();
  }

  /** It is not on its way any more, whatever came of it. */
  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#metrics.inflight.child(this.#member).dec();
  }
}
