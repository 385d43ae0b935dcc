import { expect, test } from "vitest";
import { Prng } from "../stdx/prng.ts";
import { TreeIndex } from "./tree-index.ts";

const KEYS = 500;
const name = (n: number): string => `key/${String(n).padStart(4, "0")}`;

test("TreeIndex counts live keys through puts, deletions, restores and removals of many keys", () => {
  const random = new Prng(3);
  const index = new TreeIndex();
  const live = new Set<string>();
  const known = new Set<string>();
  for (let main = 2; main < 6000; main++) {
    const key = name(random.below(KEYS));
    const choice = random.below(10);
    if (choice < 4) {
      index.put(key, main, 0);
      live.add(key);
      known.add(key);
    } else if (choice < 8 && live.has(key)) {
      index.tombstone(key, main, 0);
      live.delete(key);
    } else if (choice === 8) {
      index.restoreTombstone(key, main, 0);
      live.delete(key);
      known.add(key);
    } else if (known.has(key) && !live.has(key)) {
      expect(index.get(key)?.compact(main)).toBe(false);
      index.remove(key);
      known.delete(key);
    }
    if (main % 50 > 0) continue;
    const [from, end] = [name(random.below(KEYS)), name(random.below(KEYS))];
    const inside = [...live].filter((candidate) => candidate >= from && candidate < end);
    expect(index.countLive({ from, end })).toBe(inside.length);
    expect(index.liveKeys).toBe(live.size);
  }
  const cursor = index.cursor(true);
  const walked: string[] = [];
  for (let ok = cursor.seek(""); ok; ok = cursor.next()) walked.push(cursor.key);
  expect(walked).toEqual([...live].toSorted());
});

test("TreeIndex.put shows version and create revision of the new state", () => {
  const index = new TreeIndex();
  expect(index.put("a", 2, 0)).toMatchObject({ version: 1, createRevision: 2 });
  expect(index.put("a", 3, 1)).toMatchObject({ version: 2, createRevision: 2 });
  index.tombstone("a", 4, 0);
  expect(index.put("a", 4, 1)).toMatchObject({ version: 1, createRevision: 4 });
  expect(() => index.tombstone("b", 5, 0)).toThrow("not in the index");
});
