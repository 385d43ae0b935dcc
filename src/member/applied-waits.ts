/**
 * Whoever waits until everything that is committed is applied here, as calls about leases do on the leader.
 * They wait in order, because the commit index never goes back, and for a limited number of ticks.
 *
 * Source: etcd server/etcdserver/v3_server.go (waitAppliedIndex; 3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { PENDING_READS_MAX } from "./limits.ts";
import type { ReadWaiter } from "./ready.ts";

interface Waiting {
  readonly index: number;
  readonly untilTick: number;
  readonly waiter: ReadWaiter;
}

export class AppliedWaits {
  readonly #limitTicks: number;
  #waiting: Waiting[] = [];
  #tick = 0;

  /** `limitTicks`: how many whole ticks somebody may wait. */
  constructor(limitTicks: number) {
    this.#limitTicks = limitTicks;
  }

  /** `waiter` is told when the entry at `index` is applied. Errors: TimeoutWaitAppliedIndex. */
  add(index: number, waiter: ReadWaiter): void {
    if (this.#waiting.length >= PENDING_READS_MAX) {
      waiter.onFailed(Errors.TooManyRequests);
      return;
    }
    this.#waiting.push({ index, untilTick: this.#tick + this.#limitTicks, waiter });
  }

  applied(index: number): void {
    if (this.#waiting.length === 0 || this.#waiting[0].index > index) return;
    for (const { waiter } of this.#takeWhile((waiting) => waiting.index <= index)) {
      waiter.onReadable();
    }
  }

  tick(): void {
    this.#tick++;
    for (const { waiter } of this.#takeWhile(({ untilTick }) => untilTick < this.#tick)) {
      waiter.onFailed(Errors.TimeoutWaitAppliedIndex);
    }
  }

  failAll(error: EtcdError): void {
    for (const { waiter } of this.#takeWhile(() => true)) waiter.onFailed(error);
  }

  #takeWhile(isTaken: (waiting: Waiting) => boolean): Waiting[] {
    let count = 0;
    while (count < this.#waiting.length && isTaken(this.#waiting[count])) count++;
    if (count === 0) return [];
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return taken;
  }
}
