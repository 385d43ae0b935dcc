/**
 * A place in a bucket, from which one goes on to the next or the previous item.
 *
 * In a write transaction the cursor survives changes: when the tree has changed since the last move, it
 * finds its place again by the key. After the item under it was deleted it stands in the gap, and `next`
 * and `prev` give the neighbours.
 */
import { compareBytes } from "../stdx/bytes.ts";
import { BoltError, CorruptionError } from "./errors.ts";
import { BUCKET_FLAG } from "./layout.ts";
import type { BranchNode } from "./branch-node.ts";
import type { LeafNode } from "./leaf-node.ts";
import { Page } from "./page.ts";
import type { PageSource } from "./page-store.ts";
import type { Ref, Tree } from "./tree.ts";

/** `before` all items, `at` one, `after` all. */
type Place = "before" | "at" | "after";

/**
 * A place among the items of a bucket. Made by `Bucket.cursor`; it stands before all items first. Moves return whether
 * there is an item there. A move costs O(1) to the neighbour and O(log items) elsewhere.
 * Errors of every method: BoltError `txClosed`; CorruptionError and DiskError when a page cannot be read.
 */
export class Cursor {
  readonly #tree: Tree;
  /** Where pages come from, if not from the cache. */
  readonly #source: PageSource | undefined;
  /** From the root to the leaf, with the index taken on each level. */
  readonly #refs: Ref[] = [];
  readonly #indexes: number[] = [];
  /** Index of the leaf in the two lists. */
  #depth = -1;
  #place: Place = "before";
  /** Version of the tree at the last move. */
  #version = -1;
  /** The key of the current item, where it cannot be read from an unchanging page. */
  #key: Uint8Array | undefined;

  /** Made by the cursors of `Bucket`. @internal */
  constructor(tree: Tree, source: PageSource | undefined) {
    this.#tree = tree;
    this.#source = source;
  }

  /**
   * The key of the current item, or `undefined` when there is none. A view that stays valid. Of an item
   * that was deleted since the last move, the key it had.
   */
  get key(): Uint8Array | undefined {
    if (this.#place !== "at") return undefined;
    return this.#key ?? this.#leaf().keyAt(this.#indexes[this.#depth]);
  }

  /**
   * The value of the current item; `undefined` when there is no item, when it was deleted since the last
   * move, or when it is a bucket. A view that stays valid.
   */
  get value(): Uint8Array | undefined {
    if (this.#place !== "at" || !this.#settle()) return undefined;
    const leaf = this.#leaf();
    const index = this.#indexes[this.#depth];
    return (leaf.flagsAt(index) & BUCKET_FLAG) === 0 ? leaf.valueAt(index) : undefined;
  }

  /** Whether the current item is a bucket. */
  get isBucket(): boolean {
    if (this.#place !== "at" || !this.#settle()) return false;
    return (this.#leaf().flagsAt(this.#indexes[this.#depth]) & BUCKET_FLAG) !== 0;
  }

  /** Moves to the first item; false when the bucket is empty. */
  first(): boolean {
    this.#start();
    this.#descend(this.#tree.root(), 0, "first");
    return this.#arrive(this.#isOnItem() || this.#step(1), "after");
  }

  /** Moves to the last item; false when the bucket is empty. */
  last(): boolean {
    this.#start();
    this.#descend(this.#tree.root(), 0, "last");
    return this.#arrive(this.#isOnItem() || this.#step(-1), "before");
  }

  /** Moves to the first item with a key >= `key`; false when there is none. Borrows `key` until return. */
  seek(key: Uint8Array): boolean {
    this.#start();
    this.#search(key);
    return this.#arrive(this.#isOnItem() || this.#step(1), "after");
  }

  /** Moves to the next item, or to the first one from before all; false, and after all, at the end. */
  next(): boolean {
    this.#tree.state.requireOpen();
    if (this.#place === "before") return this.first();
    if (this.#place === "after") return false;
    // In the gap of a deleted item the search already arrived at what follows.
    const isThere = this.#settle();
    return this.#arrive(isThere || !this.#isOnItem() ? this.#step(1) : true, "after");
  }

  /** Moves to the previous item, or to the last one from after all; false, and before all, at the start. */
  prev(): boolean {
    this.#tree.state.requireOpen();
    if (this.#place === "after") return this.last();
    if (this.#place === "before") return false;
    this.#settle();
    return this.#arrive(this.#step(-1), "before");
  }

  /**
   * Deletes the current item. Errors: BoltError when there is none (keyRequired), when it is a bucket
   * (incompatibleValue), when the transaction is read-only or closed.
   */
  delete(): void {
    this.#tree.state.requireWritable();
    const key = this.key;
    if (key === undefined) throw new BoltError("keyRequired", "The cursor is at no item");
    if (this.isBucket) {
      throw new BoltError("incompatibleValue", "Cannot delete a bucket as a key");
    }
    if (!this.#settle()) return;
    this.#key = key;
    this.#tree.remove(key);
  }

  #start(): void {
    this.#tree.state.requireOpen();
    this.#version = this.#tree.version;
    this.#depth = -1;
    this.#key = undefined;
  }

  /** Makes the place that was reached the current one. */
  #arrive(found: boolean, otherwise: Place): boolean {
    this.#place = found ? "at" : otherwise;
    this.#version = this.#tree.version;
    const leaf = this.#leaf();
    // The items of a node move when it changes; those of a page never do.
    this.#key =
      found && !(leaf instanceof Page) ? leaf.keyAt(this.#indexes[this.#depth]) : undefined;
    return found;
  }

  /**
   * Finds the place again if the tree has changed; false when the item is gone. Then the cursor stands
   * where it would be, which may be behind the last item of a leaf.
   */
  #settle(): boolean {
    if (this.#version === this.#tree.version) return true;
    const found = this.key as Uint8Array;
    // The search may read over what was lent.
    const key = this.#source === undefined ? found : found.slice();
    this.#tree.state.requireOpen();
    this.#search(key);
    const leaf = this.#leaf();
    const index = this.#indexes[this.#depth];
    const isThere = index < leaf.count && leaf.compareKeyAt(index, key) === 0;
    this.#key = key;
    // While the item is missing, the place must be looked up anew on each use.
    if (isThere) this.#version = this.#tree.version;
    return isThere;
  }

  #leaf(): Page | LeafNode {
    return this.#refs[this.#depth] as Page | LeafNode;
  }

  #isOnItem(): boolean {
    return this.#indexes[this.#depth] < this.#leaf().count;
  }

  #search(key: Uint8Array): void {
    let ref = this.#tree.root();
    let depth = 0;
    for (; !ref.isLeaf; depth++) {
      const branch = ref;
      this.#tree.checkDepth(depth, branch);
      const index = branch.childIndex(key);
      this.#refs[depth] = branch;
      this.#indexes[depth] = index;
      ref = this.#tree.child(branch, index, this.#source);
    }
    const at = ref.find(key);
    this.#refs[depth] = ref;
    this.#indexes[depth] = at >= 0 ? at : ~at;
    this.#depth = depth;
  }

  /** Goes down from `ref` on level `depth` to the first or last leaf, onto its first or last item. */
  #descend(ref: Ref, depth: number, end: "first" | "last"): void {
    let level = depth;
    let current = ref;
    for (;;) {
      this.#tree.checkDepth(level, current);
      const index = end === "first" ? 0 : Math.max(0, current.count - 1);
      this.#refs[level] = current;
      this.#indexes[level] = index;
      if (current.isLeaf) break;
      current = this.#tree.child(current, index, this.#source);
      level++;
    }
    this.#depth = level;
  }

  /** Moves by one item forward (1) or back (-1), over leaves that became empty; false at the end. */
  #step(by: 1 | -1): boolean {
    const inLeaf = this.#indexes[this.#depth] + by;
    if (inLeaf >= 0 && inLeaf < this.#leaf().count) {
      this.#indexes[this.#depth] = inLeaf;
      return true;
    }
    const from = this.#leaf();
    for (let level = this.#depth - 1; level >= 0; level--) {
      const branch = this.#refs[level] as Page | BranchNode;
      const index = this.#indexes[level] + by;
      if (index < 0 || index >= branch.count) continue;
      this.#indexes[level] = index;
      this.#descend(
        this.#tree.child(branch, index, this.#source),
        level + 1,
        by === 1 ? "first" : "last",
      );
      if (this.#isOnItem()) {
        this.#checkOrder(from, by);
        return true;
      }
      // An empty leaf: on from there.
      level = this.#depth;
    }
    return false;
  }

  /** Leaves that repeat are the mark of a tree that leads in a circle: without this it never ends. */
  #checkOrder(from: Page | LeafNode, by: 1 | -1): void {
    const to = this.#leaf();
    if (from.count === 0 || !(to instanceof Page)) return;
    const isAscending =
      by === 1
        ? compareBytes(from.keyAt(from.count - 1), to.keyAt(0)) < 0
        : compareBytes(to.keyAt(to.count - 1), from.keyAt(0)) < 0;
    if (isAscending) return;
    throw new CorruptionError(
      this.#tree.state.path,
      to.id,
      "its keys are out of order with the leaf beside it",
    );
  }
}
