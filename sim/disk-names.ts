/**
 * The names of the simulated disk: directories as programs see them, and as the device has them.
 *
 * Rules, with their reasons:
 * 1. Creations, renames and removals are on the device for certain only after the directory was synced.
 *    Until then each may be lost by itself (OSDI 2014, "All File Systems Are Not Created Equal": the order
 *    of directory operations is a property of some file systems only).
 * 2. A rename is atomic: no crash shows both names, none, or a half. Between two directories it is certain
 *    only when both were synced.
 * 3. A change survives only if those it builds on (same name or same file) survive.
 * 4. Syncing a file does not sync its name.
 */
import { assert } from "../src/stdx/assert.ts";
import type { CrashDice } from "./disk-dice.ts";
import type { FileNode } from "./disk-node.ts";

export type Node = FileNode | DirectoryNode;

export class DirectoryNode {
  readonly kind = "directory";
  readonly mode: number;
  /** As programs see it. */
  readonly entries = new Map<string, Node>();
  /** As the device has it for certain. */
  readonly durable = new Map<string, Node>();

  constructor(mode: number) {
    this.mode = mode;
  }
}

/** What one name of one directory is to be from now on; `undefined` = nothing. */
export interface Slot {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
}

interface NameChange {
  readonly slots: readonly Slot[];
  /** The nodes that the change moves, makes or removes. */
  readonly nodes: ReadonlySet<Node>;
  readonly dependencies: readonly NameChange[];
  readonly unsynced: Set<DirectoryNode>;
  state: "pending" | "durable" | "abandoned";
}

export class NameTree {
  readonly root: DirectoryNode;
  #journal: NameChange[] = [];

  constructor(root: DirectoryNode) {
    this.root = root;
  }

  /** Applies one atomic change of names. */
  change(slots: readonly Slot[]): void {
    const nodes = new Set<Node>();
    for (const { directory, name, node } of slots) {
      const before = directory.entries.get(name);
      if (before !== undefined) nodes.add(before);
      if (node !== undefined) nodes.add(node);
    }
    const dependencies = this.#journal.filter((earlier) => touches(earlier, slots, nodes));
    const unsynced = new Set(slots.map((slot) => slot.directory));
    this.#journal.push({ slots, nodes, dependencies, unsynced, state: "pending" });
    for (const slot of slots) applySlot(slot.directory.entries, slot);
  }

  /** A sync of the directory succeeded. */
  markDurable(directory: DirectoryNode): void {
    for (const change of this.#journal) {
      if (change.state !== "pending" || !change.unsynced.delete(directory)) continue;
      if (change.unsynced.size === 0) makeDurable(change);
    }
    while (this.#journal.length > 0 && this.#journal[0].state === "durable") {
      const [settled] = this.#journal.splice(0, 1);
      for (const slot of settled.slots) applySlot(slot.directory.durable, slot);
    }
  }

  /** A sync of the directory failed: what it covered can never be made certain. */
  abandon(directory: DirectoryNode): void {
    for (const change of this.#journal) {
      if (change.state === "pending" && change.unsynced.has(directory)) change.state = "abandoned";
    }
  }

  hasUnsynced(): boolean {
    return this.#journal.length > 0;
  }

  /** The tree as a power failure leaves it, with each file passed through `survive`. */
  afterPowerLoss(dice: CrashDice, survive: (file: FileNode) => FileNode): NameTree {
    const survived = new Set<NameChange>();
    const names = new Map<DirectoryNode, Map<string, Node>>();
    const namesOf = (directory: DirectoryNode): Map<string, Node> => {
      let found = names.get(directory);
      if (found === undefined) {
        found = new Map(directory.durable);
        names.set(directory, found);
      }
      return found;
    };
    for (const change of this.#journal) {
      const possible = change.dependencies.every(
        (earlier) => survived.has(earlier) || !this.#journal.includes(earlier),
      );
      assert(possible || change.state !== "durable", "A durable change of names lost its ground");
      if (!possible || (change.state !== "durable" && !dice.keeps())) continue;
      survived.add(change);
      for (const slot of change.slots) applySlot(namesOf(slot.directory), slot);
    }
    return new NameTree(copyTree(this.root, namesOf, survive));
  }

  /** The tree as the end of the process leaves it: all names stay, and stay as uncertain as they were. */
  afterProcessEnd(survive: (file: FileNode) => FileNode): NameTree {
    const copies = new Map<Node, Node>();
    const copyOf = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const copy = node.kind === "file" ? survive(node) : new DirectoryNode(node.mode);
      copies.set(node, copy);
      if (node.kind === "directory" && copy.kind === "directory") {
        for (const [name, child] of node.entries) copy.entries.set(name, copyOf(child));
        for (const [name, child] of node.durable) copy.durable.set(name, copyOf(child));
      }
      return copy;
    };
    const directoryOf = (directory: DirectoryNode): DirectoryNode => {
      const copy = copyOf(directory);
      assert(copy.kind === "directory", "A directory was copied as a file");
      return copy;
    };
    const tree = new NameTree(directoryOf(this.root));
    const changes = new Map<NameChange, NameChange>();
    for (const change of this.#journal) {
      const copy: NameChange = {
        slots: change.slots.map(({ directory, name, node }) => ({
          directory: directoryOf(directory),
          name,
          node: node === undefined ? undefined : copyOf(node),
        })),
        nodes: new Set([...change.nodes].map(copyOf)),
        dependencies: change.dependencies.flatMap((earlier) => changes.get(earlier) ?? []),
        unsynced: new Set([...change.unsynced].map(directoryOf)),
        state: change.state,
      };
      changes.set(change, copy);
      tree.#journal.push(copy);
    }
    return tree;
  }
}

function touches(earlier: NameChange, slots: readonly Slot[], nodes: ReadonlySet<Node>): boolean {
  if (earlier.slots.some(({ node }) => node !== undefined && nodes.has(node))) return true;
  for (const node of nodes) if (earlier.nodes.has(node)) return true;
  return earlier.slots.some((a) =>
    slots.some((b) => a.directory === b.directory && a.name === b.name),
  );
}

/** A durable change carries those it builds on. */
function makeDurable(change: NameChange): void {
  if (change.state === "durable") return;
  change.state = "durable";
  for (const earlier of change.dependencies) makeDurable(earlier);
}

function applySlot(names: Map<string, Node>, { name, node }: Slot): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

function copyTree(
  directory: DirectoryNode,
  namesOf: (directory: DirectoryNode) => ReadonlyMap<string, Node>,
  survive: (file: FileNode) => FileNode,
): DirectoryNode {
  const copy = new DirectoryNode(directory.mode);
  // Sorted, so that the dice fall in the same order whatever the order of creation was.
  const names = [...namesOf(directory)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, node] of names) {
    const next = node.kind === "file" ? survive(node) : copyTree(node, namesOf, survive);
    copy.entries.set(name, next);
    copy.durable.set(name, next);
  }
  return copy;
}
