import type { Clock, Timer } from "../ports/clock.ts";

/** A wait between two tries that can be cut short, so that nothing keeps a program alive that is done. One at a time. */
export class Pause {
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;

  wait(clock: Clock, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = clock.after(delayMs, resolve);
    });
  }

  /** Ends the wait, if there is one. */
  end(): void {
    this.#timer?.cancel();
    this.#wake?.();
    this.#wake = undefined;
  }
}
