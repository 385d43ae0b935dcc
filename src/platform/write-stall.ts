/** Notices a connection whose other side does not take what is written to it. */
import type { Writable } from "node:stream";

/**
 * Watches what waits to be written. Its size is compared once per period, so a slow reader that takes
 * something is not a stalled one.
 */
export class WriteStall {
  readonly #target: Writable;
  readonly #timeoutMs: number;
  readonly #onStalled: () => void;
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;

  constructor(target: Writable, timeoutMs: number, onStalled: () => void) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#onStalled = onStalled;
  }

  /** Something waits. */
  begin(): void {
    if (this.#timer !== undefined || this.#timeoutMs === 0) return;
    this.#waiting = this.#target.writableLength;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#target.writableLength === 0) return;
      if (this.#target.writableLength < this.#waiting) this.begin();
      else this.#onStalled();
    }, this.#timeoutMs);
  }

  /** Nothing waits any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
