/**
 * Before commit: merges nodes that lost items with a neighbour, and removes those that lost all.
 *
 * Rules of the format's other users, which rely on them: a node is merged when it is at most a quarter of
 * a page or has at most 1 key (leaf) or 2 keys (branch); a branch that is not the root never has a single
 * child; a root branch with a single child gives way to it.
 *
 * Source: bbolt node.go, rebalance (1.3.12): the rules; the order of work is ours, bottom up in one pass.
 */
import { BranchNode } from "./branch-node.ts";
import type { Node } from "./branch-node.ts";
import { CorruptionError } from "./errors.ts";
import { LeafNode } from "./leaf-node.ts";
import type { Tree } from "./tree.ts";

const LEAF_KEYS_MIN = 1;
const BRANCH_KEYS_MIN = 2;

/** Rebalances all changed nodes of the tree. */
export function rebalance(tree: Tree): void {
  const root = tree.node;
  if (root === undefined || root.isLeaf) return;
  mergeBelow(tree, root);
  collapseRoot(tree, root);
}

/** Merges on all levels below `branch`, the lowest first. */
function mergeBelow(tree: Tree, branch: BranchNode): void {
  for (let index = 0; index < branch.count; index++) {
    const child = branch.childAt(index);
    if (child !== undefined && !child.isLeaf) mergeBelow(tree, child);
  }
  mergeChildren(tree, branch);
}

/** Merges children of `branch` until none needs it or a single one is left, which the level above sees. */
function mergeChildren(tree: Tree, branch: BranchNode): void {
  let index = 0;
  while (index < branch.count) {
    const child = branch.childAt(index);
    if (child === undefined || !needsMerge(tree, child)) {
      index++;
    } else if (child.count === 0) {
      tree.freeHome(child);
      branch.removeAt(index);
    } else if (branch.count === 1) {
      return;
    } else {
      index = Math.max(0, index - 1);
      mergePair(tree, branch, index);
    }
  }
}

function needsMerge(tree: Tree, node: Node): boolean {
  if (node.count === 0) return true;
  if (!node.shrunk) return false;
  const keysMin = node.isLeaf ? LEAF_KEYS_MIN : BRANCH_KEYS_MIN;
  return node.bytes <= tree.state.pageSize / 4 || node.count <= keysMin;
}

/** Merges child `index` of `branch` with the one that follows. */
function mergePair(tree: Tree, branch: BranchNode, index: number): void {
  const left = tree.childNode(branch, index);
  const right = tree.childNode(branch, index + 1);
  if (left instanceof LeafNode && right instanceof LeafNode) {
    left.absorb(right);
  } else if (left instanceof BranchNode && right instanceof BranchNode) {
    left.absorb(right);
  } else {
    const id = left.home?.id ?? right.home?.id ?? tree.rootId;
    throw new CorruptionError(tree.state.path, id, "a leaf and a branch on one level of a tree");
  }
  tree.freeHome(right);
  branch.removeAt(index + 1);
  // A child that was alone in its branch has a neighbour now.
  if (!left.isLeaf) mergeChildren(tree, left);
}

function collapseRoot(tree: Tree, root: BranchNode): void {
  let top: Node = root;
  while (!top.isLeaf && top.count <= 1) {
    tree.freeHome(top);
    if (top.count === 0) {
      tree.setRoot(tree.rootId, LeafNode.empty());
      return;
    }
    const child = top.childAt(0);
    tree.setRoot(top.childIdAt(0), child);
    // A child that is still a page becomes the root as it is.
    if (child === undefined) return;
    top = child;
  }
}
