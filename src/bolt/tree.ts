/**
 * The B+tree of one bucket, as one transaction sees it: pages of the file, and in a write transaction nodes
 * in the place of the pages that it changed. Pages below a node may be pages; above a node are only nodes.
 */
import { assert } from "../stdx/assert.ts";
import { compareBytes } from "../stdx/bytes.ts";
import { BranchItem, BranchNode } from "./branch-node.ts";
import type { Node } from "./branch-node.ts";
import { CorruptionError } from "./errors.ts";
import { LeafNode } from "./leaf-node.ts";
import { NODE_ITEMS_MAX, TREE_DEPTH_MAX } from "./limits.ts";
import type { Page } from "./page.ts";
import type { PageSource } from "./page-store.ts";
import type { TxState } from "./tx-state.ts";

/** What a descent passes: `isLeaf` says whether its items are values. */
export type Ref = Page | Node;

/** Items that go to the new right node when a node that grows at its end is split. */
const SPLIT_TAIL_ITEMS = 4;

export class Tree {
  readonly state: TxState;
  /** Root page; 0 while the only page is in the bucket's value. Without meaning while `node` is set. */
  rootId: number;
  /** The root when it is a page of the bucket's value. */
  inline: Page | undefined;
  /** The root when it was changed. */
  node: Node | undefined;
  /** Changes so far: cursors find their place again when it has moved on. */
  version = 0;
  /** Share of a page that is filled when a node is split, 0.1 to 1. */
  fillPercent = 0.5;
  /** The changed leaf with the largest keys. */
  #edge: LeafNode | undefined;
  #rootPage: Page | undefined;
  readonly #path: BranchNode[] = [];
  readonly #pathIndexes: number[] = [];

  constructor(state: TxState, rootId: number, inline: Page | undefined) {
    this.state = state;
    this.rootId = rootId;
    this.inline = inline;
  }

  root(): Ref {
    if (this.node !== undefined) return this.node;
    this.#rootPage ??= this.inline ?? this.state.store.get(this.rootId);
    return this.#rootPage;
  }

  /**
   * Child `index` of a branch, with its page from `source`. Errors:
   * CorruptionError.
   */
  child(branch: Page | BranchNode, index: number, source?: PageSource): Ref {
    if (branch instanceof BranchNode) {
      const node = branch.childAt(index);
      if (node !== undefined) return node;
    }
    const { store } = this.state;
    const id = branch.childIdAt(index);
    const page = source === undefined ? store.get(id) : source.get(id);
    if (!page.placed) this.#checkPlace(branch, index, page);
    return page;
  }

  /** The leaf that has `key`, if any has it; with pages from `source`. */
  leafFor(key: Uint8Array, source?: PageSource): Page | LeafNode {
    let ref = this.root();
    for (let depth = 0; !ref.isLeaf; depth++) {
      const branch = ref;
      this.checkDepth(depth, branch);
      ref = this.child(branch, branch.childIndex(key), source);
    }
    return ref;
  }

  /** A page that is deeper than any tree: pages refer to each other in a circle. */
  checkDepth(depth: number, at: Ref): void {
    if (depth < TREE_DEPTH_MAX) return;
    const id = "id" in at ? at.id : this.rootId;
    throw new CorruptionError(this.state.path, id, `the tree has over ${TREE_DEPTH_MAX} levels`);
  }

  /**
   * Sets `key`; false, without a change, when it has other flags (it is a bucket, or is not). Keeps `key`
   * and `value`. Keys that grow cost no descent.
   */
  put(key: Uint8Array, value: Uint8Array, flags: number): boolean {
    this.version++;
    const edge = this.#edge;
    if (edge !== undefined) {
      const count = edge.count;
      if (count > 0 && count < NODE_ITEMS_MAX && edge.compareKeyAt(count - 1, key) < 0) {
        edge.append(key, value, flags);
        return true;
      }
    }
    const leaf = this.#nodeFor(key);
    const at = leaf.find(key);
    if (at >= 0 && leaf.flagsAt(at) !== flags) return false;
    leaf.put(at, key, value, flags);
    if (leaf.count > NODE_ITEMS_MAX) this.#split(leaf, at < 0 ? ~at : at);
    return true;
  }

  /** Removes `key`, which is there. */
  remove(key: Uint8Array): void {
    this.version++;
    const leaf = this.#nodeFor(key);
    const at = leaf.find(key);
    assert(at >= 0, "The key to remove is not there");
    leaf.removeAt(at);
  }

  /** The node in the place of child `index`, made from its page where necessary. */
  childNode(branch: BranchNode, index: number): Node {
    const found = branch.childAt(index);
    if (found !== undefined) return found;
    const node = nodeFrom(this.child(branch, index, this.state.store.changing) as Page);
    branch.attach(index, node);
    return node;
  }

  /** The page that the node replaces is no longer used. */
  freeHome(node: Node): void {
    if (node.home === undefined) return;
    this.state.free(node.home.id, node.home.overflow + 1);
    node.home = undefined;
  }

  /** Takes over a root: a page, or a node. */
  setRoot(rootId: number, node: Node | undefined): void {
    this.rootId = rootId;
    this.node = node;
    this.inline = undefined;
    this.#rootPage = undefined;
    this.#edge = undefined;
  }

  /** The leaf for `key` as a node, with the path to it in `#path`. */
  #nodeFor(key: Uint8Array): LeafNode {
    this.node ??= nodeFrom(this.root() as Page);
    this.#path.length = 0;
    this.#pathIndexes.length = 0;
    let node = this.node;
    let atEdge = true;
    while (!node.isLeaf) {
      this.checkDepth(this.#path.length, node);
      const index = node.childIndex(key);
      if (index < node.count - 1) atEdge = false;
      this.#path.push(node);
      this.#pathIndexes.push(index);
      node = this.childNode(node, index);
    }
    if (atEdge) this.#edge = node;
    return node;
  }

  /**
   * Splits a leaf, to which `#path` leads, and the branches above that become too large by it. Where the
   * newest item (at `newestAt`) is the last one, more are likely to follow: the left node stays full.
   */
  #split(leaf: LeafNode, newestAt: number): void {
    this.#edge = undefined;
    let node: Node = leaf;
    let at = newestAt;
    for (let level = this.#path.length - 1; node.count > NODE_ITEMS_MAX; level--) {
      const isLast = at === node.count - 1;
      const right: Node = node.splitOff(isLast ? at + 1 - SPLIT_TAIL_ITEMS : node.count >>> 1);
      const item = new BranchItem(right.keyAt(0), 0, right);
      if (level < 0) {
        this.node = BranchNode.of([new BranchItem(node.keyAt(0), 0, node), item]);
        return;
      }
      const above = this.#path[level];
      const index = this.#pathIndexes[level];
      // Keys below its bound may have been put into the first child: the bound must not pass the new item.
      above.attach(index, node);
      above.insert(index + 1, item);
      node = above;
      at = index + 1;
    }
  }

  /** Compares a page that was just read with the keys around the reference to it. */
  #checkPlace(branch: Page | BranchNode, index: number, page: Page): void {
    const fail = (detail: string): never => {
      throw new CorruptionError(this.state.path, page.id, detail);
    };
    if (page.count === 0) fail("an empty page inside of a tree");
    if (compareBytes(page.keyAt(0), branch.keyAt(index)) < 0) {
      fail("its keys are below those that the branch above announces");
    }
    const isLast = index === branch.count - 1;
    if (!isLast && page.compareKeyAt(page.count - 1, branch.keyAt(index + 1)) >= 0) {
      fail("its keys are above those that the branch above announces");
    }
    page.placed = true;
  }
}

function nodeFrom(page: Page): Node {
  return page.isLeaf ? LeafNode.from(page) : BranchNode.from(page);
}
