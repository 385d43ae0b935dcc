import { expect, test } from "vitest";
import { bytes, newDisk, PATH, text, update } from "../../test/harness/bolt.ts";
import { Prng } from "../stdx/prng.ts";
import { Db } from "./db.ts";

test("a lending cursor passes everything in order, past the cache, with values of any size", () => {
  const disk = newDisk(4);
  const random = new Prng(4);
  const db = Db.open(disk, PATH, { pageSize: 512, cacheBytesMax: 2048 });
  const expected: string[] = [];
  update(disk, db, (tx) => {
    const bucket = tx.createBucket(bytes("b"));
    for (let at = 0; at < 600; at++) {
      const key = `k${String(at).padStart(4, "0")}`;
      const size = random.below(12) === 0 ? random.below(5000) : random.below(60);
      bucket.put(bytes(key), new Uint8Array(size).fill(at));
      expected.push(`${key} ${size} ${size === 0 ? "" : at % 256}`);
    }
  });
  const tx = db.beginRead();
  const { cacheMisses } = db.stats();
  for (const from of [0, 123, 599]) {
    const cursor = tx.bucket(bytes("b"))?.lendingCursor();
    const found: string[] = [];
    let more = cursor?.seek(bytes(`k${String(from).padStart(4, "0")}`)) === true;
    for (; more; more = cursor?.next() === true) {
      const { key, value } = cursor ?? {};
      if (key === undefined || value === undefined) throw new Error("No item");
      expect(new Set(value).size).toBeLessThan(2);
      found.push(`${text(key)} ${value.length} ${value.at(0) ?? ""}`);
    }
    expect(found).toEqual(expected.slice(from));
  }
  // The roots came through the cache.
  expect(db.stats().cacheMisses - cacheMisses).toBeLessThan(4);
  tx.rollback();
  db.close();
});

test("a lending cursor keeps its place while the bucket changes", () => {
  const disk = newDisk(5);
  const db = Db.open(disk, PATH, { pageSize: 512, cacheBytesMax: 2048 });
  update(disk, db, (tx) => {
    const bucket = tx.createBucket(bytes("b"));
    for (let at = 100; at < 400; at++) bucket.put(bytes(`k${at}`), bytes(`v${at}`));
  });
  const tx = db.beginWrite();
  const bucket = tx.bucket(bytes("b"));
  if (bucket === undefined) throw new Error("No bucket");
  const cursor = bucket.lendingCursor();
  const seen: string[] = [];
  for (let more = cursor.first(); more; more = cursor.next()) {
    const key = text(cursor.key ?? new Uint8Array(0));
    seen.push(key);
    // The item under the cursor, one behind and one far ahead.
    if (seen.length % 3 === 0) bucket.delete(bytes(key));
    if (seen.length % 5 === 0) bucket.put(bytes("k100"), bytes("again"));
    if (seen.length === 50) bucket.delete(bytes("k399"));
  }
  const all = Array.from({ length: 299 }, (_, index) => `k${index + 100}`);
  expect(seen).toEqual(all);
  tx.rollback();
  db.close();
});
