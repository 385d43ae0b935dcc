import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, newDisk, PATH, text, update } from "../../test/harness/bolt.ts";
import type { Bucket } from "./bucket.ts";
import type { Cursor } from "./cursor.ts";
import { Db } from "./db.ts";
import { BoltError } from "./errors.ts";

const B = bytes("b");

/** A file with these keys, each with itself as value, committed. */
function fileWith(keys: readonly string[], pageSize = 512): Db {
  const disk = newDisk();
  const db = Db.open(disk, PATH, { pageSize });
  update(disk, db, (tx) => {
    const bucket = tx.createBucket(B);
    for (const key of keys) bucket.put(bytes(key), bytes(key));
  });
  return db;
}

const numbered = (count: number, step = 1): string[] =>
  Array.from({ length: count }, (_, at) => `k${String(at * step).padStart(5, "0")}`);

function keyOf(cursor: Cursor): string | undefined {
  return cursor.key === undefined ? undefined : text(cursor.key);
}

describe("Cursor", () => {
  test("walks an empty bucket", () => {
    const db = fileWith([]);
    const cursor = db.beginRead().bucket(B)?.cursor() as Cursor;
    expect([cursor.first(), cursor.last(), cursor.next(), cursor.prev()]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(cursor.seek(bytes("a"))).toBe(false);
    expect([cursor.key, cursor.value, cursor.isBucket]).toEqual([undefined, undefined, false]);
  });

  test("goes forward and back over pages, and turns around at both ends", () => {
    const keys = numbered(200);
    const cursor = fileWith(keys).beginRead().bucket(B)?.cursor() as Cursor;
    const seen: (string | undefined)[] = [];
    while (cursor.next()) seen.push(keyOf(cursor));
    expect(seen).toEqual(keys);
    expect([cursor.next(), cursor.key]).toEqual([false, undefined]);
    const back: (string | undefined)[] = [];
    while (cursor.prev()) back.push(keyOf(cursor));
    expect(back).toEqual([...keys].reverse());
    expect(cursor.prev()).toBe(false);
    expect([cursor.next(), keyOf(cursor)]).toEqual([true, keys[0]]);
    expect([cursor.last(), keyOf(cursor)]).toEqual([true, keys[199]]);
  });

  test("seek finds the first key that is not smaller, from any place", () => {
    const keys = numbered(150, 2);
    const cursor = fileWith(keys).beginRead().bucket(B)?.cursor() as Cursor;
    for (let at = 0; at < 300; at++) {
      const wanted = `k${String(at).padStart(5, "0")}`;
      const expected = keys.find((key) => key >= wanted);
      expect(cursor.seek(bytes(wanted))).toBe(expected !== undefined);
      expect(keyOf(cursor)).toBe(expected);
    }
    expect([cursor.seek(bytes("z")), cursor.prev(), keyOf(cursor)]).toEqual([
      false,
      true,
      keys[149],
    ]);
    expect([cursor.seek(bytes("")), keyOf(cursor)]).toEqual([true, keys[0]]);
  });

  test("sees buckets without a value", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => {
      const bucket = tx.createBucket(B);
      bucket.createBucket(bytes("inner"));
      bucket.put(bytes("key"), bytes("value"));
    });
    const cursor = db.beginRead().bucket(B)?.cursor() as Cursor;
    cursor.first();
    expect([keyOf(cursor), cursor.value, cursor.isBucket]).toEqual(["inner", undefined, true]);
    cursor.next();
    expect([keyOf(cursor), text(cursor.value as Uint8Array), cursor.isBucket]).toEqual([
      "key",
      "value",
      false,
    ]);
  });

  test("deletes the item under it and goes on to its neighbours", () => {
    const db = fileWith(numbered(100));
    const tx = db.beginWrite();
    const bucket = tx.bucket(B) as Bucket;
    const cursor = bucket.cursor();
    const left: (string | undefined)[] = [];
    for (let found = cursor.first(), at = 0; found; found = cursor.next(), at++) {
      if (at % 3 === 1) {
        cursor.delete();
        expect(cursor.value).toBeUndefined();
        // A second time there is nothing to delete.
        cursor.delete();
      } else {
        left.push(keyOf(cursor));
      }
    }
    expect(left.length).toBe(67);
    const back: (string | undefined)[] = [];
    for (let found = cursor.last(); found; found = cursor.prev()) back.unshift(keyOf(cursor));
    expect(back).toEqual(left);
    cursor.seek(bytes("k00002"));
    cursor.delete();
    expect([keyOf(cursor), cursor.prev(), keyOf(cursor)]).toEqual(["k00002", true, "k00000"]);
  });

  test("refuses to delete where there is no item, a bucket, or a reading transaction", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => tx.createBucket(B).createBucket(bytes("inner")));
    const writer = db.beginWrite().bucket(B)?.cursor() as Cursor;
    const reader = db.beginRead().bucket(B)?.cursor() as Cursor;
    expect(() => writer.delete()).toThrow(BoltError);
    writer.first();
    expect(() => writer.delete()).toThrow("Cannot delete a bucket as a key");
    reader.first();
    expect(() => reader.delete()).toThrow("The transaction is read-only");
  });

  test("keeps its place while the bucket changes around it", () => {
    const change = fc.record({
      kind: fc.constantFrom("put", "delete", "next", "prev", "cursorDelete", "seek", "value"),
      key: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120, size: "max" }), (changes) => {
        const start = numbered(30, 2);
        const tx = fileWith(start).beginWrite();
        const bucket = tx.bucket(B) as Bucket;
        const cursor = bucket.cursor();
        const model = new Set(start);
        // Where the model's cursor is: at or beside a key, or outside.
        let place = "";
        const sorted = (): string[] => [...model].sort();
        for (const { kind, key: number } of changes) {
          const key = `k${String(number).padStart(5, "0")}`;
          if (kind === "put") {
            bucket.put(bytes(key), bytes(`new ${key}`));
            model.add(key);
          } else if (kind === "delete") {
            bucket.delete(bytes(key));
            model.delete(key);
          } else if (kind === "cursorDelete") {
            if (cursor.key !== undefined) cursor.delete();
            model.delete(place);
          } else if (kind === "value") {
            const value = cursor.value;
            expect(value === undefined).toBe(!model.has(place));
            if (value !== undefined) expect(text(value).endsWith(place)).toBe(true);
          } else {
            const expected =
              kind === "seek"
                ? sorted().find((other) => other >= key)
                : kind === "next"
                  ? sorted().find((other) => other > place)
                  : sorted().findLast((other) => other < place);
            const found =
              kind === "seek"
                ? cursor.seek(bytes(key))
                : kind === "next"
                  ? cursor.next()
                  : cursor.prev();
            expect(found).toBe(expected !== undefined);
            expect(keyOf(cursor)).toBe(expected);
            place = expected ?? (kind === "prev" ? "" : "~");
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
