/**
 * Half-open intervals of strings, each with a value, and the question which of them hold a given point.
 *
 * An AVL tree in the order of (from, end); every node also knows how far the intervals below it reach, so a
 * search skips all subtrees that end before the point. An interval without an end has no upper bound.
 *
 * Source: Cormen et al., Introduction to Algorithms, "Interval trees" (an augmented search tree).
 */
import { assert } from "./assert.ts";

class IntervalNode<T> {
  readonly from: string;
  readonly end: string | undefined;
  readonly value: T;
  left: IntervalNode<T> | undefined = undefined;
  right: IntervalNode<T> | undefined = undefined;
  height = 1;
  /** The largest end in this subtree; `undefined` when one has none. */
  reach: string | undefined;

  constructor(from: string, end: string | undefined, value: T) {
    this.from = from;
    this.end = end;
    this.value = value;
    this.reach = end;
  }
}

export class IntervalTree<T> {
  #root: IntervalNode<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value of exactly this interval. O(log n). */
  get(from: string, end: string | undefined): T | undefined {
    let node = this.#root;
    while (node !== undefined) {
      const order = compareIntervals(from, end, node);
      if (order === 0) return node.value;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** Adds an interval that is not there yet. O(log n). */
  insert(from: string, end: string | undefined, value: T): void {
    this.#root = insertInto(this.#root, new IntervalNode(from, end, value));
    this.#size++;
  }

  /** Removes an interval that is there. O(log n). */
  delete(from: string, end: string | undefined): void {
    this.#root = deleteFrom(this.#root, from, end);
    this.#size--;
  }

  /**
   * Appends to `into` the values of all intervals that hold `point`, in the order of their starts.
   * O(log n + found) when few intervals nest, at worst O(found log n).
   */
  collect(point: string, into: T[]): void {
    if (this.#root !== undefined) collectFrom(this.#root, point, into);
  }

  /** Calls `visit` with every value, in the order of the intervals. */
  forEach(visit: (value: T) => void): void {
    visitAll(this.#root, visit);
  }
}

function visitAll<T>(node: IntervalNode<T> | undefined, visit: (value: T) => void): void {
  if (node === undefined) return;
  visitAll(node.left, visit);
  visit(node.value);
  visitAll(node.right, visit);
}

function compareIntervals<T>(from: string, end: string | undefined, node: IntervalNode<T>): number {
  if (from !== node.from) return from < node.from ? -1 : 1;
  if (end === node.end) return 0;
  return reachesBeyond(node.end, end) ? -1 : 1;
}

/** Whether an interval that ends at `end` reaches farther than one that ends at `other`. */
function reachesBeyond(end: string | undefined, other: string | undefined): boolean {
  if (other === undefined) return false;
  return end === undefined || end > other;
}

function collectFrom<T>(node: IntervalNode<T>, point: string, into: T[]): void {
  if (!reachesBeyond(node.reach, point)) return;
  if (node.left !== undefined) collectFrom(node.left, point, into);
  if (point < node.from) return;
  if (reachesBeyond(node.end, point)) into.push(node.value);
  if (node.right !== undefined) collectFrom(node.right, point, into);
}

function insertInto<T>(node: IntervalNode<T> | undefined, added: IntervalNode<T>): IntervalNode<T> {
  if (node === undefined) return added;
  const order = compareIntervals(added.from, added.end, node);
  assert(order !== 0, "Cannot add an interval twice");
  if (order < 0) node.left = insertInto(node.left, added);
  else node.right = insertInto(node.right, added);
  return balanced(node);
}

function deleteFrom<T>(
  node: IntervalNode<T> | undefined,
  from: string,
  end: string | undefined,
): IntervalNode<T> | undefined {
  assert(node !== undefined, "Cannot remove an interval that is not there");
  const order = compareIntervals(from, end, node);
  if (order < 0) {
    node.left = deleteFrom(node.left, from, end);
  } else if (order > 0) {
    node.right = deleteFrom(node.right, from, end);
  } else {
    if (node.left === undefined) return node.right;
    if (node.right === undefined) return node.left;
    const successor = leftmost(node.right);
    successor.right = deleteFrom(node.right, successor.from, successor.end);
    successor.left = node.left;
    return balanced(successor);
  }
  return balanced(node);
}

function leftmost<T>(node: IntervalNode<T>): IntervalNode<T> {
  let first = node;
  while (first.left !== undefined) first = first.left;
  return first;
}

/** Restores the balance of a node whose subtrees are balanced and differ by at most two levels. */
function balanced<T>(node: IntervalNode<T>): IntervalNode<T> {
  const { left, right } = node;
  const tilt = heightOf(left) - heightOf(right);
  if (left !== undefined && tilt > 1) {
    if (heightOf(left.left) < heightOf(left.right)) node.left = rotatedLeft(left);
    return rotatedRight(node);
  }
  if (right !== undefined && tilt < -1) {
    if (heightOf(right.right) < heightOf(right.left)) node.right = rotatedRight(right);
    return rotatedLeft(node);
  }
  update(node);
  return node;
}

function rotatedRight<T>(node: IntervalNode<T>): IntervalNode<T> {
  const top = node.left;
  assert(top !== undefined, "Nothing to rotate around");
  node.left = top.right;
  top.right = node;
  update(node);
  update(top);
  return top;
}

function rotatedLeft<T>(node: IntervalNode<T>): IntervalNode<T> {
  const top = node.right;
  assert(top !== undefined, "Nothing to rotate around");
  node.right = top.left;
  top.left = node;
  update(node);
  update(top);
  return top;
}

function heightOf<T>(node: IntervalNode<T> | undefined): number {
  return node === undefined ? 0 : node.height;
}

function update<T>(node: IntervalNode<T>): void {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  node.reach = node.end;
  if (left !== undefined && reachesBeyond(left.reach, node.reach)) node.reach = left.reach;
  if (right !== undefined && reachesBeyond(right.reach, node.reach)) node.reach = right.reach;
}
