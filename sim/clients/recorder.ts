/** Collects what clients do and see, in the form that the checkers judge. */
import type { History, Operation, WatchRecord, WatchResponse } from "../history.ts";
import type { EventLoop } from "../cluster/event-loop.ts";

/** A watch that goes on: its record grows. */
export interface OpenWatch extends WatchRecord {
  readonly responses: WatchResponse[];
  compacted?: number;
}

export class Recorder {
  readonly #loop: EventLoop;
  readonly operations: Operation[] = [];
  readonly watches: OpenWatch[] = [];

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  /** Milliseconds of the world's true time. */
  get nowMs(): number {
    return this.#loop.nowUs / 1000;
  }

  history(): History {
    return { operations: this.operations, watches: this.watches };
  }
}
