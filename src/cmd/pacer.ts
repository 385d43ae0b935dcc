/**
 * A steady rate of requests, for whatever makes load.
 *
 * Source: golang.org/x/time/rate (Limiter).
 */
import type { Clock } from "../ports/clock.ts";

/** Milliseconds of permits that may be made up for when a timer is late; timers count whole milliseconds. */
const LATENESS_MS = 20;

/** Permits at a steady rate. One that nobody takes in time is lost. */
export class Pacer {
  readonly #perMs: number;
  readonly #permitsMax: number;
  #permits = 1;
  #seenMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#permitsMax = Math.max(1, this.#perMs * LATENESS_MS);
    this.#seenMs = nowMs;
  }

  /** Takes the whole permits that are there, `wanted` at most. */
  take(nowMs: number, wanted: number): number {
    const gained = (nowMs - this.#seenMs) * this.#perMs;
    this.#permits = Math.min(this.#permitsMax, this.#permits + gained);
    this.#seenMs = nowMs;
    const taken = Math.min(Math.floor(this.#permits), wanted);
    this.#permits -= taken;
    return taken;
  }

  /** Waits for one permit. */
  async permit(clock: Clock): Promise<void> {
    while (this.take(clock.nowMs(), 1) === 0) {
      await new Promise<void>((resolve) => clock.after(Math.max(1, this.waitMs), resolve));
    }
  }

  /** Milliseconds until the next permit. */
  get waitMs(): number {
    return Math.max(0, 1 - this.#permits) / this.#perMs;
  }
}
