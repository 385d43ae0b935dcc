/**
 * The history of one key: which revisions wrote it and which deleted it.
 *
 * A history is a list of revisions, oldest first; a deletion (tombstone, marked t) ends a *generation* of
 * the key, and the next put starts another with version 1. Take the key `color`:
 *
 *     revision   3.0      5.0      8.0      9.0 t     12.0     14.1
 *     change     put      put      put      delete    put      put
 *     version    1        2        3                  1        2
 *                └──────── generation ─────────┘      └─ generation, create revision 12 ─
 *
 *     read at 4   finds 3.0          read at 9, 10, 11   finds nothing: the key was deleted
 *     read at 8   finds 8.0          read at 20          finds 14.1
 *
 * Compaction at revision R forgets what no read at R or later can see: of the revisions up to R only the
 * newest stays, and it goes too when it is a tombstone older than R.
 *
 *     compact 5    keeps  5.0   8.0   9.0 t   12.0   14.1
 *     compact 9    keeps  9.0 t   12.0   14.1               a tombstone at exactly R stays
 *     compact 10   keeps  12.0   14.1
 *     compact 20   keeps  14.1
 *
 * The tombstone at exactly R stays because a watcher may still start at R and must see the deletion.
 *
 * Differs from etcd: a key may be deleted and put again within one main revision (by a deletion with
 * range_end "\0"). Compacting at exactly that revision keeps the put; etcd removes it from storage and
 * crashes when the key is read.
 *
 * In memory: almost every key has one generation and one or few revisions, so the newest revision and what
 * the next put needs are plain fields, and older revisions are one flat array of numbers, without
 * boundaries: a tombstone mark is enough to tell generations apart. Version and create revision of older
 * revisions are not kept; they are in the stored value.
 *
 * Source: etcd server/storage/mvcc/key_index.go (3.5: server/mvcc/key_index.go).
 */
import { assert } from "../stdx/assert.ts";
import { compareRevisions, type Revision } from "./revision.ts";

/** Says that a search in a history found nothing. */
export const NOT_FOUND = -1;

/** Numbers per older revision: main, and sub times two plus one for a tombstone. */
const STRIDE = 2;

/**
 * Histories up to this many numbers grow by exact copies: V8 leaves room for 17 more elements when it
 * grows an array itself, which would triple the cost of a key that was written twice.
 */
const EXACT_GROWTH_LENGTH = 16;

export class KeyIndex {
  #main: number;
  #sub: number;
  #createRevision: number;
  /** 0 when the newest revision is a tombstone. */
  #version: number;
  /** Revisions before the newest one, ascending, `STRIDE` numbers each. */
  #older: number[] | undefined = undefined;

  /**
   * A history whose oldest known revision is (main, sub). A new key starts with `createRevision` = main
   * and version 1; a restored one has those of its stored value, and version 0 says tombstone.
   */
  constructor(main: number, sub: number, createRevision: number, version: number) {
    this.#main = main;
    this.#sub = sub;
    this.#createRevision = createRevision;
    this.#version = version;
  }

  /** Main part of the newest revision. */
  get main(): number {
    return this.#main;
  }

  /** Sub part of the newest revision. */
  get sub(): number {
    return this.#sub;
  }

  /** Whether the key exists now: its newest revision is not a tombstone. */
  get live(): boolean {
    return this.#version > 0;
  }

  /** Puts in the newest generation; 0 when not live. */
  get version(): number {
    return this.#version;
  }

  /** Main revision of the first put of the newest generation; 0 when not live. */
  get createRevision(): number {
    return this.#createRevision;
  }

  /** Position of the newest revision, counted from the oldest at 0. */
  get newest(): number {
    return this.#older === undefined ? 0 : this.#older.length / STRIDE;
  }

  /** Records a put, which starts a generation when the key is not live. */
  put(main: number, sub: number): void {
    this.#advance(main, sub);
    if (this.#version === 0) this.#createRevision = main;
    this.#version++;
  }

  /** Records a deletion, which ends the generation; the key is live. */
  tombstone(main: number, sub: number): void {
    assert(this.live, "Cannot delete a key that does not exist");
    this.#advance(main, sub);
    this.#version = 0;
    this.#createRevision = 0;
  }

  /** Main part of the revision at `position`. */
  mainAt(position: number): number {
    return position === this.newest ? this.#main : (this.#older ?? [])[position * STRIDE];
  }

  /** Sub part of the revision at `position`. */
  subAt(position: number): number {
    return Math.floor(this.#markAt(position) / 2);
  }

  /**
   * Returns the position of the revision that a read at main revision `atRevision` sees, `NOT_FOUND`
   * when the key did not exist then. O(log revisions); O(1) at or above the newest.
   */
  find(atRevision: number): number {
    const position = this.#lastAtOrBelow(atRevision);
    return position === NOT_FOUND || this.#isTombstone(position) ? NOT_FOUND : position;
  }

  /**
   * Returns the position of the revision up to `atRevision` that a compaction there keeps, `NOT_FOUND`
   * when it keeps none.
   */
  keptAt(atRevision: number): number {
    const position = this.#lastAtOrBelow(atRevision);
    if (position === NOT_FOUND || !this.#isTombstone(position)) return position;
    return this.mainAt(position) === atRevision ? position : NOT_FOUND;
  }

  /**
   * Returns the position of the revision that a hash at main revision `atRevision` takes for kept: the one
   * that a read sees, but `NOT_FOUND` when a deletion came before it within `atRevision`, because etcd looks
   * no further than the first generation that ends there.
   */
  hashedAt(atRevision: number): number {
    const position = this.find(atRevision);
    for (let at = position; at >= 0 && this.mainAt(at) === atRevision; at--) {
      if (this.#isTombstone(at)) return NOT_FOUND;
    }
    return position;
  }

  /**
   * Forgets what a compaction at `atRevision` removes. Returns false when nothing is left: the key must
   * then leave the index. Repeating it changes nothing. O(revisions removed).
   */
  compact(atRevision: number): boolean {
    const last = this.#lastAtOrBelow(atRevision);
    if (last === NOT_FOUND) return true;
    const first = this.keptAt(atRevision) === NOT_FOUND ? last + 1 : last;
    const { newest } = this;
    if (first > newest) return false;
    if (first > 0) this.#older = first === newest ? undefined : this.#older?.slice(first * STRIDE);
    return true;
  }

  /**
   * Returns the revisions, tombstones too, with main >= `fromRevision`, oldest first. Of several with one
   * main only the last is given: the others were never visible outside their transaction.
   */
  since(fromRevision: number): Revision[] {
    const found: Revision[] = [];
    const { newest } = this;
    for (let i = this.#lastAtOrBelow(fromRevision - 1) + 1; i <= newest; i++) {
      const main = this.mainAt(i);
      if (i === newest || this.mainAt(i + 1) !== main) found.push({ main, sub: this.subAt(i) });
    }
    return found;
  }

  #isTombstone(position: number): boolean {
    return this.#markAt(position) % 2 === 1;
  }

  #markAt(position: number): number {
    if (position === this.newest) return this.#sub * 2 + (this.live ? 0 : 1);
    return (this.#older ?? [])[position * STRIDE + 1];
  }

  /** Makes (main, sub) the newest revision and moves the one before it to the older ones. */
  #advance(main: number, sub: number): void {
    assert(
      compareRevisions(main, sub, this.#main, this.#sub) > 0,
      () => `Cannot add revision ${main}.${sub} after ${this.#main}.${this.#sub}`,
    );
    const mark = this.#sub * 2 + (this.live ? 0 : 1);
    const older = this.#older;
    if (older === undefined) {
      this.#older = [this.#main, mark];
    } else if (older.length < EXACT_GROWTH_LENGTH) {
      this.#older = older.concat(this.#main, mark);
    } else {
      older.push(this.#main, mark);
    }
    this.#main = main;
    this.#sub = sub;
  }

  /** Position of the last revision with main <= `atRevision`. */
  #lastAtOrBelow(atRevision: number): number {
    if (this.#main <= atRevision) return this.newest;
    const older = this.#older;
    if (older === undefined) return NOT_FOUND;
    let low = 0;
    let high = older.length / STRIDE;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (older[middle * STRIDE] <= atRevision) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
