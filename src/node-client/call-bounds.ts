/** How long a call may take, in the words of programs. */
import type { CallOptions } from "../client/call-options.ts";
import type { Clock } from "../ports/clock.ts";

/** Bounds of one call. */
export interface CallBounds {
  /** Milliseconds from now; the client's own where absent, `Infinity` for no end. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call when it aborts, with the code `Canceled`. */
  readonly signal?: AbortSignal | undefined;
}

/** Sets the deadlines of one client's calls. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Of a call that starts now. */
  of({ timeoutMs = this.#timeoutMs, signal }: CallBounds = {}): CallOptions {
    const isBounded = Number.isFinite(timeoutMs);
    return { deadlineMs: isBounded ? this.#clock.nowMs() + timeoutMs : undefined, signal };
  }
}
