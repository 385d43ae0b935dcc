/**
 * A position in a B+tree: ordered walks in both directions, over all entries or over counted ones only.
 *
 * Any insert into or delete from the tree ends a cursor: its next use asserts. Count changes do not. To
 * walk in slices with writes between them, keep the last key and take a new cursor.
 */
import { assert } from "./assert.ts";
import type { BTree } from "./btree.ts";
import {
  BTreeInner,
  type BTreeLeaf,
  type BTreeNode,
  lowerBound,
  upperBound,
} from "./btree-node.ts";

export class BTreeCursor<V> {
  readonly #tree: BTree<V>;
  readonly #generation: number;
  readonly #root: BTreeNode<V>;
  /** Set when the cursor stands on counted entries only. */
  readonly #isCounted: ((value: V) => boolean) | undefined;
  /** Inner nodes from the root down to the leaf, and the slot taken in each. */
  readonly #path: BTreeInner<V>[] = [];
  readonly #slots: number[] = [];
  #leaf: BTreeLeaf<V> | undefined;
  #index = 0;

  /** Made by `BTree.cursor` and `BTree.countedCursor`. */
  constructor(tree: BTree<V>, root: BTreeNode<V>, isCounted: ((value: V) => boolean) | undefined) {
    this.#tree = tree;
    this.#generation = tree.generation;
    this.#root = root;
    this.#isCounted = isCounted;
  }

  /** The key here; the cursor stands on an entry. */
  get key(): string {
    return this.#here().keys[this.#index];
  }

  /** The value here; the cursor stands on an entry. */
  get value(): V {
    return this.#here().values[this.#index];
  }

  /** Moves to the first entry with a key >= `key`; false when there is none. O(log n). */
  seek(key: string): boolean {
    this.#index = lowerBound(this.#descendTo(key).keys, key) - 1;
    return this.next();
  }

  /** Moves to the last entry with a key < `end`, the last of all without `end`; false for none. */
  seekBefore(end: string | undefined): boolean {
    if (end === undefined) {
      this.#path.length = 0;
      this.#slots.length = 0;
      this.#index = this.#descendToLast(this.#root).keys.length;
    } else {
      this.#index = lowerBound(this.#descendTo(end).keys, end);
    }
    return this.previous();
  }

  /** Moves to the next entry; false at the end. Skips whole subtrees without counted entries. */
  next(): boolean {
    let leaf = this.#here();
    this.#index++;
    for (;;) {
      for (; this.#index < leaf.keys.length; this.#index++) {
        if (this.#isCounted === undefined || this.#isCounted(leaf.values[this.#index])) return true;
      }
      if (!this.#nextLeaf()) return false;
      leaf = this.#here();
    }
  }

  /** Moves to the previous entry; false at the start. Skips whole subtrees without counted entries. */
  previous(): boolean {
    let leaf = this.#here();
    this.#index--;
    for (;;) {
      for (; this.#index >= 0; this.#index--) {
        if (this.#isCounted === undefined || this.#isCounted(leaf.values[this.#index])) return true;
      }
      if (!this.#previousLeaf()) return false;
      leaf = this.#here();
    }
  }

  #here(): BTreeLeaf<V> {
    assert(this.#generation === this.#tree.generation, "B-tree changed under its cursor");
    assert(this.#leaf !== undefined, "B-tree cursor was not positioned");
    return this.#leaf;
  }

  #descendTo(key: string): BTreeLeaf<V> {
    this.#path.length = 0;
    this.#slots.length = 0;
    let node = this.#root;
    while (node instanceof BTreeInner) {
      const slot = upperBound(node.separators, key);
      this.#path.push(node);
      this.#slots.push(slot);
      node = node.children[slot];
    }
    this.#leaf = node;
    return this.#here();
  }

  #descendToFirst(from: BTreeNode<V>): void {
    let node = from;
    while (node instanceof BTreeInner) {
      this.#path.push(node);
      this.#slots.push(0);
      node = node.children[0];
    }
    this.#leaf = node;
    this.#index = 0;
  }

  #descendToLast(from: BTreeNode<V>): BTreeLeaf<V> {
    let node = from;
    while (node instanceof BTreeInner) {
      const slot = node.children.length - 1;
      this.#path.push(node);
      this.#slots.push(slot);
      node = node.children[slot];
    }
    this.#leaf = node;
    return this.#here();
  }

  /** Whether a walk may pass over child `slot`: it walks counted entries, and there are none below. */
  #skips(node: BTreeInner<V>, slot: number): boolean {
    return this.#isCounted !== undefined && node.counts[slot] === 0;
  }

  /** To the first entry of the next leaf that the walk does not pass over. */
  #nextLeaf(): boolean {
    while (this.#path.length > 0) {
      const level = this.#path.length - 1;
      const node = this.#path[level];
      let slot = this.#slots[level] + 1;
      while (slot < node.children.length && this.#skips(node, slot)) slot++;
      if (slot < node.children.length) {
        this.#slots[level] = slot;
        this.#descendToFirst(node.children[slot]);
        return true;
      }
      this.#path.pop();
      this.#slots.pop();
    }
    return false;
  }

  /** To the last entry of the previous leaf that the walk does not pass over. */
  #previousLeaf(): boolean {
    while (this.#path.length > 0) {
      const level = this.#path.length - 1;
      const node = this.#path[level];
      let slot = this.#slots[level] - 1;
      while (slot >= 0 && this.#skips(node, slot)) slot--;
      if (slot >= 0) {
        this.#slots[level] = slot;
        this.#index = this.#descendToLast(node.children[slot]).keys.length - 1;
        return true;
      }
      this.#path.pop();
      this.#slots.pop();
    }
    return false;
  }
}
