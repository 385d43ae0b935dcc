/**
 * Notices that there has been no leader for long: whoever must not go on without one is told then.
 *
 * Source: etcd server/etcdserver/api/v3rpc/interceptor.go (monitorLeader; 3.5).
 */
import { LEADERLESS_LOOKS_MAX } from "./limits.ts";

export class LeaderAbsence {
  readonly #lookTicks: number;
  readonly #listeners: (() => void)[] = [];
  #ticks = 0;
  #leaderlessLooks = 0;

  /** `lookTicks`: ticks between two looks, an election timeout. */
  constructor(lookTicks: number) {
    this.#lookTicks = lookTicks;
  }

  /** `listener` is called again and again while there is no leader, once several looks have found none. */
  onLong(listener: () => void): void {
    this.#listeners.push(listener);
  }

  tick(hasLeader: boolean): void {
    if (++this.#ticks < this.#lookTicks) return;
    this.#ticks = 0;
    this.#leaderlessLooks = hasLeader ? 0 : this.#leaderlessLooks + 1;
    if (this.#leaderlessLooks < LEADERLESS_LOOKS_MAX) return;
    for (const listener of this.#listeners) listener();
  }
}
