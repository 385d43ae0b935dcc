/**
 * Ends a load that somebody has had enough of: what was done until then is reported.
 *
 * Differs from etcd: Ctrl-C shows the report of what its load generator ends without; the exit code is that of the signal.
 */
import type { Interrupt, ToolIo } from "../tool-io.ts";

/** What a shell sees of a program that a signal has ended. */
const SIGNAL_CODES: Readonly<Record<Interrupt, number>> = { SIGINT: 128 + 2, SIGTERM: 128 + 15 };

export class Interruption {
  readonly #io: Pick<ToolIo, "onInterrupt">;
  #signal: Interrupt | undefined;

  constructor(io: Pick<ToolIo, "onInterrupt">) {
    this.#io = io;
  }

  /** Whether it has come. Whoever goes on by itself looks here. */
  get hasCome(): boolean {
    return this.#signal !== undefined;
  }

  /** The exit code that it means, if it has come. */
  get code(): number | undefined {
    return this.#signal === undefined ? undefined : SIGNAL_CODES[this.#signal];
  }

  /**
   * Waits for `work`, or until a signal comes: then `work` goes on unseen, and what becomes of it is of no interest.
   * Before and after, and the second time, a signal ends the process. Rejects as `work` does.
   */
  async orDone(work: Promise<unknown>): Promise<void> {
    let forget = (): void => undefined;
    const came = new Promise<void>((resolve) => {
      forget = this.#io.onInterrupt((signal) => {
        this.#signal = signal;
        forget();
        resolve();
      });
    });
    work.catch(() => undefined);
    try {
      if (!this.hasCome) await Promise.race([work, came]);
    } finally {
      forget();
    }
  }
}
