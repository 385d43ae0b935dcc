/** The real clock: performance.now for durations, Date.now for the calendar, Node's timers. */
import type { Clock, Timer } from "../ports/clock.ts";

/** The longest wait of Node's timers; they take a longer one for one of a millisecond. */
const TIMER_MS_MAX = 0x7fff_ffff;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, run: () => void): Timer {
    const timeout = setTimeout(run, Math.min(delayMs, TIMER_MS_MAX));
    return { cancel: () => clearTimeout(timeout) };
  },
  defer(run: () => void): void {
    setImmediate(run);
  },
};

/**
 * The same clock for programs that end at once: Node loads a dozen modules when `performance` is first asked,
 * which takes longer than all the times that such a program asks for.
 */
export const briefClock: Clock = {
  ...systemClock,
  nowMs: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
};
