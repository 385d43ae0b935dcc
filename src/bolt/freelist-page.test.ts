import { describe, expect, test } from "vitest";
import { decodeFreelistPage, encodeFreelistPage, freelistPageCount } from "./freelist-page.ts";

function idsOf(bits: Uint32Array): number[] {
  const ids: number[] = [];
  for (let id = 0; id < bits.length * 32; id++)
    if ((bits[id >>> 5] >>> (id & 31)) & 1) ids.push(id);
  return ids;
}

describe("encodeFreelistPage", () => {
  test("writes a header with the count and the ids", () => {
    const page = encodeFreelistPage(7, [3, 4, 0x1_0000_0001], 1, 512);
    expect([...page.subarray(0, 40)]).toEqual([
      ...[7, 0, 0, 0, 0, 0, 0, 0],
      ...[0x10, 0, 3, 0, 0, 0, 0, 0],
      ...[3, 0, 0, 0, 0, 0, 0, 0],
      ...[4, 0, 0, 0, 0, 0, 0, 0],
      ...[1, 0, 0, 0, 1, 0, 0, 0],
    ]);
    expect(page.length).toBe(512);
  });

  test.each([0, 1, 0xfffe, 0xffff, 0x10000, 70_000])("%i ids can be read back", (count) => {
    const ids = Array.from({ length: count }, (_, at) => 2 + at);
    const pageCount = freelistPageCount(count, 4096);
    const page = encodeFreelistPage(9, ids, pageCount, 4096);
    expect(page[10] | (page[11] << 8)).toBe(Math.min(count, 0xffff));
    expect(page[12]).toBe((pageCount - 1) & 0xff);
    // From 0xFFFF ids on the count stands in front of them.
    expect(new DataView(page.buffer).getUint32(16, true)).toBe(
      count >= 0xffff ? count : Math.min(2, count * 2),
    );
    expect(idsOf(decodeFreelistPage("db", 9, page, 70_002))).toEqual(ids);
  });
});

describe("decodeFreelistPage", () => {
  test.each<[string, (page: Uint8Array) => void]>([
    ["another page", (page) => page.fill(8, 0, 1)],
    ["another kind of page", (page) => page.fill(2, 8, 9)],
    ["a count that leaves the page", (page) => page.fill(0xfe, 10, 12)],
    ["a large count that leaves the page", (page) => page.fill(0xff, 10, 12)],
    ["a page outside of the file", (page) => page.fill(100, 16, 17)],
    ["a meta page", (page) => page.fill(1, 16, 17)],
    ["a page twice", (page) => page.fill(4, 16, 17)],
  ])("refuses %s", (_, damage) => {
    const page = encodeFreelistPage(7, [3, 4], 1, 512);
    damage(page);
    expect(() => decodeFreelistPage("db", 7, page, 100)).toThrow('File "db" is corrupt at page 7');
  });
});
