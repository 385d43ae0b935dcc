/**
 * A line about work that does not tell how far it is, with the time that it takes. Only for people: a terminal on the
 * error stream. Source: none, etcd's tools have no such line.
 */
import type { Clock, Timer } from "../ports/clock.ts";
import type { ToolIo } from "./tool-io.ts";

/** Milliseconds between two drawings, and before the first one: what is quick needs no line. */
const REDRAW_MS = 500;

export class BusyLine {
  readonly #io: Pick<ToolIo, "error" | "isTerminal">;
  readonly #clock: Clock;
  readonly #describe: (seconds: number) => string;
  readonly #startMs: number;
  #timer: Timer | undefined;
  #isShown = false;

  /** `describe` words what goes on after some seconds: a byte string. */
  constructor(
    io: Pick<ToolIo, "error" | "isTerminal">,
    clock: Clock,
    describe: (seconds: number) => string,
  ) {
    this.#io = io;
    this.#clock = clock;
    this.#describe = describe;
    this.#startMs = clock.nowMs();
    if (io.isTerminal) this.#drawLater();
  }

  /** Takes the line away while something else is written; it comes back by itself. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#io.error("\r\x1b[K");
  }

  /** The work is over. */
  end(): void {
    this.#timer?.cancel();
    this.clear();
  }

  #drawLater(): void {
    this.#timer = this.#clock.after(REDRAW_MS, () => {
      this.#isShown = true;
      const seconds = (this.#clock.nowMs() - this.#startMs) / 1000;
      this.#io.error(`\r${this.#describe(seconds)}\x1b[K`);
      this.#drawLater();
    });
  }
}

/** "12 s", or "3 min 5 s". */
export function secondsText(seconds: number): string {
  const whole = Math.floor(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
