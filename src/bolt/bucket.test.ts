import { describe, expect, test } from "vitest";
import { bytes, newDisk, PATH, problemsOf, text, update, view } from "../../test/harness/bolt.ts";
import type { SimulatedDisk } from "../../sim/disk.ts";
import type { Bucket } from "./bucket.ts";
import { Prng } from "../stdx/prng.ts";
import { Db } from "./db.ts";
import { BoltError } from "./errors.ts";
import type { Page } from "./page.ts";
import type { Tx } from "./tx.ts";

const B = bytes("b");

function newDb(pageSize = 4096): { disk: SimulatedDisk; db: Db } {
  const disk = newDisk();
  return { disk, db: Db.open(disk, PATH, { pageSize }) };
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof BoltError) return error.code;
    throw error;
  }
  return undefined;
}

/** Calls `visit` for each page of the tree below `rootId`, with its depth. */
function walk(tx: Tx, rootId: number, visit: (page: Page, depth: number) => void, depth = 0): void {
  const page = tx.state.store.get(rootId);
  visit(page, depth);
  if (page.isLeaf) return;
  for (let at = 0; at < page.count; at++) walk(tx, page.childIdAt(at), visit, depth + 1);
}

/** Asserts what other users of the format rely on, and returns the number of leaves and levels. */
function shapeOf(db: Db): { leaves: number; levels: number; keys: number } {
  return view(db, (tx) => {
    const shape = { leaves: 0, levels: 0, keys: 0 };
    const depths = new Set<number>();
    walk(tx, tx.bucket(B)?.rootId as number, (page, depth) => {
      if (!page.isLeaf) {
        expect(page.count).toBeGreaterThanOrEqual(2);
        return;
      }
      if (depth > 0) expect(page.count).toBeGreaterThanOrEqual(1);
      depths.add(depth);
      shape.leaves++;
      shape.keys += page.count;
      shape.levels = depth + 1;
    });
    expect(depths.size).toBe(1);
    return shape;
  });
}

const key = (at: number): Uint8Array => bytes(`k${String(at).padStart(7, "0")}`);

describe("Bucket", () => {
  test("refuses keys, values and names that the format does not have", () => {
    const { db } = newDb();
    const tx = db.beginWrite();
    const bucket = tx.createBucket(B);
    bucket.put(bytes("k"), bytes("v"));
    bucket.createBucket(bytes("inner"));
    expect(codeOf(() => bucket.put(bytes(""), B))).toBe("keyRequired");
    expect(codeOf(() => bucket.put(new Uint8Array(32_769), B))).toBe("keyTooLarge");
    expect(codeOf(() => bucket.put(bytes("inner"), B))).toBe("incompatibleValue");
    expect(codeOf(() => bucket.delete(bytes("inner")))).toBe("incompatibleValue");
    expect(codeOf(() => bucket.createBucket(bytes("")))).toBe("bucketNameRequired");
    expect(codeOf(() => bucket.createBucket(new Uint8Array(32_769)))).toBe("keyTooLarge");
    expect(codeOf(() => bucket.createBucket(bytes("inner")))).toBe("bucketExists");
    expect(codeOf(() => bucket.createBucket(bytes("k")))).toBe("incompatibleValue");
    expect(codeOf(() => bucket.createBucketIfNotExists(bytes("k")))).toBe("incompatibleValue");
    expect(codeOf(() => bucket.deleteBucket(bytes("k")))).toBe("incompatibleValue");
    expect(codeOf(() => bucket.deleteBucket(bytes("none")))).toBe("bucketNotFound");
    expect(codeOf(() => bucket.setSequence(2n ** 64n))).toBe("valueTooLarge");
    expect(bucket.get(bytes("inner"))).toBeUndefined();
    expect(bucket.bucket(bytes("k"))).toBeUndefined();
  });

  test("the largest key and a large value can be stored", () => {
    const { disk, db } = newDb();
    const largest = new Uint8Array(32_768).fill(1);
    update(disk, db, (tx) => tx.createBucket(B).put(largest, new Uint8Array(1_000_000).fill(9)));
    const length = view(db, (tx) => tx.bucket(B)?.get(largest)?.length);
    expect(length).toBe(1_000_000);
    expect(problemsOf(db)).toEqual([]);
  });

  test("a handle of a deleted bucket is refused, and the name can be used again", () => {
    const { disk, db } = newDb();
    update(disk, db, (tx) => {
      const old = tx.createBucket(B);
      const inner = old.createBucket(bytes("inner"));
      tx.deleteBucket(B);
      expect(codeOf(() => old.get(bytes("k")))).toBe("bucketNotFound");
      expect(codeOf(() => inner.put(bytes("k"), B))).toBe("bucketNotFound");
      expect(tx.bucket(B)).toBeUndefined();
      tx.createBucket(B).put(bytes("k"), bytes("v"));
    });
    expect(view(db, (tx) => text(tx.bucket(B)?.get(bytes("k")) as Uint8Array))).toBe("v");
    expect(problemsOf(db)).toEqual([]);
  });

  test("buckets inside each other have a bound", () => {
    const { db } = newDb();
    let bucket: Bucket = db.beginWrite().createBucket(B);
    const nest = (): void => {
      for (let level = 0; level < 1000; level++) bucket = bucket.createBucket(B);
    };
    expect(codeOf(nest)).toBe("bucketTooDeep");
  });

  test("sequences survive a commit, in buckets that are otherwise unchanged too", () => {
    const { disk, db } = newDb();
    update(disk, db, (tx) => {
      const small = tx.createBucket(bytes("small"));
      const large = tx.createBucket(bytes("large"));
      small.put(bytes("k"), bytes("v"));
      for (let at = 0; at < 200; at++) large.put(key(at), new Uint8Array(100));
    });
    update(disk, db, (tx) => {
      expect(tx.bucket(bytes("small"))?.nextSequence()).toBe(1n);
      tx.bucket(bytes("large"))?.setSequence(2n ** 64n - 1n);
    });
    view(db, (tx) => {
      expect(tx.bucket(bytes("small"))?.sequence).toBe(1n);
      expect(tx.bucket(bytes("small"))?.get(bytes("k"))).toEqual(bytes("v"));
      expect(tx.bucket(bytes("large"))?.sequence).toBe(2n ** 64n - 1n);
    });
    update(disk, db, (tx) => expect(tx.bucket(bytes("large"))?.nextSequence()).toBe(0n));
    expect(problemsOf(db)).toEqual([]);
  });

  test("is stored inline up to a quarter of a page, without buckets inside", () => {
    const { disk, db } = newDb();
    const rootId = (): number | undefined => view(db, (tx) => tx.bucket(B)?.rootId);
    // 16 bytes of page header, 16 of element, 1 of key.
    update(disk, db, (tx) => tx.createBucket(B).put(bytes("k"), new Uint8Array(1024 - 33)));
    expect(rootId()).toBe(0);
    update(disk, db, (tx) => tx.bucket(B)?.put(bytes("k"), new Uint8Array(1024 - 32)));
    expect(rootId()).toBeGreaterThan(1);
    update(disk, db, (tx) => tx.bucket(B)?.put(bytes("k"), new Uint8Array(10)));
    expect(rootId()).toBe(0);
    update(disk, db, (tx) => tx.bucket(B)?.createBucket(bytes("inner")));
    expect(rootId()).toBeGreaterThan(1);
    expect(problemsOf(db)).toEqual([]);
    const { sizeBytes, freePages } = db.stats();
    // Two metas, the root leaf, the bucket's leaf.
    expect(sizeBytes / 4096 - freePages).toBe(4);
  });
});

describe("commit splits", () => {
  test("a page of more than 4 items that reaches the page size, at the fill percent", () => {
    const { disk, db } = newDb();
    const fill = (count: number, size: number, fillPercent: number): void => {
      update(disk, db, (tx) => {
        if (tx.bucket(B) !== undefined) tx.deleteBucket(B);
        const bucket = tx.createBucket(B);
        bucket.fillPercent = fillPercent;
        for (let at = 0; at < count; at++) bucket.put(key(at), new Uint8Array(size));
      });
    };
    // Four items of any size stay on one page, with its overflow pages.
    fill(4, 20_000, 0.5);
    expect(shapeOf(db)).toEqual({ leaves: 1, levels: 1, keys: 4 });
    // 16 + 40 * (16 + 8 + 78) = 4096 bytes: not below the page size.
    fill(40, 78, 0.5);
    expect(shapeOf(db)).toEqual({ leaves: 2, levels: 2, keys: 40 });
    fill(40, 77, 0.5);
    expect(shapeOf(db)).toEqual({ leaves: 1, levels: 1, keys: 40 });
    // 19 and 35 items of 102 bytes fit in half and in nine tenths of a page; up to 39 stay at the end.
    fill(1000, 78, 0.5);
    expect(shapeOf(db).leaves).toBe(52);
    fill(1000, 78, 0.9);
    expect(shapeOf(db).leaves).toBe(29);
    fill(5, 20_000, 0.5);
    expect(shapeOf(db)).toEqual({ leaves: 2, levels: 2, keys: 5 });
    expect(problemsOf(db)).toEqual([]);
  });

  test.each(["ascending", "descending", "shuffled"])("large transactions in %s order", (order) => {
    const { disk, db } = newDb(1024);
    const count = 8000;
    const numbers = Array.from({ length: count }, (_, at) => at);
    if (order === "descending") numbers.reverse();
    if (order === "shuffled") new Prng(3).shuffle(numbers);
    update(disk, db, (tx) => {
      const bucket = tx.createBucket(B);
      for (const [index, at] of numbers.entries()) {
        bucket.put(key(at), bytes(`${at}`));
        const earlier = numbers[index >> 1];
        if (index % 5 === 4) bucket.delete(key(earlier));
        if (index % 5 === 0) bucket.put(key(earlier), bytes(`${earlier}`));
      }
      for (const at of numbers) bucket.put(key(at), bytes(`${at}`));
      const missing = numbers.filter((at) => text(bucket.get(key(at)) ?? B) !== `${at}`);
      expect(missing).toEqual([]);
    });
    const shape = shapeOf(db);
    expect(shape.keys).toBe(count);
    // Half-filled pages of 1024 bytes take about 18 items of 28 bytes.
    expect(shape.leaves).toBeLessThan(count / 14);
    expect(problemsOf(db)).toEqual([]);
  });
});

describe("commit merges", () => {
  /** Keys so long that a branch has two or three children. */
  const longKey = (at: number): Uint8Array => bytes(`k${String(at).padStart(130, "0")}`);

  test.each([
    ["every second key", (at: number): boolean => at % 2 === 0],
    ["all but every 50th key", (at: number): boolean => at % 50 !== 0],
    ["a range in the middle", (at: number): boolean => at > 500 && at < 4500],
    ["all but the first key", (at: number): boolean => at !== 0],
    ["all but the last key", (at: number): boolean => at !== 4999],
    ["all keys", (): boolean => true],
  ])("pages after deleting %s", (_, isVictim) => {
    for (const perCommit of [5000, 700, 60]) {
      const { db } = deleteSome(5000, key, isVictim, perCommit);
      const { keys, leaves } = shapeOf(db);
      // No leaf but a few is below a quarter of its page: 4 of these items.
      expect(leaves).toBeLessThanOrEqual(Math.max(2, keys / 4));
      expect(db.stats().inUseBytes / 512).toBeLessThan(leaves * 1.5 + 6);
    }
  });

  test("branches of two children, over many levels", () => {
    const random = new Prng(5);
    for (let round = 0; round < 40; round++) {
      const share = random.between(50, 99);
      const block = random.between(1, 30);
      const isVictim = (at: number): boolean => (Math.floor(at / block) * 37) % 100 < share;
      const { db } = deleteSome(300, longKey, isVictim, random.between(1, 120));
      expect(shapeOf(db).levels).toBeLessThanOrEqual(8);
    }
  });

  /** Makes a bucket of `count` keys, deletes those chosen, and looks at what is left. */
  function deleteSome(
    count: number,
    keyAt: (at: number) => Uint8Array,
    isVictim: (at: number) => boolean,
    perCommit: number,
  ): { db: Db } {
    const { disk, db } = newDb(512);
    update(disk, db, (tx) => {
      const bucket = tx.createBucket(B);
      bucket.fillPercent = 0.9;
      for (let at = 0; at < count; at++) bucket.put(keyAt(at), bytes(`${at}`));
      // Not inline, whatever is left.
      bucket.createBucket(bytes("z"));
    });
    const victims = Array.from({ length: count }, (_, at) => at).filter(isVictim);
    for (let from = 0; from < victims.length; from += perCommit) {
      update(disk, db, (tx) => {
        for (const at of victims.slice(from, from + perCommit)) tx.bucket(B)?.delete(keyAt(at));
      });
      shapeOf(db);
    }
    expect(shapeOf(db).keys).toBe(count + 1 - victims.length);
    expect(problemsOf(db)).toEqual([]);
    return { db };
  }
});
