/**
 * A leaf that the open write transaction has changed.
 *
 * It starts as the list of the elements of its page and stays so where nothing changes: an item is either
 * the index of an element of `source`, or a key and value of its own. Untouched elements are never taken
 * apart, and commit copies runs of them as a block.
 */
import { compareBytes } from "../stdx/bytes.ts";
import { ELEMENT_BYTES, PAGE_HEADER_BYTES } from "./layout.ts";
import type { Page } from "./page.ts";

export class LeafItem {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** BUCKET_FLAG or 0. */
  readonly flags: number;

  constructor(key: Uint8Array, value: Uint8Array, flags: number) {
    this.key = key;
    this.value = value;
    this.flags = flags;
  }
}

export class LeafNode {
  readonly isLeaf = true;
  /** The page whose elements the numbers in `items` mean. */
  readonly source: Page | undefined;
  /** The page that this node replaces and that commit frees; `undefined` for a new node. */
  home: Page | undefined;
  /** Ascending by key. */
  items: (number | LeafItem)[];
  /** Bytes of a page with these items. */
  bytes: number;
  /** Items were removed: it may have to be merged. */
  shrunk = false;

  private constructor(
    source: Page | undefined,
    home: Page | undefined,
    items: (number | LeafItem)[],
    bytes: number,
  ) {
    this.source = source;
    this.home = home;
    this.items = items;
    this.bytes = bytes;
  }

  static empty(): LeafNode {
    return new LeafNode(undefined, undefined, [], PAGE_HEADER_BYTES);
  }

  /** The image of an inline bucket (id 0) is no page of the file: nothing to free. */
  static from(page: Page): LeafNode {
    const items: (number | LeafItem)[] = [];
    for (let index = 0; index < page.count; index++) items.push(index);
    return new LeafNode(page, page.id === 0 ? undefined : page, items, page.usedBytes());
  }

  get count(): number {
    return this.items.length;
  }

  /** Index of the item with `key`, or the complement (`~`) of where it would stand. */
  find(key: Uint8Array): number {
    let low = 0;
    let high = this.items.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.compareKeyAt(middle, key);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return ~low;
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

  valueAt(index: number): Uint8Array {
    const item = this.items[index];
    return typeof item === "number" ? this.#page().valueAt(item) : item.value;
  }

  flagsAt(index: number): number {
    const item = this.items[index];
    return typeof item === "number" ? this.#page().flagsAt(item) : item.flags;
  }

  /** Bytes that the item takes on a page. */
  itemBytes(index: number): number {
    const item = this.items[index];
    if (typeof item !== "number") return ELEMENT_BYTES + item.key.length + item.value.length;
    const page = this.#page();
    return ELEMENT_BYTES + page.keySize(item) + page.valueSize(item);
  }

  /** Adds an item behind all others. */
  append(key: Uint8Array, value: Uint8Array, flags: number): void {
    this.items.push(new LeafItem(key, value, flags));
    this.bytes += ELEMENT_BYTES + key.length + value.length;
  }

  /** Sets what `key` has, at `at` as `find` returned it. Keeps `key` and `value`. */
  put(at: number, key: Uint8Array, value: Uint8Array, flags: number): void {
    const item = new LeafItem(key, value, flags);
    if (at >= 0) {
      this.bytes -= this.itemBytes(at);
      this.items[at] = item;
    } else {
      this.items.splice(~at, 0, item);
    }
    this.bytes += ELEMENT_BYTES + key.length + value.length;
  }

  removeAt(index: number): void {
    this.bytes -= this.itemBytes(index);
    this.items.splice(index, 1);
    this.shrunk = true;
  }

  /** Moves the items from `index` on into a new node. */
  splitOff(index: number): LeafNode {
    let moved = 0;
    for (let at = index; at < this.items.length; at++) moved += this.itemBytes(at);
    const items = this.items.splice(index);
    this.bytes -= moved;
    return new LeafNode(this.source, undefined, items, PAGE_HEADER_BYTES + moved);
  }

  /** Appends the items of the node that follows this one. */
  absorb(right: LeafNode): void {
    for (let at = 0; at < right.items.length; at++) {
      const item = right.items[at];
      this.items.push(
        typeof item === "number"
          ? new LeafItem(right.keyAt(at), right.valueAt(at), right.flagsAt(at))
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
