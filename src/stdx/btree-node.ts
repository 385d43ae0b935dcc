/**
 * Nodes of the B+tree in `btree.ts`, shared with its cursor, and the searches inside one node.
 *
 * Values live in leaves only. An inner node with children c0 … cn has separators s0 … s(n-1): every key
 * below ci is smaller than si, every key below c(i+1) is at least si; counts[i] is the number of counted
 * entries below ci. All leaves have the same depth. No node is empty, except the leaf of an empty tree.
 */

export class BTreeLeaf<V> {
  keys: string[];
  values: V[];

  constructor(keys: string[], values: V[]) {
    this.keys = keys;
    this.values = values;
  }
}

export class BTreeInner<V> {
  separators: string[];
  children: BTreeNode<V>[];
  counts: number[];

  constructor(separators: string[], children: BTreeNode<V>[], counts: number[]) {
    this.separators = separators;
    this.children = children;
    this.counts = counts;
  }
}

export type BTreeNode<V> = BTreeLeaf<V> | BTreeInner<V>;

/** Index of the first of the ascending `keys` that is >= key; `keys.length` when there is none. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first of the ascending `keys` that is > key: the slot of the child that owns `key`. */
export function upperBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Array insert without the result array that `splice` makes. */
export function insertAt<T>(items: T[], at: number, item: T): void {
  for (let i = items.length; i > at; i--) items[i] = items[i - 1];
  items[at] = item;
}

/** Array removal without the result array that `splice` makes. */
export function removeAt<T>(items: T[], at: number): void {
  const last = items.length - 1;
  for (let i = at; i < last; i++) items[i] = items[i + 1];
  items.pop();
}
