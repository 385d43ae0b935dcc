/**
 * What waits for an answer inside a member, oldest first, with a time limit counted in ticks.
 *
 * A request costs one map entry and nothing else: instead of a deadline for each, the newest key of every
 * tick is remembered, and what is older than the limit is found from the old end of the map.
 */
import { assert } from "../stdx/assert.ts";

export class Pending<Waiter> {
  readonly #waiters = new Map<number, Waiter>();
  /** Newest key at each of the last `limitTicks` ticks; a ring. */
  readonly #newestKeys: Float64Array;
  #tick = 0;
  #newest = -1;

  /** `limitTicks`: how many whole ticks a waiter may wait. */
  constructor(limitTicks: number) {
    assert(limitTicks > 0, "Time limit of pending requests must be positive");
    this.#newestKeys = new Float64Array(limitTicks).fill(-1);
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Keys grow from call to call. */
  add(key: number, waiter: Waiter): void {
    assert(key > this.#newest, "Keys of pending requests must grow");
    this.#newest = key;
    this.#waiters.set(key, waiter);
  }

  /** The waiter of `key`, which goes on waiting. */
  get(key: number): Waiter | undefined {
    return this.#waiters.get(key);
  }

  /** The next `tick` takes everybody up to this key. */
  get expiringKey(): number {
    return this.#newestKeys[this.#tick % this.#newestKeys.length];
  }

  /** Removes and returns the waiter of `key`; `undefined` when nobody waits (any more). */
  take(key: number): Waiter | undefined {
    const waiter = this.#waiters.get(key);
    if (waiter !== undefined) this.#waiters.delete(key);
    return waiter;
  }

  /** One tick passes: removes and returns those that have waited longer than the limit. */
  tick(): Waiter[] {
    const expiredKey = this.expiringKey;
    this.#newestKeys[this.#tick % this.#newestKeys.length] = this.#newest;
    this.#tick++;
    const expired: Waiter[] = [];
    for (const [key, waiter] of this.#waiters) {
      if (key > expiredKey) break;
      expired.push(waiter);
      this.#waiters.delete(key);
    }
    return expired;
  }

  /** Removes and returns all. */
  takeAll(): Waiter[] {
    const all = [...this.#waiters.values()];
    this.#waiters.clear();
    return all;
  }
}
