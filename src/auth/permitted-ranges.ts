/**
 * Keys that a user may read, or may write: the union of the permissions of all its roles, as disjoint
 * intervals that do not touch. A range is permitted when one of them covers it, so ranges of several
 * permissions count together where they meet.
 *
 * Looking up allocates nothing: every put is checked.
 *
 * Source: etcd server/auth/range_perm_cache.go, pkg/adt/interval_tree.go (3.5).
 */
import { compareBytes } from "../stdx/bytes.ts";

/** A permission's range: as in `RangeRequest`, empty `rangeEnd` is one key, "\0" has no upper bound. */
export interface GrantedRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** [from, end); without `end` it has no upper bound. */
interface Interval {
  readonly from: Uint8Array;
  end: Uint8Array | undefined;
}

/** Whether a range with this end has no upper bound. */
export function isOpenEnded(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

export class PermittedRanges {
  /** By start. */
  readonly #intervals: readonly Interval[];

  /** O(n log n). */
  constructor(granted: readonly GrantedRange[]) {
    const intervals: Interval[] = [];
    for (const range of granted) {
      const interval = intervalOf(range);
      if (interval !== undefined) intervals.push(interval);
    }
    this.#intervals = merged(intervals);
  }

  /** Number of disjoint intervals. */
  get size(): number {
    return this.#intervals.length;
  }

  /** Whether `key` is in one of the ranges. O(log n). */
  hasKey(key: Uint8Array): boolean {
    const interval = this.#lastFrom(key);
    if (interval === undefined) return false;
    return interval.end === undefined || compareBytes(key, interval.end) < 0;
  }

  /**
   * Whether everything in the range of a request is in the ranges. O(log n).
   *
   * Differs from etcd: a range that is empty, because its end is not above its key, asks for its key. There
   * the answer depends on the order in which permissions were granted.
   */
  covers(key: Uint8Array, rangeEnd: Uint8Array): boolean {
    if (rangeEnd.length === 0) return this.hasKey(key);
    const interval = this.#lastFrom(key);
    if (interval === undefined) return false;
    if (interval.end === undefined) return true;
    if (isOpenEnded(rangeEnd) || compareBytes(key, interval.end) >= 0) return false;
    return compareBytes(rangeEnd, interval.end) <= 0;
  }

  /** The last interval that starts at or below `key`. */
  #lastFrom(key: Uint8Array): Interval | undefined {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#intervals[middle].from, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#intervals[low - 1];
  }
}

/** `undefined` for a range that permits nothing, which older versions let pass. */
function intervalOf({ key, rangeEnd }: GrantedRange): Interval | undefined {
  if (key.length === 0) return undefined;
  if (rangeEnd.length === 0) {
    const end = new Uint8Array(key.length + 1);
    end.set(key);
    return { from: key, end };
  }
  if (isOpenEnded(rangeEnd)) return { from: key, end: undefined };
  return compareBytes(key, rangeEnd) < 0 ? { from: key, end: rangeEnd } : undefined;
}

function merged(intervals: Interval[]): Interval[] {
  intervals.sort((a, b) => compareBytes(a.from, b.from));
  const disjoint: Interval[] = [];
  let last: Interval | undefined;
  for (const next of intervals) {
    if (last === undefined || (last.end !== undefined && compareBytes(last.end, next.from) < 0)) {
      disjoint.push(next);
      last = next;
    } else if (last.end !== undefined) {
      if (next.end === undefined || compareBytes(last.end, next.end) < 0) last.end = next.end;
    }
  }
  return disjoint;
}
