/**
 * The window of append messages sent to one follower and not yet acknowledged: a ring that holds, per
 * message, the index of its last entry and the bytes of its entries. Bounded by count and by bytes.
 *
 * Source: etcd-io/raft tracker/inflights.go.
 */
import { assert } from "../../stdx/assert.ts";

export class Inflights {
  /** Most messages in flight. */
  readonly countMax: number;
  /** Bytes in flight at which the window is full; the last message may go beyond. `Infinity`: no bound. */
  readonly bytesMax: number;

  #indexes: number[] = [];
  #bytes: number[] = [];
  #start = 0;
  #count = 0;
  #bytesTotal = 0;

  constructor(countMax: number, bytesMax: number) {
    assert(countMax > 0, "Cannot make an inflight window without room");
    this.countMax = countMax;
    this.bytesMax = bytesMax;
  }

  /** Messages in flight. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of entries in flight. */
  get bytes(): number {
    return this.#bytesTotal;
  }

  /** Reports whether no further message may be sent. */
  get full(): boolean {
    return this.#count === this.countMax || this.#bytesTotal >= this.bytesMax;
  }

  /**
   * Records that a message whose last entry is at `index` was sent. Indexes are added in ascending
   * order (equal ones may follow each other), and never to a full window. O(1) amortized.
   */
  add(index: number, bytes: number): void {
    assert(!this.full, "Cannot add to a full inflight window");
    if (this.#count === this.#indexes.length) this.#grow();
    const at = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[at] = index;
    this.#bytes[at] = bytes;
    this.#count++;
    this.#bytesTotal += bytes;
  }

  /** Frees all messages whose last entry is at or below `index`. O(messages freed). */
  freeUpTo(index: number): void {
    while (this.#count > 0 && this.#indexes[this.#start] <= index) {
      this.#bytesTotal -= this.#bytes[this.#start];
      this.#start = (this.#start + 1) % this.#indexes.length;
      this.#count--;
    }
    if (this.#count === 0) this.#start = 0;
  }

  /** Forgets everything in flight. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytesTotal = 0;
  }

  /** An independent copy. */
  clone(): Inflights {
    const copy = new Inflights(this.countMax, this.bytesMax);
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#start + i) % this.#indexes.length;
      copy.add(this.#indexes[at], this.#bytes[at]);
    }
    return copy;
  }

  /** Doubles the ring, up to the bound; most followers never need more than a few slots. */
  #grow(): void {
    const size = Math.min(Math.max(1, this.#indexes.length * 2), this.countMax);
    const indexes = new Array<number>(size).fill(0);
    const bytes = new Array<number>(size).fill(0);
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#start + i) % this.#indexes.length;
      indexes[i] = this.#indexes[at];
      bytes[i] = this.#bytes[at];
    }
    this.#indexes = indexes;
    this.#bytes = bytes;
    this.#start = 0;
  }
}
