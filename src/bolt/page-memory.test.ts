import { describe, expect, test } from "vitest";
import { bytes, newDisk, PATH, text, update } from "../../test/harness/bolt.ts";
import { Prng } from "../stdx/prng.ts";
import { check } from "./check.ts";
import { Db } from "./db.ts";
import { PAGE_MEMORY_BYTES_MAX } from "./limits.ts";
import { PageMemory } from "./page-memory.ts";

describe("PageMemory", () => {
  test("gives retired memory again, as zeros, once the transaction is over", () => {
    const memory = new PageMemory();
    const page = new Uint8Array(4096).fill(7);
    memory.retire(page);
    expect(memory.take(4096)).toBeUndefined();
    memory.settle();
    expect(memory.take(8192)).toBeUndefined();
    expect(memory.take(4096)).toBe(page);
    expect(page.every((byte) => byte === 0)).toBe(true);
    expect(memory.take(4096)).toBeUndefined();
  });

  test("keeps no part of a larger piece, and no more than its bound", () => {
    const memory = new PageMemory();
    memory.retire(new Uint8Array(8192).subarray(0, 4096));
    for (let kept = 0; kept <= PAGE_MEMORY_BYTES_MAX; kept += 2 ** 20) {
      memory.retire(new Uint8Array(2 ** 20));
    }
    memory.settle();
    expect(memory.take(4096)).toBeUndefined();
    let taken = 0;
    while (memory.take(2 ** 20) !== undefined) taken++;
    expect(taken).toBe(PAGE_MEMORY_BYTES_MAX / 2 ** 20);
  });
});

test("a file whose pages use memory again holds what was put into it", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new Prng(seed);
    const disk = newDisk(seed);
    const options = { pageSize: 512, cacheBytesMax: 2048 * (seed % 3), reusePageMemory: true };
    let db = Db.open(disk, PATH, options);
    const model = new Map<string, string>();
    for (let commit = 0; commit < 60; commit++) {
      update(disk, db, (tx) => {
        const bucket = tx.createBucketIfNotExists(bytes("b"));
        for (let changes = random.below(80); changes > 0; changes--) {
          const key = `k${String(random.below(400)).padStart(3, "0")}`;
          if (random.below(4) === 0) {
            bucket.delete(bytes(key));
            model.delete(key);
          } else {
            const length = random.below(15) === 0 ? random.below(3000) : random.below(60);
            const value = "abcdefgh"[random.below(8)].repeat(length);
            bucket.put(bytes(key), bytes(value));
            model.set(key, value);
          }
        }
      });
    }
    db.close();
    db = Db.open(disk, PATH, { readOnly: true });
    const tx = db.beginRead();
    expect(check(tx)).toEqual([]);
    const found: [string, string][] = [];
    const cursor = tx.bucket(bytes("b"))?.cursor();
    while (cursor?.next() === true) {
      found.push([text(cursor.key ?? bytes("")), text(cursor.value ?? bytes(""))]);
    }
    expect(found).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
    db.close();
  }
});

test("a leaf that is read to be changed does not enter the cache, and is read once", () => {
  const disk = newDisk(3);
  const db = Db.open(disk, PATH, { pageSize: 512, cacheBytesMax: 1 << 20 });
  const key = (at: number): Uint8Array => bytes(`k${String(at).padStart(3, "0")}`);
  update(disk, db, (tx) => {
    const bucket = tx.createBucket(bytes("b"));
    for (let at = 0; at < 300; at++) bucket.put(key(at), bytes("v".repeat(40)));
  });
  db.close();
  const reopened = Db.open(disk, PATH, { pageSize: 512, cacheBytesMax: 1 << 20 });
  const tx = reopened.beginWrite();
  const bucket = tx.bucket(bytes("b"));
  bucket?.get(key(0));
  const { cacheBytes, cacheMisses } = reopened.stats();
  bucket?.delete(key(200));
  bucket?.delete(key(201));
  // The branch above the leaf enters it.
  expect(reopened.stats()).toMatchObject({
    cacheBytes: cacheBytes + 512,
    cacheMisses: cacheMisses + 2,
  });
  expect(bucket?.get(key(200))).toBeUndefined();
  expect(text(bucket?.get(key(202)) ?? bytes(""))).toBe("v".repeat(40));
  tx.rollback();
  reopened.close();
});
