/**
 * Sorts as Go's sort.Sort does since 1.19. The result is in order either way; what this is for is the order of
 * equal items, which that sort leaves open and which is the same in every program that uses it. It is a
 * pattern-defeating quicksort: insertion sort for a few items, quicksort by a median, heap sort when the medians
 * are bad.
 *
 * Source: Go package sort (zsortinterface.go); Peters, Pattern-defeating Quicksort (2021).
 */

/** Items from which a range is not sorted by insertion. */
const INSERTION_MAX = 12;

/** Items from which a pivot is the median of three medians. */
const NINTHER_MIN = 50;

/** Items from which neighbours out of order are put right on the way, and how many of them. */
const SHIFT_MIN = 50;
const SHIFTS_MAX = 5;

/** Exchanges in the choice of a pivot that tell of descending order. */
const PIVOT_EXCHANGES_MAX = 12;

/** Items from which a range has patterns to break, and a pivot to choose. */
const PATTERN_MIN = 8;

/** Sorts `items` in place; `isLess` is a strict weak order. O(n log n). */
export function goSort<T>(items: T[], isLess: (a: T, b: T) => boolean): void {
  if (items.length <= 1) return;
  new Sorter(items, isLess).sort(0, items.length, bitLength(items.length));
}

/** What is known of the order of a range before it is looked through. */
type Hint = "ascending" | "descending" | "none";

class Sorter<T> {
  readonly #items: T[];
  readonly #isLess: (a: T, b: T) => boolean;
  #exchanges = 0;

  constructor(items: T[], isLess: (a: T, b: T) => boolean) {
    this.#items = items;
    this.#isLess = isLess;
  }

  /** Sorts [start, end) with up to `badLeft` bad pivots. */
  sort(start: number, end: number, badLeft: number): void {
    let isBalanced = true;
    let isPartitioned = true;
    while (end - start > INSERTION_MAX) {
      if (badLeft === 0) {
        this.#heapSort(start, end);
        return;
      }
      if (!isBalanced) {
        this.#breakPatterns(start, end);
        badLeft--;
      }
      const { pivot, hint } = this.#ascendingPivot(start, end);
      const seemsSorted = isBalanced && isPartitioned && hint === "ascending";
      if (seemsSorted && this.#shiftFew(start, end)) return;
      if (start > 0 && !this.#less(start - 1, pivot)) {
        start = this.#skipEqual(start, end, pivot);
        continue;
      }
      const split = this.#partition(start, end, pivot);
      isPartitioned = split.wasPartitioned;
      const { middle } = split;
      isBalanced = Math.min(middle - start, end - middle) >= Math.floor((end - start) / 8);
      if (middle - start < end - middle) {
        this.sort(start, middle, badLeft);
        start = middle + 1;
      } else {
        this.sort(middle + 1, end, badLeft);
        end = middle;
      }
    }
    this.#insertionSort(start, end);
  }

  #less(a: number, b: number): boolean {
    return this.#isLess(this.#items[a], this.#items[b]);
  }

  #swap(a: number, b: number): void {
    const items = this.#items;
    [items[a], items[b]] = [items[b], items[a]];
  }

  #insertionSort(start: number, end: number): void {
    for (let at = start + 1; at < end; at++) this.#sink(at, start);
  }

  /** Moves an item down to where it belongs, not below `floor`. */
  #sink(at: number, floor: number): void {
    for (let to = at; to > floor && this.#less(to, to - 1); to--) this.#swap(to, to - 1);
  }

  #heapSort(start: number, end: number): void {
    const count = end - start;
    for (let root = Math.floor((count - 1) / 2); root >= 0; root--) {
      this.#siftDown(start, root, count);
    }
    for (let last = count - 1; last >= 0; last--) {
      this.#swap(start, start + last);
      this.#siftDown(start, 0, last);
    }
  }

  /** Makes a heap of the `count` items from `start` on whose subtrees below `root` are heaps. */
  #siftDown(start: number, root: number, count: number): void {
    for (let child = 2 * root + 1; child < count; child = 2 * root + 1) {
      if (child + 1 < count && this.#less(start + child, start + child + 1)) child++;
      if (!this.#less(start + root, start + child)) return;
      this.#swap(start + root, start + child);
      root = child;
    }
  }

  /** Exchanges three items in the middle for others, by a generator that the length alone seeds. */
  #breakPatterns(start: number, end: number): void {
    const count = end - start;
    if (count < PATTERN_MIN) return;
    const mask = (1n << BigInt(bitLength(count))) - 1n;
    const middle = start + 2 * Math.floor(count / 4);
    let random = BigInt(count);
    for (let at = middle - 1; at <= middle + 1; at++) {
      random = nextXorshift(random);
      let other = Number(random & mask);
      if (other >= count) other -= count;
      this.#swap(at, start + other);
    }
  }

  /** Where the pivot is, after a range in descending order was turned around. */
  #ascendingPivot(start: number, end: number): { readonly pivot: number; readonly hint: Hint } {
    const chosen = this.#choosePivot(start, end);
    if (chosen.hint !== "descending") return chosen;
    for (let low = start, high = end - 1; low < high; low++, high--) this.#swap(low, high);
    return { pivot: end - 1 - (chosen.pivot - start), hint: "ascending" };
  }

  #choosePivot(start: number, end: number): { readonly pivot: number; readonly hint: Hint } {
    const count = end - start;
    const quarter = Math.floor(count / 4);
    let [low, middle, high] = [start + quarter, start + 2 * quarter, start + 3 * quarter];
    this.#exchanges = 0;
    if (count >= PATTERN_MIN) {
      if (count >= NINTHER_MIN) {
        low = this.#median(low - 1, low, low + 1);
        middle = this.#median(middle - 1, middle, middle + 1);
        high = this.#median(high - 1, high, high + 1);
      }
      middle = this.#median(low, middle, high);
    }
    if (this.#exchanges === 0) return { pivot: middle, hint: "ascending" };
    const isDescending = this.#exchanges === PIVOT_EXCHANGES_MAX;
    return { pivot: middle, hint: isDescending ? "descending" : "none" };
  }

  /** The place of the median of three; counts what is out of order. */
  #median(a: number, b: number, c: number): number {
    if (this.#isExchanged(b, a)) [a, b] = [b, a];
    if (this.#isExchanged(c, b)) [b, c] = [c, b];
    if (this.#isExchanged(b, a)) [a, b] = [b, a];
    return b;
  }

  #isExchanged(later: number, earlier: number): boolean {
    if (!this.#less(later, earlier)) return false;
    this.#exchanges++;
    return true;
  }

  /** Puts a few neighbours right; whether the range is in order then. */
  #shiftFew(start: number, end: number): boolean {
    let at = start + 1;
    for (let shifts = 0; shifts < SHIFTS_MAX; shifts++) {
      while (at < end && !this.#less(at, at - 1)) at++;
      if (at === end) return true;
      if (end - start < SHIFT_MIN) return false;
      this.#swap(at, at - 1);
      // Below the start of the range nothing is greater than what is in it.
      if (at - start >= 2) this.#sink(at - 1, 0);
      for (let to = at + 1; to < end && this.#less(to, to - 1); to++) this.#swap(to, to - 1);
    }
    return false;
  }

  /** Moves what is equal to the pivot, of which nothing is smaller, to the start; returns where the rest starts. */
  #skipEqual(start: number, end: number, pivot: number): number {
    this.#swap(start, pivot);
    let [low, high] = [start + 1, end - 1];
    for (;;) {
      while (low <= high && !this.#less(start, low)) low++;
      while (low <= high && this.#less(start, high)) high--;
      if (low > high) return low;
      this.#swap(low++, high--);
    }
  }

  /** Moves smaller items before the pivot and the others behind it; whether they stood so already. */
  #partition(
    start: number,
    end: number,
    pivot: number,
  ): { readonly middle: number; readonly wasPartitioned: boolean } {
    this.#swap(start, pivot);
    let [low, high] = [start + 1, end - 1];
    for (let exchanges = 0; ; exchanges++) {
      while (low <= high && this.#less(low, start)) low++;
      while (low <= high && !this.#less(high, start)) high--;
      if (low > high) {
        this.#swap(high, start);
        return { middle: high, wasPartitioned: exchanges === 0 };
      }
      this.#swap(low++, high--);
    }
  }
}

function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}

/** Source: Marsaglia, Xorshift RNGs (2003). */
function nextXorshift(state: bigint): bigint {
  let next = BigInt.asUintN(64, state ^ (state << 13n));
  next ^= next >> 17n;
  return BigInt.asUintN(64, next ^ (next << 5n));
}
