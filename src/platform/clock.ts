/** The real clock: performance.now for durations, Date.now for the calendar, Node's timers. */
import type { Clock, Timer } from "../ports/clock.ts";

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, run: () => void): Timer {
    const timeout = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
  defer(run: () => void): void {
    setImmediate(run);
  },
};
