import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, text } from "../../test/harness/bolt.ts";
import { CorruptionError } from "./errors.ts";
import { parsePage } from "./page.ts";

/** A leaf with "a" -> "one", "bb" -> "", and the bucket "c", laid out by hand; 128 bytes. */
function leafBytes(): Uint8Array {
  const page = new Uint8Array(128);
  page.set([
    ...[5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 48, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0],
    ...[0, 0, 0, 0, 36, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
    ...[1, 0, 0, 0, 22, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0],
    ...bytes("aonebbc"),
    ...[9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
  ]);
  return page;
}

/** A branch with the children 7 ("a") and 0x100000008 ("mm"). */
function branchBytes(): Uint8Array {
  const page = new Uint8Array(64);
  page.set([
    ...[6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0],
    ...[32, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],
    ...[17, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0],
    ...bytes("amm"),
  ]);
  return page;
}

describe("Page", () => {
  test("a leaf laid out by hand is read", () => {
    const page = parsePage("db", 5, leafBytes());
    expect([page.isLeaf, page.count, page.overflow]).toEqual([true, 3, 0]);
    expect([0, 1, 2].map((index) => text(page.keyAt(index)))).toEqual(["a", "bb", "c"]);
    expect([0, 1].map((index) => text(page.valueAt(index)))).toEqual(["one", ""]);
    expect([0, 1, 2].map((index) => page.flagsAt(index))).toEqual([0, 0, 1]);
    expect([...page.valueAt(2)]).toEqual([9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(page.usedBytes()).toBe(16 + 3 * 16 + 7 + 16);
  });

  test("a branch laid out by hand is read", () => {
    const page = parsePage("db", 6, branchBytes());
    expect([page.isLeaf, page.count]).toEqual([false, 2]);
    expect([page.childIdAt(0), page.childIdAt(1)]).toEqual([7, 0x100000008]);
    expect(["A", "a", "b", "mm", "mmm"].map((key) => page.childIndex(bytes(key)))).toEqual([
      0, 0, 0, 1, 1,
    ]);
  });

  test("find gives the index, or the complement of where the key would stand", () => {
    const page = parsePage("db", 5, leafBytes());
    const found = ["", "a", "aa", "b", "bb", "bbb", "c", "d"].map((key) => page.find(bytes(key)));
    expect(found).toEqual([~0, 0, ~1, ~1, 1, ~2, 2, ~3]);
  });
});

describe("parsePage", () => {
  test.each<[string, (page: Uint8Array) => void]>([
    ["the page says its id is 4", (page) => page.fill(4, 0, 1)],
    ["flags are 0x4", (page) => page.fill(4, 8, 9)],
    ["9 elements do not fit", (page) => page.fill(9, 10, 11)],
    ["the key of element 1 is empty", (page) => page.fill(0, 40, 41)],
    ["element 0 reaches outside", (page) => page.fill(47, 20, 21)],
    ["element 2 reaches outside", (page) => page.fill(200, 60, 61)],
    ["element 1 reaches outside", (page) => page.fill(255, 36, 40)],
    ["the keys of elements 0 and 1 are not in order", (page) => page.fill(0x7a, 64, 65)],
  ])("refuses a damaged leaf: %s", (detail, damage) => {
    const page = leafBytes();
    damage(page);
    const parse = (): unknown => parsePage("/data/db", 5, page);
    expect(parse).toThrow(CorruptionError);
    expect(parse).toThrow('File "/data/db" is corrupt at page 5: ');
    expect(parse).toThrow(detail);
  });

  test("names the page that holds an inline bucket", () => {
    expect(() => parsePage("db", 0, new Uint8Array(20), 8)).toThrow(
      "at page 8: inline bucket: not a branch or leaf page",
    );
    expect(() => parsePage("db", 0, new Uint8Array(3), 8)).toThrow("shorter than a page header");
  });

  test("whatever the bytes are, what it accepts can be read to the end", () => {
    const flips = fc.array(fc.tuple(fc.nat(127), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.boolean(), flips, (isLeaf, changes) => {
        const id = isLeaf ? 5 : 6;
        const damaged = isLeaf ? leafBytes() : branchBytes();
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        damaged[0] = id;
        try {
          const page = parsePage("db", id, damaged);
          for (let index = 0; index < page.count; index++) {
            expect(page.find(page.keyAt(index))).toBe(index);
            if (page.isLeaf) expect(page.valueAt(index).length).toBe(page.valueSize(index));
            else page.childIdAt(index);
          }
        } catch (error) {
          if (!(error instanceof CorruptionError)) throw error;
        }
      }),
    );
  });
});
