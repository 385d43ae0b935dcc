/**
 * The index of the keyspace: for every key its history (`key-index.ts`), ordered by key, with counts of
 * live keys. It holds no values: those are found in storage under the revisions it names.
 *
 * Deleted keys stay, uncounted, until compaction forgets their last revision.
 */
import { assert } from "../stdx/assert.ts";
import { BTree } from "../stdx/btree.ts";
import type { BTreeCursor } from "../stdx/btree-cursor.ts";
import { KeyIndex } from "./key-index.ts";
import type { KeyRange } from "./key-range.ts";

const isLive = (history: KeyIndex): boolean => history.live;

export class TreeIndex {
  readonly #tree = new BTree<KeyIndex>(isLive);

  /** Number of keys that exist now. */
  get liveKeys(): number {
    return this.#tree.counted;
  }

  /** The history of a key, `undefined` when no revision of it is known. */
  get(key: string): KeyIndex | undefined {
    return this.#tree.get(key);
  }

  /** Number of live keys in the range. O(log n). */
  countLive(range: KeyRange): number {
    return this.#tree.countRange(range.from, range.end);
  }

  /** A cursor over all histories, or over those of live keys; ends when a key enters or leaves. */
  cursor(liveOnly: boolean): BTreeCursor<KeyIndex> {
    return liveOnly ? this.#tree.countedCursor() : this.#tree.cursor();
  }

  /** Records a put and returns the history, which now shows create revision and version. */
  put(key: string, main: number, sub: number): KeyIndex {
    return this.restorePut(key, main, sub, main, 1);
  }

  /** Records the deletion of a live key. */
  tombstone(key: string, main: number, sub: number): void {
    const history = this.#tree.get(key);
    assert(history !== undefined, "Cannot delete a key that is not in the index");
    history.tombstone(main, sub);
    this.#tree.adjustCount(key, -1);
  }

  /**
   * Records a put met in storage. Create revision and version are those of the stored value; they count
   * only for the first revision of a key, and continue from there.
   */
  restorePut(
    key: string,
    main: number,
    sub: number,
    createRevision: number,
    version: number,
  ): KeyIndex {
    const history = this.#tree.getForInsert(key);
    if (history === undefined) {
      const created = new KeyIndex(main, sub, createRevision, version);
      this.#tree.insertThere(created);
      return created;
    }
    const revived = !history.live;
    history.put(main, sub);
    if (revived) this.#tree.adjustCount(key, 1);
    return history;
  }

  /**
   * Records a tombstone met in storage, perhaps of a key whose puts are compacted away. A second tombstone
   * of a deleted key says nothing new.
   */
  restoreTombstone(key: string, main: number, sub: number): void {
    const history = this.#tree.get(key);
    if (history === undefined) this.#tree.insert(key, new KeyIndex(main, sub, 0, 0));
    else if (history.live) this.tombstone(key, main, sub);
  }

  /** Drops a key that compaction has emptied. */
  remove(key: string): void {
    this.#tree.delete(key);
  }
}
