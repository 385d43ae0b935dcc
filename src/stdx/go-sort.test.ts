import { describe, expect, it } from "vitest";
import { goSort } from "./go-sort.ts";

interface Item {
  readonly key: number;
  /** Its place before it is sorted. */
  id: number;
}

/** Minimal standard generator, which is a line in any language. */
class Numbers {
  #seed = 1;

  below(bound: number): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed % bound;
  }
}

/** Random lists of all sizes, with few and many equal items; some in order but for the last, some descending. */
function randomList(numbers: Numbers, at: number): Item[] {
  let count = 1 + numbers.below(40);
  if (at % 4 === 0) count = 1 + numbers.below(300);
  let keys = 1 + numbers.below(count + 3);
  if (at % 3 === 0) keys = 1 + numbers.below(6);
  let items = Array.from({ length: count }, () => ({ key: numbers.below(keys), id: 0 }));
  if (at % 5 === 1) {
    const last = items.pop();
    items.sort((a, b) => a.key - b.key);
    if (last !== undefined) items.push(last);
  }
  if (at % 5 === 2) items = items.toSorted((a, b) => b.key - a.key);
  for (const [id, item] of items.entries()) item.id = id;
  return items;
}

/**
 * Decides what is smaller as late as it can, so that every pivot is a bad one.
 *
 * Source: McIlroy, A Killer Adversary for Quicksort (1999).
 */
class Adversary {
  readonly #values: number[];
  readonly #open: number;
  #next = 0;
  #candidate = 0;

  constructor(count: number) {
    this.#open = count + 1;
    this.#values = Array.from({ length: count }, () => this.#open);
  }

  isLess(a: number, b: number): boolean {
    const values = this.#values;
    if (values[a] === this.#open && values[b] === this.#open) {
      values[a === this.#candidate ? a : b] = this.#next++;
    }
    if (values[a] === this.#open) this.#candidate = a;
    else if (values[b] === this.#open) this.#candidate = b;
    return values[a] < values[b];
  }
}

const checksum = (sum: number, value: number): number => (sum * 31 + value) % 2_147_483_647;

describe("goSort", () => {
  it("leaves equal items in the order in which a Go program leaves them", () => {
    const numbers = new Numbers();
    let sum = 0;
    for (let at = 0; at < 2000; at++) {
      const items = randomList(numbers, at);
      goSort(items, (a, b) => a.key < b.key);
      const isSorted = items.every(({ key }, place) => key >= (items[place - 1]?.key ?? 0));
      expect(isSorted).toBe(true);
      sum = items.reduce((before, { id }) => checksum(before, id), sum);
    }
    // What the same lists gave with Go 1.19.
    expect(sum).toBe(292033485);
    for (let count = 13; count < 600; count += 37) {
      const adversary = new Adversary(count);
      const ids = Array.from({ length: count }, (_, id) => id);
      goSort(ids, (a, b) => adversary.isLess(a, b));
      sum = ids.reduce(checksum, sum);
    }
    expect(sum).toBe(1979060158);
  });
});
