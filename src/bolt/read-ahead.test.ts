import { describe, expect, test } from "vitest";
import { bytes, newDisk, PATH, text, update } from "../../test/harness/bolt.ts";
import type { DiskFile } from "../ports/disk.ts";
import { Db } from "./db.ts";
import { PAGE_OVERFLOW_AT } from "./layout.ts";
import { READ_AHEAD_BYTES_MAX } from "./limits.ts";
import { ReadAhead } from "./read-ahead.ts";

const B = bytes("b");
const PAGE_BYTES = 4096;
const PAGES = 200;

/** A file of numbered pages, with the number of reads it has served and of bytes they asked for. */
function countedFile(overflow: (id: number) => number = () => 0) {
  const content = new Uint8Array(PAGES * PAGE_BYTES);
  const view = new DataView(content.buffer);
  for (let id = 0; id < PAGES; id++) {
    view.setUint32(id * PAGE_BYTES, id, true);
    view.setUint32(id * PAGE_BYTES + PAGE_OVERFLOW_AT, overflow(id), true);
  }
  const asked: number[] = [];
  const read = (into: Uint8Array, position: number): number => {
    asked.push(into.length);
    const part = content.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  };
  return { file: { read } as unknown as DiskFile, asked, content };
}

describe("ReadAhead", () => {
  test("serves pages in a row after the first one, with few reads, and each as it is", () => {
    const { file, asked, content } = countedFile();
    const ahead = new ReadAhead(file, PAGE_BYTES);
    const served = Array.from({ length: PAGES }, (_, id) => ahead.page(id));
    expect(served[0]).toBeUndefined();
    for (let id = 1; id < PAGES; id++) {
      expect(served[id]).toEqual(content.subarray(id * PAGE_BYTES, (id + 1) * PAGE_BYTES));
    }
    expect(asked.length).toBeLessThan(12);
    expect(Math.max(...asked)).toBe(READ_AHEAD_BYTES_MAX);
  });

  test("reads nothing for scattered pages", () => {
    const { file, asked } = countedFile();
    const ahead = new ReadAhead(file, PAGE_BYTES);
    for (const id of [5, 90, 3, 150, 7]) expect(ahead.page(id)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("starts small again after a jump", () => {
    const { file, asked } = countedFile();
    const ahead = new ReadAhead(file, PAGE_BYTES);
    for (let id = 0; id < 50; id++) ahead.page(id);
    asked.length = 0;
    for (let id = 120; id < 124; id++) ahead.page(id);
    expect(asked[0]).toBe(2 * PAGE_BYTES);
  });

  test("gives a page with its overflow pages, or leaves it to be read by itself", () => {
    const { file } = countedFile((id) => (id === 10 ? 3 : id === 20 ? 1000 : 0));
    const ahead = new ReadAhead(file, PAGE_BYTES);
    for (let id = 0; id < 10; id++) ahead.page(id);
    expect(ahead.page(10)).toHaveLength(4 * PAGE_BYTES);
    for (let id = 14; id < 20; id++) expect(ahead.page(id)).toHaveLength(PAGE_BYTES);
    expect(ahead.page(20)).toBeUndefined();
  });
});

test("a pass sees the same items as a cursor that does not read ahead", () => {
  const disk = newDisk();
  const db = Db.open(disk, PATH, { pageSize: 512, cacheBytesMax: 1 });
  update(disk, db, (tx) => {
    const bucket = tx.createBucket(B);
    for (let at = 0; at < 2000; at++) {
      bucket.put(bytes(`key${at}`), bytes("v".repeat(at % 7 === 0 ? 3000 : at % 90)));
    }
  });
  update(disk, db, (tx) => {
    const bucket = tx.bucket(B);
    for (let at = 0; at < 2000; at += 3) bucket?.put(bytes(`key${at}`), bytes("w".repeat(at % 50)));
  });
  const bucket = db.beginRead().bucket(B);
  const items = (cursor = bucket?.cursor()): string[] => {
    const found: string[] = [];
    while (cursor?.next() === true) {
      found.push(`${text(cursor.key ?? B)}=${text(cursor.value ?? B)}`);
    }
    return found;
  };
  const expected = items();
  expect(expected).toHaveLength(2000);
  expect(db.whilePassing(() => items(bucket?.lendingCursor()))).toEqual(expected);
});
