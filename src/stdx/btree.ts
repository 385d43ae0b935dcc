/**
 * An in-memory B+tree from strings to values that also counts: for any key it knows in O(log n) how many
 * *counted* entries lie below it. Which entries count is a property of the value, decided by a function
 * given at construction; MVCC counts live keys and keeps deleted ones uncounted until compaction.
 *
 * Keys compare by code unit, so byte strings keep their order as latin1 strings (`bytes.ts`).
 *
 * | operation                        | cost                            |
 * |----------------------------------|---------------------------------|
 * | get, insert, delete, adjustCount | O(log n)                        |
 * | countBelow, countRange           | O(log n)                        |
 * | cursor: seek, seekBefore         | O(log n)                        |
 * | cursor: next, previous           | O(1) amortized over a full walk |
 */
import { assert } from "./assert.ts";
import { BTreeCursor } from "./btree-cursor.ts";
import {
  BTreeInner,
  BTreeLeaf,
  type BTreeNode,
  insertAt,
  lowerBound,
  removeAt,
  upperBound,
} from "./btree-node.ts";

/**
 * Entries of a full leaf and children of a full inner node. Measured with `bench/mvcc.mjs`: 64 is where
 * the cost of moving entries inside a node meets the cost of descending one more level; an array that
 * grows past 32 gets room for 65 from V8, so little of it stays empty.
 */
const NODE_WIDTH = 64;

/** A node with fewer entries than this is merged with a neighbour, or filled from it. */
const NODE_MINIMUM = NODE_WIDTH / 4;

export class BTree<V> {
  readonly #isCounted: (value: V) => boolean;
  #root: BTreeNode<V> = new BTreeLeaf<V>([], []);
  #size = 0;
  #generation = 0;
  /** Inner nodes and the slots taken in them, from the root down, of the last `getForInsert`. */
  readonly #path: BTreeInner<V>[] = [];
  readonly #slots: number[] = [];
  /** Where the key belongs that it did not find. */
  #missingKey = "";
  #missingIndex = 0;
  #missingLeaf: BTreeLeaf<V> | undefined;
  /** The separator that belongs before the node that an insert has just split off. */
  #splitSeparator = "";

  /** `isCounted` must answer the same for a value until `adjustCount` is called for it. */
  constructor(isCounted: (value: V) => boolean) {
    this.#isCounted = isCounted;
  }

  /** Number of all entries. */
  get size(): number {
    return this.#size;
  }

  /** Number of counted entries. O(1): a walk over one node. */
  get counted(): number {
    return this.#countOf(this.#root);
  }

  /** Grows with every insert and delete, which end all cursors. */
  get generation(): number {
    return this.#generation;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (node instanceof BTreeInner) node = node.children[upperBound(node.separators, key)];
    const index = lowerBound(node.keys, key);
    return node.keys[index] === key ? node.values[index] : undefined;
  }

  /** Adds an entry; `key` must be absent. */
  insert(key: string, value: V): void {
    assert(this.getForInsert(key) === undefined, "Cannot insert a key that is in the B-tree");
    this.insertThere(value);
  }

  /** As `get`; where it finds nothing, `insertThere` adds the key without another search. */
  getForInsert(key: string): V | undefined {
    const leaf = this.#findPath(key);
    const index = lowerBound(leaf.keys, key);
    if (leaf.keys[index] === key) return leaf.values[index];
    this.#missingKey = key;
    this.#missingIndex = index;
    this.#missingLeaf = leaf;
    return undefined;
  }

  /** Adds the key that `getForInsert` has just not found; nothing was inserted or deleted since. */
  insertThere(value: V): void {
    const leaf = this.#missingLeaf;
    assert(leaf !== undefined, "Cannot insert into the B-tree without a search before");
    this.#missingLeaf = undefined;
    this.#size++;
    this.#generation++;
    this.#insertAlongPath(leaf, this.#missingIndex, this.#missingKey, value);
  }

  /** Removes an entry; `key` must be present. */
  delete(key: string): void {
    const value = this.get(key);
    assert(value !== undefined, "Cannot delete a key that is not in the B-tree");
    this.#missingLeaf = undefined;
    this.#size--;
    this.#generation++;
    this.#deleteBelow(this.#root, key, this.#isCounted(value) ? 1 : 0);
    while (this.#root instanceof BTreeInner && this.#root.children.length === 1) {
      this.#root = this.#root.children[0];
    }
  }

  /** Tells the tree that the value of the present `key` has just begun (+1) or ceased (-1) to count. */
  adjustCount(key: string, by: 1 | -1): void {
    let node = this.#root;
    while (node instanceof BTreeInner) {
      const slot = upperBound(node.separators, key);
      node.counts[slot] += by;
      node = node.children[slot];
    }
  }

  /** Number of counted entries with keys < `key`. O(log n). */
  countBelow(key: string): number {
    let total = 0;
    let node = this.#root;
    while (node instanceof BTreeInner) {
      const slot = upperBound(node.separators, key);
      for (let i = 0; i < slot; i++) total += node.counts[i];
      node = node.children[slot];
    }
    const index = lowerBound(node.keys, key);
    for (let i = 0; i < index; i++) {
      if (this.#isCounted(node.values[i])) total++;
    }
    return total;
  }

  /** Number of counted entries in [from, end), without `end` from `from` on. O(log n). */
  countRange(from: string, end: string | undefined): number {
    if (end !== undefined && end <= from) return 0;
    const below = end === undefined ? this.counted : this.countBelow(end);
    return below - this.countBelow(from);
  }

  /** A new cursor over all entries, not positioned yet. */
  cursor(): BTreeCursor<V> {
    return new BTreeCursor<V>(this, this.#root, undefined);
  }

  /** A new cursor over the counted entries, not positioned yet. */
  countedCursor(): BTreeCursor<V> {
    return new BTreeCursor<V>(this, this.#root, this.#isCounted);
  }

  #countOf(node: BTreeNode<V>): number {
    let total = 0;
    if (node instanceof BTreeInner) {
      for (const count of node.counts) total += count;
    } else {
      for (const value of node.values) {
        if (this.#isCounted(value)) total++;
      }
    }
    return total;
  }

  /** Descends to the leaf that owns `key` and notes the way in #path and #slots. */
  #findPath(key: string): BTreeLeaf<V> {
    this.#path.length = 0;
    this.#slots.length = 0;
    let node = this.#root;
    while (node instanceof BTreeInner) {
      const slot = upperBound(node.separators, key);
      this.#path.push(node);
      this.#slots.push(slot);
      node = node.children[slot];
    }
    return node;
  }

  /** Inserts into the leaf at the end of #path, and carries counts and splits up to the root. */
  #insertAlongPath(leaf: BTreeLeaf<V>, index: number, key: string, value: V): void {
    const weight = this.#isCounted(value) ? 1 : 0;
    const lastSlots = this.#lastSlots();
    let split: BTreeNode<V> | undefined;
    const rightmost = lastSlots === this.#path.length;
    if (leaf.keys.length === NODE_WIDTH)
      split = this.#splitLeaf(leaf, index, key, value, rightmost);
    else insertIntoLeaf(leaf, index, key, value);
    for (let level = this.#path.length - 1; level >= 0; level--) {
      const node = this.#path[level];
      const slot = this.#slots[level];
      node.counts[slot] += weight;
      if (split === undefined) continue;
      const moved = this.#countOf(split);
      node.counts[slot] -= moved;
      insertAt(node.separators, slot, this.#splitSeparator);
      insertAt(node.children, slot + 1, split);
      insertAt(node.counts, slot + 1, moved);
      const full = node.children.length > NODE_WIDTH;
      split = full ? this.#splitInner(node, lastSlots > level) : undefined;
    }
    if (split === undefined) return;
    const counts = [this.#countOf(this.#root), this.#countOf(split)];
    this.#root = new BTreeInner<V>([this.#splitSeparator], [this.#root, split], counts);
  }

  /** How many steps of #path, from the root on, took the last child. */
  #lastSlots(): number {
    let level = 0;
    while (level < this.#path.length) {
      if (this.#slots[level] !== this.#path[level].children.length - 1) break;
      level++;
    }
    return level;
  }

  /**
   * Splits a full leaf and inserts; returns the new right half. A rightmost leaf that grows at its end
   * stays full: keys that arrive in ascending order then fill their leaves. Anywhere else that would let
   * descending keys make a leaf each.
   */
  #splitLeaf(
    leaf: BTreeLeaf<V>,
    index: number,
    key: string,
    value: V,
    rightmost: boolean,
  ): BTreeLeaf<V> {
    const middle = rightmost && index === NODE_WIDTH ? NODE_WIDTH : NODE_WIDTH / 2;
    const right = new BTreeLeaf<V>(leaf.keys.slice(middle), leaf.values.slice(middle));
    leaf.keys = leaf.keys.slice(0, middle);
    leaf.values = leaf.values.slice(0, middle);
    if (index > middle || middle === NODE_WIDTH) insertIntoLeaf(right, index - middle, key, value);
    else insertIntoLeaf(leaf, index, key, value);
    this.#splitSeparator = right.keys[0];
    return right;
  }

  #splitInner(node: BTreeInner<V>, rightmost: boolean): BTreeInner<V> {
    const middle = rightmost ? NODE_WIDTH : NODE_WIDTH / 2;
    const right = new BTreeInner<V>(
      node.separators.slice(middle),
      node.children.slice(middle),
      node.counts.slice(middle),
    );
    this.#splitSeparator = node.separators[middle - 1];
    node.separators = node.separators.slice(0, middle - 1);
    node.children = node.children.slice(0, middle);
    node.counts = node.counts.slice(0, middle);
    return right;
  }

  #deleteBelow(node: BTreeNode<V>, key: string, weight: number): void {
    if (node instanceof BTreeLeaf) {
      const index = lowerBound(node.keys, key);
      removeAt(node.keys, index);
      removeAt(node.values, index);
      return;
    }
    const slot = upperBound(node.separators, key);
    const child = node.children[slot];
    this.#deleteBelow(child, key, weight);
    node.counts[slot] -= weight;
    const entries = child instanceof BTreeLeaf ? child.keys.length : child.children.length;
    if (entries < NODE_MINIMUM && node.children.length > 1) {
      this.#mergeOrShare(node, slot > 0 ? slot - 1 : slot);
    }
  }

  /** Joins the children at `slot` and `slot + 1`, or evens them out when one node cannot hold both. */
  #mergeOrShare(parent: BTreeInner<V>, slot: number): void {
    const left = parent.children[slot];
    const right = parent.children[slot + 1];
    let merged = false;
    if (left instanceof BTreeLeaf && right instanceof BTreeLeaf) {
      merged = joinLeaves(left, right);
      if (!merged) parent.separators[slot] = right.keys[0];
    } else if (left instanceof BTreeInner && right instanceof BTreeInner) {
      const raised = joinInners(left, right, parent.separators[slot]);
      merged = raised === undefined;
      if (raised !== undefined) parent.separators[slot] = raised;
    }
    parent.counts[slot] = this.#countOf(left);
    if (merged) {
      removeAt(parent.separators, slot);
      removeAt(parent.children, slot + 1);
      removeAt(parent.counts, slot + 1);
    } else {
      parent.counts[slot + 1] = this.#countOf(right);
    }
  }
}

function insertIntoLeaf<V>(leaf: BTreeLeaf<V>, index: number, key: string, value: V): void {
  insertAt(leaf.keys, index, key);
  insertAt(leaf.values, index, value);
}

/** Moves everything into `left` and returns true, or evens both out and returns false. */
function joinLeaves<V>(left: BTreeLeaf<V>, right: BTreeLeaf<V>): boolean {
  const keys = left.keys.concat(right.keys);
  const values = left.values.concat(right.values);
  const merged = keys.length <= NODE_WIDTH;
  const middle = merged ? keys.length : keys.length >>> 1;
  left.keys = merged ? keys : keys.slice(0, middle);
  left.values = merged ? values : values.slice(0, middle);
  right.keys = keys.slice(middle);
  right.values = values.slice(middle);
  return merged;
}

/** As `joinLeaves`; returns the new separator between both, `undefined` when all went into `left`. */
function joinInners<V>(
  left: BTreeInner<V>,
  right: BTreeInner<V>,
  separator: string,
): string | undefined {
  const separators = left.separators.concat(separator, right.separators);
  const children = left.children.concat(right.children);
  const counts = left.counts.concat(right.counts);
  const merged = children.length <= NODE_WIDTH;
  const middle = merged ? children.length : children.length >>> 1;
  left.separators = separators.slice(0, middle - 1);
  left.children = children.slice(0, middle);
  left.counts = counts.slice(0, middle);
  right.separators = separators.slice(middle);
  right.children = children.slice(middle);
  right.counts = counts.slice(middle);
  return merged ? undefined : separators[middle - 1];
}
