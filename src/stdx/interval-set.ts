/**
 * A set of strings given as a union of half-open intervals [from, end): which strings are covered, not
 * which interval covers them. Kept as disjoint intervals that do not touch, in a B+tree by start.
 */
import { BTree } from "./btree.ts";

interface Interval {
  end: string;
}

export class IntervalSet {
  readonly #byStart = new BTree<Interval>(() => true);

  /** Number of disjoint intervals. */
  get size(): number {
    return this.#byStart.size;
  }

  /** Whether `key` is in the set. O(log n). */
  has(key: string): boolean {
    const cursor = this.#byStart.cursor();
    return cursor.seekBefore(`${key}\0`) && key < cursor.value.end;
  }

  /** Adds [from, end); nothing when the interval is empty. O(log n) amortized. */
  add(from: string, end: string): void {
    if (end <= from) return;
    let target: Interval | undefined;
    const before = this.#byStart.cursor();
    if (before.seekBefore(`${from}\0`) && before.value.end >= from) {
      target = before.value;
      if (target.end < end) target.end = end;
    } else {
      target = { end };
      this.#byStart.insert(from, target);
    }
    this.#absorbAfter(from, target);
  }

  /** Adds everything in `other`. O(m log n). */
  addAll(other: IntervalSet): void {
    const cursor = other.#byStart.cursor();
    for (let ok = cursor.seek(""); ok; ok = cursor.next()) this.add(cursor.key, cursor.value.end);
  }

  /** Removes the intervals that `target`, which starts at or before `from`, now reaches. */
  #absorbAfter(from: string, target: Interval): void {
    for (;;) {
      const next = this.#byStart.cursor();
      if (!next.seek(`${from}\0`) || next.key > target.end) return;
      if (next.value.end > target.end) target.end = next.value.end;
      this.#byStart.delete(next.key);
    }
  }
}
