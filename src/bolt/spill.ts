/**
 * Commit: turns the changed nodes of a tree into new pages, splitting those that are too large.
 *
 * A node is split when it has more than 4 items and does not stay below one page; each part but the last
 * is filled to `fillPercent`, with at least 2 items. Source: bbolt node.go, split (1.3.12), for the rules.
 */
import { assert } from "../stdx/assert.ts";
import { BranchItem, BranchNode } from "./branch-node.ts";
import type { Node } from "./branch-node.ts";
import {
  BRANCH_PAGE,
  ELEMENT_BYTES,
  LEAF_PAGE,
  PAGE_HEADER_BYTES,
  viewOf,
  writePageHeader,
  writeU64,
} from "./layout.ts";
import type { LeafNode } from "./leaf-node.ts";
import { PAGE_ITEMS_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import { Page } from "./page.ts";
import type { Tree } from "./tree.ts";

const KEYS_PER_PAGE_MIN = 2;

/** Keys up to this size are copied by a loop: a call into the engine costs more. */
const LOOP_BYTES_MAX = 32;

/** Writes the changed nodes of the tree to new pages and leaves `rootId` naming the new root. */
export function spill(tree: Tree): void {
  if (tree.node === undefined) return;
  let parts = spillNode(tree, tree.node);
  while (parts.length > 1) parts = spillNode(tree, BranchNode.of(parts));
  tree.setRoot(parts[0].childId, undefined);
}

/** About how many pages `spill` is going to allocate. */
export function estimatePages(tree: Tree, node: Node | undefined): number {
  if (node === undefined) return 0;
  let pages = Math.ceil(node.bytes / (tree.state.pageSize * Math.min(1, tree.fillPercent + 0.1)));
  if (!node.isLeaf) {
    for (let index = 0; index < node.count; index++) {
      pages += estimatePages(tree, node.childAt(index));
    }
  }
  return pages;
}

/** Returns the image of a leaf without an id of its own behind `offset` bytes: an inline bucket. */
export function encodeInlineLeaf(leaf: LeafNode, offset: number): Uint8Array {
  const bytes = new Uint8Array(offset + leaf.bytes);
  const target = bytes.subarray(offset);
  const view = viewOf(target);
  writePageHeader(view, 0, LEAF_PAGE, leaf.count, 0);
  writeLeafItems(leaf, 0, leaf.count, target, view);
  return bytes;
}

/** Returns the references to the pages that `node` became: at least one. */
function spillNode(tree: Tree, node: Node): BranchItem[] {
  if (!node.isLeaf) spillChildren(tree, node);
  tree.freeHome(node);
  const parts: BranchItem[] = [];
  let bytesLeft = node.bytes;
  let from = 0;
  do {
    const to = partEnd(tree, node, from, bytesLeft);
    let bytes = PAGE_HEADER_BYTES;
    for (let at = from; at < to; at++) bytes += node.itemBytes(at);
    const page = writePage(tree, node, from, to, bytes);
    if (node.count > 0) parts.push(new BranchItem(node.keyAt(from), page.id, undefined));
    else parts.push(new BranchItem(new Uint8Array(0), page.id, undefined));
    bytesLeft -= bytes - PAGE_HEADER_BYTES;
    from = to;
  } while (from < node.count);
  return parts;
}

/** Replaces the changed children of `branch` by references to the pages that they became. */
function spillChildren(tree: Tree, branch: BranchNode): void {
  const items: (number | BranchItem)[] = [];
  for (let index = 0; index < branch.count; index++) {
    const child = branch.childAt(index);
    if (child === undefined) items.push(branch.items[index]);
    else for (const part of spillNode(tree, child)) items.push(part);
  }
  branch.setItems(items);
}

/** Where the part that starts with item `from` ends. `bytesLeft`: of a page with all items from there. */
function partEnd(tree: Tree, node: Node, from: number, bytesLeft: number): number {
  const pageSize = tree.state.pageSize;
  const left = node.count - from;
  const fits = left <= 2 * KEYS_PER_PAGE_MIN || bytesLeft < pageSize;
  if (fits && left <= PAGE_ITEMS_MAX) return node.count;
  const threshold = Math.floor(pageSize * Math.min(1, Math.max(0.1, tree.fillPercent)));
  const last = Math.min(node.count - KEYS_PER_PAGE_MIN, from + PAGE_ITEMS_MAX) - 1;
  let bytes = PAGE_HEADER_BYTES;
  let at = from;
  for (; at < last; at++) {
    bytes += node.itemBytes(at);
    if (at >= from + KEYS_PER_PAGE_MIN && bytes > threshold) break;
  }
  return at;
}

function writePage(tree: Tree, node: Node, from: number, to: number, size: number): Page {
  const { state } = tree;
  const pageCount = Math.ceil(size / state.pageSize);
  const id = state.allocate(pageCount);
  const bytes = state.store.newPageBytes(pageCount * state.pageSize);
  const view = viewOf(bytes);
  writePageHeader(view, id, node.isLeaf ? LEAF_PAGE : BRANCH_PAGE, to - from, pageCount - 1);
  const end = node.isLeaf
    ? writeLeafItems(node, from, to, bytes, view)
    : writeBranchItems(node, from, to, bytes, view);
  assert(end === size, () => `Page ${id} has ${end} bytes, expected ${size}`);
  const page = new Page(id, bytes);
  state.dirty.push(page);
  return page;
}

/** Writes items [from, to) behind the page header; returns where they end. */
function writeLeafItems(
  leaf: LeafNode,
  from: number,
  to: number,
  into: Uint8Array,
  view: DataView,
): number {
  const { items, source } = leaf;
  let element = PAGE_HEADER_BYTES;
  let at = PAGE_HEADER_BYTES + (to - from) * ELEMENT_BYTES;
  // A run of untouched elements that lie in a row in the old page too: copied as one block.
  let runFrom = 0;
  let runTo = 0;
  for (let index = from; index < to; index++, element += ELEMENT_BYTES) {
    const item = items[index];
    view.setUint32(element + 4, at - element, true);
    if (typeof item === "number") {
      const page = source as Page;
      const start = page.keyStart(item);
      const keySize = page.keySize(item);
      const valueSize = page.valueSize(item);
      view.setUint32(element, page.flagsAt(item), true);
      view.setUint32(element + 8, keySize, true);
      view.setUint32(element + 12, valueSize, true);
      if (start !== runTo) {
        if (runTo > runFrom) into.set(page.bytes.subarray(runFrom, runTo), at - (runTo - runFrom));
        runFrom = start;
      }
      runTo = start + keySize + valueSize;
      at += keySize + valueSize;
      continue;
    }
    if (runTo > runFrom) {
      into.set((source as Page).bytes.subarray(runFrom, runTo), at - (runTo - runFrom));
      runFrom = 0;
      runTo = 0;
    }
    const { key, value } = item;
    view.setUint32(element, item.flags, true);
    view.setUint32(element + 8, key.length, true);
    view.setUint32(element + 12, value.length, true);
    copyInto(key, into, at);
    copyInto(value, into, at + key.length);
    at += key.length + value.length;
  }
  if (runTo > runFrom) {
    into.set((source as Page).bytes.subarray(runFrom, runTo), at - (runTo - runFrom));
  }
  return at;
}

function writeBranchItems(
  branch: BranchNode,
  from: number,
  to: number,
  into: Uint8Array,
  view: DataView,
): number {
  let element = PAGE_HEADER_BYTES;
  let at = PAGE_HEADER_BYTES + (to - from) * ELEMENT_BYTES;
  for (let index = from; index < to; index++, element += ELEMENT_BYTES) {
    const key = branch.keyAt(index);
    view.setUint32(element, at - element, true);
    view.setUint32(element + 4, key.length, true);
    writeU64(view, element + 8, branch.childIdAt(index));
    copyInto(key, into, at);
    at += key.length;
  }
  return at;
}

function copyInto(bytes: Uint8Array, into: Uint8Array, at: number): void {
  if (bytes.length > LOOP_BYTES_MAX) {
    into.set(bytes, at);
    return;
  }
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i];
}

assert(VALUE_BYTES_MAX < 2 ** 31, "Value sizes must fit the element");
