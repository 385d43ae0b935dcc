/** Collects what clients do and see, in the form that the checkers judge. */
import type { History, Operation, Outcome, WatchRecord, WatchResponse } from "../history.ts";
import type { EventLoop } from "../cluster/event-loop.ts";

/** A watch that goes on: its record grows. */
export interface OpenWatch extends WatchRecord {
  readonly responses: WatchResponse[];
  compacted?: number;
}

/** A request that was not answered. */
export type PendingOperation = Omit<Operation, "return" | "outcome">;

export class Recorder {
  readonly #loop: EventLoop;
  readonly #pending = new Set<PendingOperation>();
  readonly operations: Operation[] = [];
  readonly watches: OpenWatch[] = [];

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  /** Milliseconds of the world's true time. */
  get nowMs(): number {
    return this.#loop.nowUs / 1000;
  }

  /** What is under way has an outcome that nobody knows. */
  history(): History {
    const { nowMs } = this;
    const pending = Array.from(
      this.#pending,
      (operation): Operation => ({ ...operation, return: nowMs, outcome: { kind: "unknown" } }),
    );
    return { operations: [...this.operations, ...pending], watches: this.watches };
  }

  /** A request is about to leave a client. */
  begin(operation: PendingOperation): void {
    this.#pending.add(operation);
  }

  /** It is over for the client. */
  end(operation: PendingOperation, outcome: Outcome): void {
    this.#pending.delete(operation);
    this.operations.push({ ...operation, return: this.nowMs, outcome });
  }
}
