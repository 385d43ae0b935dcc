import fc from "fast-check";
import { expect, test } from "vitest";
import { BTree } from "./btree.ts";
import type { BTreeCursor } from "./btree-cursor.ts";
import { Prng } from "./prng.ts";

/** The value under test: counted while `live`. */
interface Item {
  live: boolean;
  readonly label: number;
}

const createTree = (): BTree<Item> => new BTree<Item>((item) => item.live);

/** The naive twin: a map, sorted when asked. */
type Model = Map<string, Item>;
const sorted = (model: Model): [string, Item][] =>
  [...model].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

function expectSame(tree: BTree<Item>, model: Model, probes: readonly string[]): void {
  const entries = sorted(model);
  const live = entries.filter(([, item]) => item.live);
  expect(tree.size).toBe(entries.length);
  expect(tree.counted).toBe(live.length);
  const all = entries.map(([key]) => key);
  const counted = live.map(([key]) => key);
  for (const probe of probes) {
    expect(tree.get(probe)).toBe(model.get(probe));
    const below = counted.filter((key) => key < probe);
    expect(tree.countBelow(probe)).toBe(below.length);
    expect(tree.countRange(probe, undefined)).toBe(counted.length - below.length);
    expect(walk(tree.cursor(), probe)).toEqual(all.filter((key) => key >= probe));
    expect(walk(tree.countedCursor(), probe)).toEqual(counted.filter((key) => key >= probe));
    expect(walkBack(tree.cursor(), probe)).toEqual(all.filter((key) => key < probe).reverse());
    expect(walkBack(tree.countedCursor(), probe)).toEqual(below.reverse());
  }
  expect(walkBack(tree.cursor(), undefined)).toEqual(all.reverse());
  expect(walkBack(tree.countedCursor(), undefined)).toEqual(counted.reverse());
}

function walk(cursor: BTreeCursor<Item>, from: string): string[] {
  const keys: string[] = [];
  for (let ok = cursor.seek(from); ok; ok = cursor.next()) keys.push(cursor.key);
  return keys;
}

function walkBack(cursor: BTreeCursor<Item>, end: string | undefined): string[] {
  const keys: string[] = [];
  for (let ok = cursor.seekBefore(end); ok; ok = cursor.previous()) keys.push(cursor.key);
  return keys;
}

/** One random step on both: insert, delete, or flip whether the key counts. */
function step(tree: BTree<Item>, model: Model, key: string, choice: number): void {
  const item = model.get(key);
  if (item === undefined) {
    const fresh = { live: choice % 3 !== 0, label: choice };
    tree.insert(key, fresh);
    model.set(key, fresh);
  } else if (choice % 2 === 0) {
    tree.delete(key);
    model.delete(key);
  } else {
    item.live = !item.live;
    tree.adjustCount(key, item.live ? 1 : -1);
  }
}

test("BTree equals a sorted map under random inserts, deletes and count changes", () => {
  const keys = fc.string({ unit: fc.constantFrom("a", "b", "\x00", "\xff"), maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, fc.nat(99)), { maxLength: 200 }), (steps) => {
      const tree = createTree();
      const model: Model = new Map();
      for (const [key, choice] of steps) step(tree, model, key, choice);
      expectSame(tree, model, ["", "a", "ab", "b\x00", "\xff\xff\xff\xff\xff"]);
    }),
  );
});

test("BTree keeps order and counts through growth to three levels and back to nothing", () => {
  const random = new Prng(7);
  const tree = createTree();
  const model: Model = new Map();
  const keyOf = (n: number): string => `key/${String(n).padStart(5, "0")}`;
  const probes = ["", keyOf(1), keyOf(4321), `${keyOf(4321)}\x00`, keyOf(9999), "l"];
  for (let round = 0; round < 60_000; round++) {
    step(tree, model, keyOf(random.below(8_000)), random.below(100) | 1);
  }
  expectSame(tree, model, probes);
  for (const [key] of sorted(model)) {
    if (random.below(10) > 0) {
      tree.delete(key);
      model.delete(key);
    }
  }
  expectSame(tree, model, probes);
  for (const key of model.keys()) {
    tree.delete(key);
    model.delete(key);
  }
  expectSame(tree, model, probes);
});

test.each(["ascending", "descending"])("BTree takes %s keys", (order) => {
  const tree = createTree();
  const model: Model = new Map();
  for (let i = 0; i < 5_000; i++) {
    const key = String(order === "ascending" ? 10_000 + i : 20_000 - i);
    step(tree, model, key, i | 1);
  }
  expectSame(tree, model, ["", "12345", "3"]);
});

test("BTree.countRange of an inverted or empty range is 0", () => {
  const tree = createTree();
  tree.insert("b", { live: true, label: 0 });
  expect(tree.countRange("b", "b")).toBe(0);
  expect(tree.countRange("c", "a")).toBe(0);
  expect(tree.countRange("b", "b\x00")).toBe(1);
});

test("BTree refuses a second insert and the delete of an absent key", () => {
  const tree = createTree();
  tree.insert("a", { live: true, label: 0 });
  expect(() => tree.insert("a", { live: true, label: 1 })).toThrow("is in");
  expect(() => tree.delete("b")).toThrow("not in");
});

test("BTree.insertThere adds the key that was not found, once, and not after another change", () => {
  const tree = createTree();
  expect(tree.getForInsert("b")).toBeUndefined();
  const item = { live: true, label: 0 };
  tree.insertThere(item);
  expect(tree.getForInsert("b")).toBe(item);
  expect(() => tree.insertThere(item)).toThrow("without a search");
  expect(tree.getForInsert("a")).toBeUndefined();
  tree.delete("b");
  expect(() => tree.insertThere(item)).toThrow("without a search");
});

test("BTreeCursor asserts when the tree changed under it", () => {
  const tree = createTree();
  tree.insert("a", { live: true, label: 0 });
  const cursor = tree.cursor();
  expect(() => cursor.key).toThrow("not positioned");
  cursor.seek("");
  tree.insert("b", { live: true, label: 1 });
  expect(() => cursor.next()).toThrow("changed");
});
