/** Time as a port: what decides takes times as arguments, only shells ask the clock. */

/** A running timer; `cancel` after it fired does nothing. */
export interface Timer {
  /** It does not fire any more. */
  cancel(): void;
}

/** Tells the time, and wakes. */
export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary start. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch; may jump. */
  wallMs(): number;
  /** Calls `run` once after `delayMs` milliseconds; earlier where the platform cannot wait for so long, but after weeks. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once, soon, after the events that have already arrived were handled. */
  defer(run: () => void): void;
}
