/** The newest values of something, and what is between them. */
import { assert } from "../assert.ts";

export class RecentValues {
  readonly #ring: Float64Array;
  #count = 0;

  /** Keeps the newest `max`. */
  constructor(max: number) {
    assert(max > 0, "Some values must be kept");
    this.#ring = new Float64Array(max);
  }

  add(value: number): void {
    this.#ring[this.#count % this.#ring.length] = value;
    this.#count++;
  }

  /** The value added last; 0 when there is none. */
  get last(): number {
    return this.#count === 0 ? 0 : (this.#ring[(this.#count - 1) % this.#ring.length] ?? 0);
  }

  /** Those kept, in order of size. */
  sorted(): Float64Array {
    return this.#ring.slice(0, Math.min(this.#count, this.#ring.length)).sort();
  }
}

/** The value that `share` (0 to 1) of `sorted` is not above; 0 when there is none. */
export function quantileOf(sorted: Float64Array, share: number): number {
  const at = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, at))] ?? 0;
}
