/**
 * Whoever waits for another member to lead: told when it does, or that it took too long.
 *
 * Differs from etcd: MoveLeader waits there for as long as its client does.
 *
 * Source: etcd server/etcdserver/server.go (moveLeader, 3.5), which looks once a heartbeat.
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";

interface Waiting {
  readonly transferee: bigint;
  readonly done: (failure: EtcdError | undefined) => void;
  ticksLeft: number;
}

export class LeaderTransfers {
  readonly #timeoutTicks: number;
  #waiting: Waiting[] = [];

  constructor(timeoutTicks: number) {
    this.#timeoutTicks = timeoutTicks;
  }

  /** `done` is called once. Errors: TransferTimeout, Stopped. */
  add(transferee: bigint, done: (failure: EtcdError | undefined) => void): void {
    this.#waiting.push({ transferee, done, ticksLeft: this.#timeoutTicks });
  }

  leaderIs(leader: bigint): void {
    this.#settle((waiting) => waiting.transferee === leader, undefined);
  }

  tick(): void {
    if (this.#waiting.length === 0) return;
    for (const waiting of this.#waiting) waiting.ticksLeft--;
    this.#settle((waiting) => waiting.ticksLeft <= 0, Errors.TransferTimeout);
  }

  stop(): void {
    this.#settle(() => true, Errors.Stopped);
  }

  #settle(isOver: (waiting: Waiting) => boolean, failure: EtcdError | undefined): void {
    const over = this.#waiting.filter(isOver);
    if (over.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !over.includes(waiting));
    for (const { done } of over) done(failure);
  }
}
