/**
 * A branch on the way to something that the open write transaction has changed. Like a leaf node it keeps
 * untouched elements as numbers; a child that was changed hangs on its item.
 */
import { compareBytes } from "../stdx/bytes.ts";
import { ELEMENT_BYTES, PAGE_HEADER_BYTES } from "./layout.ts";
import type { LeafNode } from "./leaf-node.ts";
import type { Page } from "./page.ts";

export type Node = LeafNode | BranchNode;

export class BranchItem {
  /** A lower bound of the child's keys; commit makes it the child's first key. */
  readonly key: Uint8Array;
  /** The child's page id; without meaning when `child` is set. */
  readonly childId: number;
  readonly child: Node | undefined;

  constructor(key: Uint8Array, childId: number, child: Node | undefined) {
    this.key = key;
    this.childId = childId;
    this.child = child;
  }
}

export class BranchNode {
  readonly isLeaf = false;
  /** The page whose elements the numbers in `items` mean. */
  readonly source: Page | undefined;
  /** The page that this node replaces and that commit frees; `undefined` for a new node. */
  home: Page | undefined;
  /** Ascending by key. */
  items: (number | BranchItem)[];
  /** Bytes of a page with these items. */
  bytes: number;
  /** Items were removed: it may have to be merged. */
  shrunk = false;

  private constructor(
    source: Page | undefined,
    home: Page | undefined,
    items: (number | BranchItem)[],
    bytes: number,
  ) {
    this.source = source;
    this.home = home;
    this.items = items;
    this.bytes = bytes;
  }

  static from(page: Page): BranchNode {
    const items: (number | BranchItem)[] = [];
    for (let index = 0; index < page.count; index++) items.push(index);
    return new BranchNode(page, page, items, page.usedBytes());
  }

  static of(items: BranchItem[]): BranchNode {
    let bytes = PAGE_HEADER_BYTES;
    for (const item of items) bytes += ELEMENT_BYTES + item.key.length;
    return new BranchNode(undefined, undefined, items, bytes);
  }

  get count(): number {
    return this.items.length;
  }

  /** Index of the child whose keys may include `key`. */
  childIndex(key: Uint8Array): number {
    let low = 0;
    let high = this.items.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.compareKeyAt(middle, key);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return low === 0 ? 0 : low - 1;
  }

  compareKeyAt(index: number, key: Uint8Array): number {
    const item = this.items[index];
    return typeof item === "number"
      ? this.#page().compareKeyAt(item, key)
      : compareBytes(item.key, key);
  }

  keyAt(index: number): Uint8Array {
    const item = this.items[index];
    return typeof item === "number" ? this.#page().keyAt(item) : item.key;
  }

  /** The changed child, or `undefined` when child `index` is the page `childIdAt(index)`. */
  childAt(index: number): Node | undefined {
    const item = this.items[index];
    return typeof item === "number" ? undefined : item.child;
  }

  childIdAt(index: number): number {
    const item = this.items[index];
    return typeof item === "number" ? this.#page().childIdAt(item) : item.childId;
  }

  /** Bytes that the item takes on a page. */
  itemBytes(index: number): number {
    const item = this.items[index];
    return (
      ELEMENT_BYTES + (typeof item === "number" ? this.#page().keySize(item) : item.key.length)
    );
  }

  /** Hangs the changed child on its item; the item's bound becomes the first key of the child. */
  attach(index: number, child: Node): void {
    this.bytes -= this.itemBytes(index);
    this.items[index] = new BranchItem(child.keyAt(0), 0, child);
    this.bytes += this.itemBytes(index);
  }

  insert(index: number, item: BranchItem): void {
    this.items.splice(index, 0, item);
    this.bytes += ELEMENT_BYTES + item.key.length;
  }

  removeAt(index: number): void {
    this.bytes -= this.itemBytes(index);
    this.items.splice(index, 1);
    this.shrunk = true;
  }

  /** Replaces all items. */
  setItems(items: (number | BranchItem)[]): void {
    this.items = items;
    this.bytes = PAGE_HEADER_BYTES;
    for (let index = 0; index < items.length; index++) this.bytes += this.itemBytes(index);
  }

  /** Moves the items from `index` on into a new node. */
  splitOff(index: number): BranchNode {
    let moved = 0;
    for (let at = index; at < this.items.length; at++) moved += this.itemBytes(at);
    const items = this.items.splice(index);
    this.bytes -= moved;
    return new BranchNode(this.source, undefined, items, PAGE_HEADER_BYTES + moved);
  }

  /** Appends the items of the node that follows this one. */
  absorb(right: BranchNode): void {
    for (let at = 0; at < right.items.length; at++) {
      const item = right.items[at];
      this.items.push(
        typeof item === "number"
          ? new BranchItem(right.keyAt(at), right.childIdAt(at), undefined)
          : item,
      );
    }
    this.bytes += right.bytes - PAGE_HEADER_BYTES;
    this.shrunk = true;
  }

  #page(): Page {
    // An item is a number only in a node that was made from a page.
    return this.source as Page;
  }
}
