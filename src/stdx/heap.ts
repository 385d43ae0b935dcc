/**
 * A binary min-heap whose entries know their place, so that one of them can be moved or removed without
 * looking for it. The entries are the caller's own objects: nothing is allocated per entry.
 */
import { assert } from "./assert.ts";

/** The two fields that the heap keeps in an entry. */
export interface HeapEntry {
  /** What the heap is ordered by. Changed with `MinHeap.update` only, while the entry is in a heap. */
  rank: number;
  /** Index in the heap, `NOT_IN_HEAP` outside of one. The heap's own. */
  place: number;
}

export const NOT_IN_HEAP = -1;

export class MinHeap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** An entry with the least rank; `undefined` when the heap is empty. O(1). */
  get top(): Entry | undefined {
    return this.#entries[0];
  }

  /** Adds an entry that is in no heap. O(log size). */
  add(entry: Entry): void {
    assert(entry.place === NOT_IN_HEAP, "Cannot add an entry that is in a heap");
    this.#entries.push(entry);
    this.#rise(entry, this.#entries.length - 1);
  }

  /** Takes an entry out. O(log size). */
  remove(entry: Entry): void {
    const { place } = entry;
    assert(this.#entries[place] === entry, "Cannot remove an entry that is not in the heap");
    entry.place = NOT_IN_HEAP;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#settle(last, place);
  }

  /** Changes the rank of an entry. O(log size). */
  update(entry: Entry, rank: number): void {
    assert(this.#entries[entry.place] === entry, "Cannot move an entry that is not in the heap");
    entry.rank = rank;
    this.#settle(entry, entry.place);
  }

  /** Puts an entry at `place` and then where it belongs. */
  #settle(entry: Entry, place: number): void {
    const parent = this.#entries[(place - 1) >> 1];
    if (place > 0 && parent.rank > entry.rank) this.#rise(entry, place);
    else this.#sink(entry, place);
  }

  #rise(entry: Entry, start: number): void {
    const entries = this.#entries;
    let place = start;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = entries[above];
      if (parent.rank <= entry.rank) break;
      entries[place] = parent;
      parent.place = place;
      place = above;
    }
    entries[place] = entry;
    entry.place = place;
  }

  #sink(entry: Entry, start: number): void {
    const entries = this.#entries;
    let place = start;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= entries.length) break;
      if (below + 1 < entries.length && entries[below + 1].rank < entries[below].rank) below++;
      const child = entries[below];
      if (child.rank >= entry.rank) break;
      entries[place] = child;
      child.place = place;
      place = below;
    }
    entries[place] = entry;
    entry.place = place;
  }
}
