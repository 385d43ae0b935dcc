/** Damaged and hostile files: an error that names file and page or an answer, never a hang or a crash. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, contentOf, newDisk, PATH, update, writeContent } from "../../test/harness/bolt.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { check } from "./check.ts";
import { Db } from "./db.ts";
import type { DbOptions } from "./db.ts";
import { BoltError, CorruptionError } from "./errors.ts";
import { encodeMetaPage } from "./meta.ts";
import type { Tx } from "./tx.ts";
import type { Bucket } from "./bucket.ts";

const PAGE = 512;
const B = bytes("b");

/** Each damaged file is used in five ways, which takes some 10 ms. */
const RUNS = 25;

/** A file with a tree of three levels, overflow pages, a bucket in a bucket, an inline one, free pages. */
function wholeFile(): Uint8Array {
  const disk = newDisk();
  const db = Db.open(disk, PATH, { pageSize: PAGE });
  update(disk, db, (tx) => {
    const bucket = tx.createBucket(B);
    for (let at = 0; at < 300; at++) bucket.put(bytes(`key ${at}`), bytes("v".repeat(at % 60)));
    bucket.put(bytes("large"), new Uint8Array(3000));
    const inner = bucket.createBucket(bytes("inner"));
    for (let at = 0; at < 60; at++) inner.put(bytes(`key ${at}`), bytes("w".repeat(30)));
    tx.createBucket(bytes("small")).put(bytes("k"), bytes("v"));
  });
  update(disk, db, (tx) => {
    for (let at = 0; at < 300; at += 3) tx.bucket(B)?.delete(bytes(`key ${at}`));
  });
  db.close();
  return contentOf(disk);
}

/** Reads everything below a bucket, forward, backward and by key; at most `budget` items. */
function readAll(bucket: Bucket, budget: { items: number }, depth = 0): void {
  const cursor = bucket.cursor();
  for (let found = cursor.first(); found; found = cursor.next()) {
    if (budget.items-- < 0) throw new Error("The walk does not end");
    const key = cursor.key as Uint8Array;
    bucket.get(key);
    cursor.value?.at(-1);
    const inner = cursor.isBucket ? bucket.bucket(key) : undefined;
    if (inner !== undefined && depth < 5) readAll(inner, budget, depth + 1);
  }
  for (let found = cursor.last(); found; found = cursor.prev()) {
    if (budget.items-- < 0) throw new Error("The walk back does not end");
  }
  for (let at = 0; at < 20; at++) bucket.get(bytes(`key ${at * 17}`));
}

/** Runs and returns the error of the two allowed kinds, if any. */
function attempt(run: () => void): CorruptionError | BoltError | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof CorruptionError) {
      expect(error.message).toContain(`File "${PATH}" is corrupt at page ${error.pageId}: `);
      return error;
    }
    if (error instanceof BoltError) return error;
    throw error;
  }
  return undefined;
}

/** Uses the file in every way. */
function useAll(content: Uint8Array, options: DbOptions = {}): void {
  const disk = newDisk();
  writeContent(disk, content);
  attempt(() => {
    const db = Db.open(disk, PATH, { readOnly: true });
    const tx = db.beginRead();
    attempt(() => readAll(tx.root, { items: 100_000 }));
    expect(check(tx).length).toBeLessThanOrEqual(1000);
    db.close();
  });
  const write = (change: (tx: Tx) => void): void => {
    const copy = newDisk();
    writeContent(copy, content);
    attempt(() => {
      const db = Db.open(copy, PATH, options);
      const tx = db.beginWrite();
      change(tx);
      tx.commit((error) => expect(error).toBeUndefined());
      copy.runUntilIdle();
    });
  };
  write((tx) => {
    tx.bucket(B)?.put(bytes("key 77"), bytes("new"));
    tx.bucket(B)?.delete(bytes("key 100"));
    tx.bucket(bytes("small"))?.put(bytes("l"), bytes("v"));
  });
  write((tx) => {
    for (let at = 0; at < 300; at++) tx.bucket(B)?.delete(bytes(`key ${at}`));
  });
  write((tx) => tx.deleteBucket(B));
}

describe("a damaged file", () => {
  const whole = wholeFile();

  test("the whole file has nothing wrong", () => {
    const disk = newDisk();
    writeContent(disk, whole);
    const db = Db.open(disk, PATH);
    expect(check(db.beginRead())).toEqual([]);
  });

  test("with flipped bits gives an error or an answer, and ends", () => {
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(7)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(flips, (bits) => {
        const damaged = whole.slice();
        for (const [at, bit] of bits) damaged[at] ^= 1 << bit;
        useAll(damaged, { freelistScan: "open" });
      }),
      { numRuns: RUNS },
    );
  });

  test("with a damaged header or element on any page", () => {
    const damage = fc.tuple(
      fc.nat(60),
      fc.nat(47),
      fc.constantFrom(0, 1, 2, 4, 127, 255),
      fc.nat(3),
    );
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = whole.slice();
        for (const [page, at, byte, length] of changes) {
          const start = (2 + page) * PAGE + at;
          damaged.fill(byte, start, start + length + 1);
        }
        useAll(damaged);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Little-endian bytes of the numbers, 4 each. */
function words(...values: number[]): number[] {
  return values.flatMap((value) => [
    value & 255,
    (value >> 8) & 255,
    (value >> 16) & 255,
    value >>> 24,
  ]);
}

function page(id: number, isLeaf: boolean, count: number, ...content: number[][]): Uint8Array {
  const made = new Uint8Array(PAGE);
  made.set([...words(id, 0), isLeaf ? 2 : 1, 0, count, 0, ...words(0), ...content.flat()]);
  return made;
}

/** A file whose only bucket "b" has its root at page 3, with the given pages from 3 on. */
function hostile(...pages: Uint8Array[]): Uint8Array {
  const highWaterId = 3 + pages.length;
  const meta = { pageSize: PAGE, rootId: 2, rootSequence: 0n, freelistId: undefined, highWaterId };
  const root = page(2, true, 1, words(1, 16, 1, 16), [0x62], words(3, 0, 0, 0));
  return concatBytes([
    encodeMetaPage({ ...meta, txid: 2 }, 0),
    encodeMetaPage({ ...meta, txid: 1 }, 1),
    root,
    ...pages,
  ]);
}

/** A branch with two children, with the keys "a" and "m". */
const branch = (id: number, first: number, second: number): Uint8Array =>
  page(id, false, 2, words(32, 1, first, 0), words(17, 1, second, 0), [0x61, 0x6d]);

const leaf = (id: number, key: number): Uint8Array =>
  page(id, true, 1, words(0, 16, 1, 1), [key, 0x76]);

describe("a hostile file", () => {
  test.each<[string, Uint8Array, string]>([
    ["a branch that is its own child", hostile(branch(3, 3, 3)), "used twice"],
    [
      "two branches in a circle",
      hostile(branch(3, 4, 5), branch(4, 3, 3), leaf(5, 0x6d)),
      "used twice",
    ],
    ["one leaf in two places", hostile(branch(3, 4, 4), leaf(4, 0x61)), "used twice"],
    ["an empty leaf", hostile(branch(3, 4, 5), page(4, true, 0), leaf(5, 0x6d)), "an empty page"],
    ["keys below the branch's", hostile(branch(3, 4, 5), leaf(4, 0x41), leaf(5, 0x6d)), "below"],
    ["keys above the branch's", hostile(branch(3, 4, 5), leaf(4, 0x7a), leaf(5, 0x6d)), "above"],
    ["a child that is not in the file", hostile(branch(3, 4, 99), leaf(4, 0x61)), "page 99"],
    ["a child that is a meta page", hostile(branch(3, 4, 1), leaf(4, 0x61)), "page 1,"],
    ["a root that is not there", hostile(), "page 3"],
    [
      "a bucket that holds itself",
      hostile(page(3, true, 1, words(1, 16, 1, 16), [0x62], words(3, 0, 0, 0))),
      "used twice",
    ],
    [
      "overflow pages that leave the file",
      hostile(leaf(3, 0x61).map((byte, at) => (at === 12 ? 9 : byte))),
      "9 overflow pages leave the file",
    ],
  ])("with %s is refused for writing, and reading it ends", (_, content, detail) => {
    useAll(content, { freelistScan: "sliced" });
    const disk = newDisk();
    writeContent(disk, content);
    const errors: string[] = [];
    const db = Db.open(disk, PATH, { readOnly: true });
    const tx = db.beginRead();
    const read = attempt(() => readAll(tx.root, { items: 10_000 }));
    if (read !== undefined) errors.push(read.message);
    const scan = attempt(() => Db.open(disk, PATH));
    if (scan !== undefined) errors.push(scan.message);
    expect(errors.join("\n")).toContain(detail);
    expect(check(tx).length).toBeGreaterThan(0);
  });

  test("with a ladder of branches, each with the next one as both children, is not walked twice", () => {
    // Reached by the left way first, every page is in its place; the ways double on each of 25 levels.
    const ladder = Array.from({ length: 25 }, (_, at) =>
      page(3 + at, false, 2, words(32, 1, 4 + at, 0), words(17, 1, 4 + at, 0), [0x61, 0x7a - at]),
    );
    const content = hostile(...ladder, leaf(28, 0x61));
    useAll(content, { freelistScan: "sliced" });
    const disk = newDisk();
    writeContent(disk, content);
    const tx = Db.open(disk, PATH, { readOnly: true }).beginRead();
    expect(() => readAll(tx.root, { items: 1000 })).toThrow("out of order with the leaf beside it");
  });

  test("with a deep chain of branches is refused", () => {
    const chain = Array.from({ length: 70 }, (_, at) =>
      page(3 + at, false, 1, words(16, 1, 4 + at, 0), [0x61]),
    );
    const content = hostile(...chain, leaf(73, 0x61));
    useAll(content);
    const disk = newDisk();
    writeContent(disk, content);
    const tx = Db.open(disk, PATH, { readOnly: true }).beginRead();
    expect(() => tx.bucket(B)?.get(bytes("a"))).toThrow("the tree has over 64 levels");
    expect(check(tx).join()).toContain("below 64 levels");
  });

  test("two buckets that share pages cannot both be deleted", () => {
    const disk = newDisk();
    const shared = page(
      2,
      true,
      2,
      words(1, 32, 1, 16),
      words(1, 33, 1, 16),
      [0x62],
      words(3, 0, 0, 0),
      [0x63],
      words(3, 0, 0, 0),
    );
    const content = hostile(leaf(3, 0x61));
    content.set(shared, 2 * PAGE);
    writeContent(disk, content);
    // Sliced: nothing is scanned before the damage is met.
    const db = Db.open(disk, PATH, { freelistScan: "sliced" });
    const tx = db.beginWrite();
    tx.deleteBucket(B);
    expect(() => tx.deleteBucket(bytes("c"))).toThrow(CorruptionError);
    expect(() => db.scanFreePages(100)).toThrow("used twice");
  });
});
