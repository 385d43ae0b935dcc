/** The ranges over many keys that wait on one connection, and which of them may go on. */
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import { assert } from "../stdx/assert.ts";
import { RANGE_UNSENT_BYTES_MAX, RANGES_WAITING_BYTES_MAX, WAITING_RANGE_BYTES } from "./limits.ts";

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

/** Whether a range may begin on a connection whose others are going to read `expectedBytes`. */
export function hasRoom(asker: RangeAsker, expectedBytes: number): boolean {
  return asker.unsentBytes + expectedBytes <= RANGE_UNSENT_BYTES_MAX;
}

export class ConnectionRanges {
  /** In the order in which they came. */
  readonly #asked: TakingTurns[] = [];
  /** In the order of their turns. */
  readonly #begun: TakingTurns[] = [];
  #requestBytes = 0;
  #expectedBytes = 0;

  /** What those that have begun are going to read, each as it was at the end of its last turn. */
  get expectedBytes(): number {
    return this.#expectedBytes;
  }

  get isEmpty(): boolean {
    return this.#asked.length === 0 && this.#begun.length === 0;
  }

  /** Takes one more; false when too much waits already. */
  add(range: TakingTurns): boolean {
    const bytes = bytesOf(range);
    if (this.#requestBytes + bytes > RANGES_WAITING_BYTES_MAX) this.#forgetGone();
    if (this.#requestBytes + bytes > RANGES_WAITING_BYTES_MAX) return false;
    this.#requestBytes += bytes;
    if (range.hasBegun) this.#keepBegun(range);
    else this.#asked.push(range);
    return true;
  }

  /**
   * The one whose turn it is, which is not among them any more: one that has not begun while there is room, else
   * one that has. Those that are gone before they began are dropped on the way. `undefined` when all have to wait.
   */
  takeNext(): TakingTurns | undefined {
    while (this.#asked.length > 0 && !this.#asked[0].asker.open) this.#takeAsked();
    const isRoom = this.#asked.length > 0 && hasRoom(this.#asked[0].asker, this.#expectedBytes);
    if (isRoom) return this.#takeAsked();
    const range = this.#begun.shift();
    if (range === undefined) return undefined;
    this.#expectedBytes -= range.expectedBytes;
    this.#requestBytes -= bytesOf(range);
    return range;
  }

  /** The one that was taken has had its turn, and needs more. */
  goesOn(range: TakingTurns): void {
    this.#requestBytes += bytesOf(range);
    this.#keepBegun(range);
  }

  #keepBegun(range: TakingTurns): void {
    this.#expectedBytes += range.expectedBytes;
    this.#begun.push(range);
  }

  #takeAsked(): TakingTurns | undefined {
    const range = this.#asked.shift();
    if (range !== undefined) this.#requestBytes -= bytesOf(range);
    return range;
  }

  /** Those whose calls are over before they began need no turn. */
  #forgetGone(): void {
    for (const range of this.#asked.splice(0)) {
      if (range.asker.open) this.#asked.push(range);
      else this.#requestBytes -= bytesOf(range);
    }
    assert(this.#requestBytes >= 0, "What waits is counted once");
  }
}

function bytesOf(range: TakingTurns): number {
  return WAITING_RANGE_BYTES + range.requestBytes;
}
