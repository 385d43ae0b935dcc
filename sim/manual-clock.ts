/** A clock that a test moves by hand. Timers fire in order of their time, deferred calls in order of asking. */
import type { Clock, Timer } from "../src/ports/clock.ts";

interface Waiting {
  readonly atMs: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 0;
  #wallMs: number;
  #timers: Waiting[] = [];
  #deferred: (() => void)[] = [];

  constructor(wallMs = 0) {
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(waiting);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== waiting);
      },
    };
  }

  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  /** Makes the deferred calls, not those they defer. Returns how many were made. */
  runDeferred(): number {
    const due = this.#deferred;
    this.#deferred = [];
    for (const run of due) run();
    return due.length;
  }

  /** Moves both clocks on and fires the timers that become due. */
  advance(elapsedMs: number): void {
    const untilMs = this.#nowMs + elapsedMs;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= untilMs);
      if (due.length === 0) break;
      const next = due.reduce((first, other) => (other.atMs < first.atMs ? other : first));
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#moveTo(next.atMs);
      next.run();
    }
    this.#moveTo(untilMs);
  }

  #moveTo(nowMs: number): void {
    this.#wallMs += Math.max(0, nowMs - this.#nowMs);
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }
}
