/**
 * Who reads next of those that wait with ranges over many keys, so that nobody notices how much others ask for:
 * one slice in each round of the event loop; connections take turns, and on each of them its ranges.
 *
 * No more is read for a connection than it takes: a range begins when little waits to be sent there, and what
 * its other ranges will have read when they are over counts. One that has begun goes on, because compaction waits
 * for it. A client that asks for everything over and over and reads nothing
 * holds its requests here, not their answers.
 */
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Clock } from "../ports/clock.ts";
import { assert } from "../stdx/assert.ts";
import {
  RANGE_KEYS_AT_ONCE,
  RANGE_UNSENT_BYTES_MAX,
  RANGES_RETRY_MS,
  RANGES_WAITING_BYTES_MAX,
  WAITING_RANGE_BYTES,
} from "./limits.ts";

/** Who asks for a range. */
export type RangeAsker = Pick<GrpcServerCall, "open" | "peer" | "unsentBytes">;

/** A range that takes turns. */
export interface TakingTurns {
  readonly asker: RangeAsker;
  /** Bytes of its request. */
  readonly requestBytes: number;
  /** Bytes that it will have read when it is over, as far as can be told; 0 before it begins. */
  readonly expectedBytes: number;
  readonly hasBegun: boolean;
  /** Does one slice; returns whether it is over. */
  step(): boolean;
}

/** The ranges of one connection, in the order of their turns. */
interface Waiting {
  readonly ranges: TakingTurns[];
  requestBytes: number;
  /** Of all its ranges, each as it was at the end of its last turn. */
  expectedBytes: number;
}

export class RangeTurns {
  readonly #clock: Pick<Clock, "after" | "defer">;
  /** By connection, in the order of their turns. */
  readonly #waiting = new Map<object, Waiting>();
  #isScheduled = false;
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
    return this.#hasRoom(asker, this.#waiting.get(asker.peer));
  }

  /** `keys` were looked at outside of all turns. */
  spent(keys: number): void {
    this.#keysLeft -= keys;
    this.#schedule();
  }

  /** Gives a range its turns; false when too much waits on its connection already. */
  add(range: TakingTurns): boolean {
    const { peer } = range.asker;
    const waiting = this.#waiting.get(peer) ?? {
      ranges: [],
      requestBytes: 0,
      expectedBytes: 0,
    };
    const bytes = WAITING_RANGE_BYTES + range.requestBytes;
    if (waiting.requestBytes + bytes > RANGES_WAITING_BYTES_MAX) forgetGone(waiting);
    if (waiting.requestBytes + bytes > RANGES_WAITING_BYTES_MAX) return false;
    waiting.ranges.push(range);
    waiting.requestBytes += bytes;
    waiting.expectedBytes += range.expectedBytes;
    this.#waiting.set(peer, waiting);
    this.#schedule();
    return true;
  }

  #hasRoom(asker: RangeAsker, waiting: Waiting | undefined): boolean {
    return asker.unsentBytes + (waiting?.expectedBytes ?? 0) <= RANGE_UNSENT_BYTES_MAX;
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
    if (this.#stepNext()) {
      if (this.#waiting.size > 0) this.#schedule();
      return;
    }
    // Nothing tells when a connection has room again; there is no hurry either.
    this.#isScheduled = true;
    this.#clock.after(RANGES_RETRY_MS, this.#round);
  };

  /** Gives the next range that can use it its turn; false when there is none. */
  #stepNext(): boolean {
    for (const [peer, waiting] of this.#waiting) {
      const { ranges } = waiting;
      const hasRoom = this.#hasRoom(ranges[0].asker, waiting);
      const at = hasRoom ? 0 : ranges.findIndex(({ hasBegun, asker }) => hasBegun || !asker.open);
      if (at < 0) continue;
      const [range] = ranges.splice(at, 1);
      this.#waiting.delete(peer);
      waiting.expectedBytes -= range.expectedBytes;
      if (range.step()) {
        waiting.requestBytes -= WAITING_RANGE_BYTES + range.requestBytes;
      } else {
        waiting.expectedBytes += range.expectedBytes;
        ranges.push(range);
      }
      if (ranges.length > 0) this.#waiting.set(peer, waiting);
      return true;
    }
    return false;
  }
}

/** Those whose calls are over need no turn. */
function forgetGone(waiting: Waiting): void {
  for (const range of waiting.ranges.splice(0)) {
    if (range.hasBegun || range.asker.open) waiting.ranges.push(range);
    else waiting.requestBytes -= WAITING_RANGE_BYTES + range.requestBytes;
  }
  assert(waiting.requestBytes >= 0, "What waits is counted once");
}
