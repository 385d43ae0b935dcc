/**
 * Who reads next of those that wait with ranges over many keys, so that nobody notices how much others ask for:
 * one slice in each round of the event loop; connections take turns, and on each of them its ranges.
 *
 * No more is read for a connection than it takes: a range begins when little waits to be sent there, and what
 * its other ranges will have read when they are over counts. One that has begun goes on, because compaction waits
 * for it. A client that asks for everything over and over and reads nothing holds its requests here, not their
 * answers.
 */
import type { Clock } from "../ports/clock.ts";
import {
  ConnectionRanges,
  hasRoom,
  type RangeAsker,
  type TakingTurns,
} from "./connection-ranges.ts";
import { RANGE_KEYS_AT_ONCE, RANGE_UNSENT_BYTES_MAX, RANGES_RETRY_MS } from "./limits.ts";

export class RangeTurns {
  readonly #clock: Pick<Clock, "after" | "defer">;
  /** By connection, in the order of their turns. */
  readonly #waiting = new Map<object, ConnectionRanges>();
  #isScheduled = false;
  /** Whether somebody looks again later, because all that waits has to wait for room. */
  #isRetrying = false;
  #keysLeft = RANGE_KEYS_AT_ONCE;

  constructor(clock: Pick<Clock, "after" | "defer">) {
    this.#clock = clock;
  }

  /** Whether a range that is over in one step may be read at once: there is time in this round. */
  mayRead(asker: RangeAsker): boolean {
    return this.#keysLeft > 0 && asker.unsentBytes <= RANGE_UNSENT_BYTES_MAX;
  }

  /** Whether one that takes longer may begin, too. */
  mayBegin(asker: RangeAsker): boolean {
    return hasRoom(asker, this.#waiting.get(asker.peer)?.expectedBytes ?? 0);
  }

  /** `keys` were looked at outside of all turns. */
  spent(keys: number): void {
    this.#keysLeft -= keys;
    this.#schedule();
  }

  /** Gives a range its turns; false when too much waits on its connection already. */
  add(range: TakingTurns): boolean {
    const { peer } = range.asker;
    const ranges = this.#waiting.get(peer) ?? new ConnectionRanges();
    if (!ranges.add(range)) return false;
    this.#waiting.set(peer, ranges);
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.defer(this.#round);
  }

  readonly #round = (): void => {
    this.#isScheduled = false;
    this.#keysLeft = RANGE_KEYS_AT_ONCE;
    if (this.#waiting.size === 0) return;
    const wentOn = this.#stepNext();
    if (this.#waiting.size === 0) return;
    if (wentOn) this.#schedule();
    else this.#retryLater();
  };

  /** Nothing tells when a connection has room again; there is no hurry either. */
  #retryLater(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#clock.after(RANGES_RETRY_MS, this.#lookAgain);
  }

  readonly #lookAgain = (): void => {
    this.#isRetrying = false;
    this.#schedule();
  };

  /** Gives the next range that can use it its turn; false when there is none. */
  #stepNext(): boolean {
    for (const [peer, ranges] of this.#waiting) {
      const range = ranges.takeNext();
      if (range !== undefined) {
        this.#waiting.delete(peer);
        if (!range.step()) ranges.goesOn(range);
        if (!ranges.isEmpty) this.#waiting.set(peer, ranges);
        return true;
      }
      if (ranges.isEmpty) this.#waiting.delete(peer);
    }
    return false;
  }
}
