/**
 * The set of free pages, one bit each, that finds free pages in a row in O(log pages).
 *
 * A binary tree stands over the words of the bitmap. Each node knows, for the pages below it, the free run
 * at the low end, the free run at the high end, and the longest run anywhere:
 *
 *                 low 3, high 5, longest 5                 1110 0110 1111 1...
 *                /                        \
 *       low 3, high 1, longest 3       low 4, ...
 *
 * So "the first run of at least n pages at or above page p" is one walk down, however many runs there are.
 */
import { assert } from "../stdx/assert.ts";

const WORD_BITS = 32;
const ALL_FREE = 0xffffffff;

export class FreeMap {
  #words = new Uint32Array(1);
  /** Words in the bitmap, a power of two: the leaves of the tree, whose node n is at index leaves + n. */
  #leaves = 1;
  #low = new Uint32Array(2);
  #high = new Uint32Array(2);
  #longest = new Uint32Array(2);
  #count = 0;
  /** Length of the free run that ends where the running search stands. */
  #carry = 0;

  /** Free pages. */
  get count(): number {
    return this.#count;
  }

  /** Length of the longest run of free pages. */
  get longestRun(): number {
    return this.#longest[1];
  }

  has(id: number): boolean {
    if (id >= this.#leaves * WORD_BITS) return false;
    return ((this.#words[id >>> 5] >>> (id & 31)) & 1) === 1;
  }

  /** Adds `count` pages from `id` on, none of which is in the set. */
  add(id: number, count: number): void {
    this.#reserve(id + count);
    this.#change(id, count, true);
  }

  /** Removes `count` pages from `id` on, all of which are in the set. */
  remove(id: number, count: number): void {
    this.#change(id, count, false);
  }

  /** Adds all pages whose bits in `bits` (32 pages a word, lowest first) are set; none is in the set. */
  addBits(bits: Uint32Array): void {
    this.#reserve(bits.length * WORD_BITS);
    for (let word = 0; word < bits.length; word++) {
      assert((this.#words[word] & bits[word]) === 0, "A page would be free twice");
      this.#words[word] |= bits[word];
      this.#count += bitCount(bits[word]);
    }
    this.#rebuild();
  }

  /** Returns the lowest id >= `from` of `count` free pages in a row, or -1. O(log pages). */
  find(count: number, from: number): number {
    if (this.#longest[1] < count) return -1;
    this.#carry = 0;
    return this.#search(1, 0, this.#leaves * WORD_BITS, count, from);
  }

  /** Calls `visit` for every free page, ascending. */
  forEach(visit: (id: number) => void): void {
    for (let word = 0; word < this.#words.length; word++) {
      for (let bits = this.#words[word]; bits !== 0; bits &= bits - 1) {
        visit(word * WORD_BITS + 31 - Math.clz32(bits & -bits));
      }
    }
  }

  #search(node: number, start: number, span: number, count: number, from: number): number {
    if (start + span <= from) return -1;
    if (start >= from) {
      if (this.#carry + this.#low[node] >= count) return start - this.#carry;
      if (this.#longest[node] < count) {
        const high = this.#high[node];
        this.#carry = high === span ? this.#carry + span : high;
        return -1;
      }
    }
    if (span === WORD_BITS) return this.#searchWord(node - this.#leaves, start, count, from);
    const half = span / 2;
    const found = this.#search(2 * node, start, half, count, from);
    return found >= 0 ? found : this.#search(2 * node + 1, start + half, half, count, from);
  }

  #searchWord(word: number, start: number, count: number, from: number): number {
    const bits = this.#words[word];
    for (let bit = Math.max(0, from - start); bit < WORD_BITS; bit++) {
      this.#carry = ((bits >>> bit) & 1) === 1 ? this.#carry + 1 : 0;
      if (this.#carry >= count) return start + bit + 1 - count;
    }
    return -1;
  }

  #change(id: number, count: number, free: boolean): void {
    assert(count > 0, () => `Cannot change ${count} pages`);
    const lastWord = (id + count - 1) >>> 5;
    for (let word = id >>> 5; word <= lastWord; word++) {
      const base = word * WORD_BITS;
      const from = Math.max(id, base) - base;
      const to = Math.min(id + count, base + WORD_BITS) - base;
      const mask = to - from === WORD_BITS ? ALL_FREE : ((1 << (to - from)) - 1) << from;
      const touched = this.#words[word] & mask;
      assert(touched === (free ? 0 : mask | 0), () => `Page run ${id}+${count} is half free`);
      this.#words[word] ^= mask;
      this.#summarizeWord(word);
    }
    this.#count += free ? count : -count;
    // All ancestors of the changed words, level by level.
    let first = (this.#leaves + (id >>> 5)) >>> 1;
    let last = (this.#leaves + lastWord) >>> 1;
    for (let half = WORD_BITS; first >= 1; half *= 2) {
      for (let node = first; node <= last; node++) this.#summarize(node, half);
      first >>>= 1;
      last >>>= 1;
    }
  }

  #summarizeWord(word: number): void {
    const bits = this.#words[word];
    const node = this.#leaves + word;
    const inverse = ~bits;
    this.#low[node] = inverse === 0 ? WORD_BITS : 31 - Math.clz32(inverse & -inverse);
    this.#high[node] = Math.clz32(inverse);
    let longest = 0;
    // Each round shortens every run by one.
    for (let runs = bits; runs !== 0; runs &= runs << 1) longest++;
    this.#longest[node] = longest;
  }

  /** `half` is the number of pages below each of the two children. */
  #summarize(node: number, half: number): void {
    const left = 2 * node;
    const right = left + 1;
    const low = this.#low;
    const high = this.#high;
    low[node] = low[left] === half ? half + low[right] : low[left];
    high[node] = high[right] === half ? half + high[left] : high[right];
    const across = high[left] + low[right];
    const longest = Math.max(this.#longest[left], this.#longest[right]);
    this.#longest[node] = across > longest ? across : longest;
  }

  #reserve(pages: number): void {
    if (pages <= this.#leaves * WORD_BITS) return;
    while (this.#leaves * WORD_BITS < pages) this.#leaves *= 2;
    const words = new Uint32Array(this.#leaves);
    words.set(this.#words);
    this.#words = words;
    this.#low = new Uint32Array(2 * this.#leaves);
    this.#high = new Uint32Array(2 * this.#leaves);
    this.#longest = new Uint32Array(2 * this.#leaves);
    this.#rebuild();
  }

  #rebuild(): void {
    for (let word = 0; word < this.#leaves; word++) this.#summarizeWord(word);
    let half = WORD_BITS;
    for (let first = this.#leaves >>> 1; first >= 1; first >>>= 1) {
      for (let node = first; node < 2 * first; node++) this.#summarize(node, half);
      half *= 2;
    }
  }
}

function bitCount(bits: number): number {
  let rest = bits - ((bits >>> 1) & 0x55555555);
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
