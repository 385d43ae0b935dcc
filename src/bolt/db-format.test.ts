/** The bytes of whole files: laid out by hand and read, written and compared with bytes laid out by hand. */
import { describe, expect, test } from "vitest";
import {
  bytes,
  contentOf,
  newDisk,
  PATH,
  problemsOf,
  text,
  update,
  view,
  writeContent,
} from "../../test/harness/bolt.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { Db } from "./db.ts";
import { encodeMetaPage } from "./meta.ts";
import type { Meta } from "./meta.ts";

const PAGE = 512;
const BRANCH = 1;
const LEAF = 2;
const FREELIST = 16;

function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

function u64(value: number): number[] {
  return [...u32(value), ...u32(Math.floor(value / 2 ** 32))];
}

function header(id: number, flags: number, count: number, overflow = 0): number[] {
  return [...u64(id), flags, 0, count & 255, count >>> 8, ...u32(overflow)];
}

/** Pages of PAGE bytes with the given content. */
function pages(count: number, ...content: number[][]): Uint8Array {
  const page = new Uint8Array(count * PAGE);
  page.set(content.flat());
  return page;
}

const ascii = (value: string): number[] => [...bytes(value)];

const meta = (change: Partial<Meta>): Meta => ({
  pageSize: PAGE,
  rootId: 2,
  rootSequence: 0n,
  freelistId: undefined,
  highWaterId: 10,
  txid: 6,
  ...change,
});

/**
 *   2 root leaf: bucket "in" inline { "x" -> "y" }, sequence 3; bucket "tree" at page 4, sequence 0
 *   3 freelist { 6, 7 }
 *   4 branch: "a" -> 5, "m" -> 8
 *   5 leaf { "a" -> "1", "b" -> "2" }
 *   8 leaf { "m" -> 600 bytes }, one overflow page (9)
 */
function handMade(): Uint8Array {
  const inline = [
    ...header(0, LEAF, 1),
    ...u32(0),
    ...u32(16),
    ...u32(1),
    ...u32(1),
    ...ascii("xy"),
  ];
  const inlineValue = [...u64(0), ...u64(3), ...inline];
  return concatBytes([
    encodeMetaPage(meta({ freelistId: 3 }), 0),
    encodeMetaPage(meta({ txid: 5, rootId: 9 }), 1),
    pages(
      1,
      header(2, LEAF, 2),
      [...u32(1), ...u32(32), ...u32(2), ...u32(inlineValue.length)],
      [...u32(1), ...u32(16 + 2 + inlineValue.length), ...u32(4), ...u32(16)],
      [...ascii("in"), ...inlineValue, ...ascii("tree"), ...u64(4), ...u64(0)],
    ),
    pages(1, header(3, FREELIST, 2), u64(6), u64(7)),
    pages(
      1,
      header(4, BRANCH, 2),
      [...u32(32), ...u32(1), ...u64(5)],
      [...u32(17), ...u32(1), ...u64(8)],
      ascii("am"),
    ),
    pages(
      1,
      header(5, LEAF, 2),
      [...u32(0), ...u32(32), ...u32(1), ...u32(1)],
      [...u32(0), ...u32(18), ...u32(1), ...u32(1)],
      ascii("a1b2"),
    ),
    pages(2),
    pages(
      2,
      header(8, LEAF, 1, 1),
      [...u32(0), ...u32(16), ...u32(1), ...u32(600)],
      ascii("m" + "z".repeat(600)),
    ),
  ]);
}

describe("reading a file laid out by hand", () => {
  test("finds every key in nested, inline and overflowing pages", () => {
    const disk = newDisk();
    writeContent(disk, handMade());
    const db = Db.open(disk, PATH, { readOnly: true });
    expect(db.pageSize).toBe(PAGE);
    expect(problemsOf(db)).toEqual([]);
    view(db, (tx) => {
      expect(tx.id).toBe(6);
      expect(tx.sizeBytes).toBe(10 * PAGE);
      const names: string[] = [];
      tx.forEachBucket((name) => names.push(text(name)));
      expect(names).toEqual(["in", "tree"]);
      const inline = tx.bucket(bytes("in"));
      expect(inline?.sequence).toBe(3n);
      expect(text(inline?.get(bytes("x")) as Uint8Array)).toBe("y");
      const tree = tx.bucket(bytes("tree"));
      const cursor = tree?.cursor();
      const items: string[] = [];
      for (let found = cursor?.first(); found === true; found = cursor?.next()) {
        items.push(`${text(cursor?.key as Uint8Array)}=${cursor?.value?.length}`);
      }
      expect(items).toEqual(["a=1", "b=1", "m=600"]);
      expect(tree?.get(bytes("c"))).toBeUndefined();
      expect(tx.bucket(bytes("none"))).toBeUndefined();
    });
  });

  test("takes the stored freelist, uses it, and stores none from then on", () => {
    const disk = newDisk();
    writeContent(disk, handMade());
    const db = Db.open(disk, PATH);
    expect(db.stats()).toMatchObject({ freePages: 2, freePagesKnown: true });
    update(disk, db, (tx) => tx.bucket(bytes("in"))?.put(bytes("x"), bytes("yy")));
    // The root leaf went to page 6; pages 2 and 3 (the list) are free after it.
    expect(db.stats()).toMatchObject({ sizeBytes: 10 * PAGE, freePages: 3, pendingPages: 0 });
    expect(problemsOf(db)).toEqual([]);
    db.close();
    const again = Db.open(disk, PATH);
    expect(again.stats()).toMatchObject({ txid: 7, freePages: 3 });
  });

  test.each([512, 1024, 8192, 65_536])("accepts pages of %i bytes", (pageSize) => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { pageSize });
    update(disk, db, (tx) => tx.createBucket(bytes("b")).put(bytes("k"), new Uint8Array(3000)));
    db.close();
    const again = Db.open(disk, PATH);
    expect(again.pageSize).toBe(pageSize);
    view(again, (tx) => expect(tx.bucket(bytes("b"))?.get(bytes("k"))?.length).toBe(3000));
    expect(problemsOf(again)).toEqual([]);
  });
});

describe("writing", () => {
  test("a new file has two metas, an empty freelist and an empty leaf", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { pageSize: PAGE });
    disk.runUntilIdle();
    const fresh = { rootId: 3, freelistId: 2, highWaterId: 4 };
    expect(contentOf(disk)).toEqual(
      concatBytes([
        encodeMetaPage(meta({ ...fresh, txid: 0 }), 0),
        encodeMetaPage(meta({ ...fresh, txid: 1 }), 1),
        pages(1, header(2, FREELIST, 0)),
        pages(1, header(3, LEAF, 0)),
      ]),
    );
    expect(disk.stat(PATH)?.mode).toBe(0o600);
    expect(db.stats()).toMatchObject({ txid: 1, sizeBytes: 4 * PAGE, freePages: 0 });
  });

  test("an inline bucket stands in the root leaf, and the file grows to 32 KiB", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { pageSize: PAGE });
    update(disk, db, (tx) => tx.createBucket(bytes("b")).put(bytes("k"), bytes("vw")));
    const inline = [...header(0, LEAF, 1), ...u32(0), ...u32(16), ...u32(1), ...u32(2)];
    const value = [...u64(0), ...u64(0), ...inline, ...ascii("kvw")];
    const content = contentOf(disk);
    expect(content.length).toBe(32 * 1024);
    expect(content.subarray(0, PAGE)).toEqual(
      encodeMetaPage(meta({ rootId: 4, highWaterId: 5, txid: 2 }), 0),
    );
    expect(content.subarray(4 * PAGE, 5 * PAGE)).toEqual(
      pages(
        1,
        header(4, LEAF, 1),
        [...u32(1), ...u32(16), ...u32(1), ...u32(value.length)],
        [...ascii("b"), ...value],
      ),
    );
  });

  test("the freelist is stored when asked for, with all pages that are not used", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { pageSize: PAGE, freelistSync: true });
    update(disk, db, (tx) => tx.createBucket(bytes("b")));
    // Root leaf at 4, list at 5; the first list (2) and root (3) are free.
    const content = contentOf(disk);
    expect(content.subarray(0, PAGE)).toEqual(
      encodeMetaPage(meta({ rootId: 4, freelistId: 5, highWaterId: 6, txid: 2 }), 0),
    );
    expect(content.subarray(5 * PAGE, 6 * PAGE)).toEqual(
      pages(1, header(5, FREELIST, 2), u64(2), u64(3)),
    );
    db.close();
    const reader = Db.open(disk, PATH, { readOnly: true });
    expect(problemsOf(reader)).toEqual([]);
  });

  test("untouched elements are copied, whatever their order in the old page", () => {
    const disk = newDisk();
    const file = handMade();
    // The bytes of page 5 in another order: "b2" before "a1".
    file.set(
      pages(
        1,
        header(5, LEAF, 2),
        [...u32(0), ...u32(34), ...u32(1), ...u32(1)],
        [...u32(0), ...u32(16), ...u32(1), ...u32(1)],
        ascii("b2a1"),
      ),
      5 * PAGE,
    );
    writeContent(disk, file);
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => tx.bucket(bytes("tree"))?.put(bytes("c"), bytes("3")));
    view(db, (tx) => {
      const tree = tx.bucket(bytes("tree"));
      const values = ["a", "b", "c"].map((key) => text(tree?.get(bytes(key)) as Uint8Array));
      expect(values).toEqual(["1", "2", "3"]);
    });
    expect(problemsOf(db)).toEqual([]);
  });
});
