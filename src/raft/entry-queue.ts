/**
 * A run of log entries with consecutive indexes: appended and cut at the back, dropped at the front, read
 * anywhere. The part of the log that lives in memory is made of these.
 *
 * Dropping moves a mark and clears the slots, so that the garbage collector can have the entries; the
 * array is moved together once more than half of it is dropped. Every operation is O(entries touched)
 * amortized.
 */
import { assert } from "../stdx/assert.ts";
import type { Entry } from "../wire/gen/raft.ts";
import { ENTRY_QUEUE_MOVE_MIN } from "./limits.ts";

/** Stands in dropped slots: keeps the array's elements of one kind. */
const DROPPED: Entry = { type: 0, term: 0, index: 0, data: undefined };

export class EntryQueue {
  #slots: Entry[] = [];
  #head = 0;

  get length(): number {
    return this.#slots.length - this.#head;
  }

  /** The entry at `position`, counted from the front. */
  at(position: number): Entry {
    assert(position >= 0 && position < this.length, "Cannot read outside of the entry queue");
    return this.#slots[this.#head + position];
  }

  /** Appends entries; keeps them. */
  push(entries: readonly Entry[]): void {
    for (let i = 0; i < entries.length; i++) this.#slots.push(entries[i]);
  }

  /** The entries in [from, to), positions counted from the front, in a fresh array. */
  slice(from: number, to: number): Entry[] {
    assert(from >= 0 && from <= to && to <= this.length, "Cannot slice outside of the entry queue");
    return this.#slots.slice(this.#head + from, this.#head + to);
  }

  /** Removes the first `count` entries. */
  dropFront(count: number): void {
    assert(count >= 0 && count <= this.length, "Cannot drop more entries than there are");
    if (count === this.length) {
      this.clear();
      return;
    }
    this.#slots.fill(DROPPED, this.#head, this.#head + count);
    this.#head += count;
    if (this.#head >= ENTRY_QUEUE_MOVE_MIN && this.#head * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Keeps the first `count` entries, removes the others. */
  truncate(count: number): void {
    assert(count >= 0 && count <= this.length, "Cannot keep more entries than there are");
    this.#slots.length = this.#head + count;
  }

  /** Removes all entries and gives their array up. */
  clear(): void {
    this.#slots = [];
    this.#head = 0;
  }
}
