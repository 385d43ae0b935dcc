import { describe, expect, test } from "vitest";
import { CorruptionError } from "./errors.ts";
import { Freelist } from "./freelist.ts";

const BASE = 100;

/** A freelist in which each of pages 2 to 9 was allocated by the transaction of that number after BASE. */
function withPages(): Freelist {
  const freelist = new Freelist({ path: "db" }, BASE);
  freelist.addKnownFree(new Uint32Array(1));
  for (let id = 2; id < 10; id++) freelist.noteAllocated(id, 1, BASE + id);
  return freelist;
}

/** Frees the page in transaction `txid`, which becomes durable at once. */
function freeIn(freelist: Freelist, id: number, txid: number): void {
  freelist.free(id, 1);
  freelist.commitFreed([{ id, count: 1 }], txid);
  freelist.settle([{ id, count: 1 }], txid);
}

describe("Freelist", () => {
  test("a freed page is free only when its transaction is durable", () => {
    const freelist = withPages();
    freelist.free(5, 1);
    expect([freelist.freeCount, freelist.pendingCount, freelist.isFree(5)]).toEqual([0, 0, false]);
    freelist.commitFreed([{ id: 5, count: 1 }], BASE + 20);
    expect([freelist.freeCount, freelist.pendingCount, freelist.isFree(5)]).toEqual([0, 1, true]);
    expect(freelist.allocate(1, BASE + 21)).toBeUndefined();
    freelist.settle([{ id: 5, count: 1 }], BASE + 20);
    expect([freelist.freeCount, freelist.pendingCount]).toEqual([1, 0]);
    expect(freelist.allocate(1, BASE + 21)).toBe(5);
    expect(freelist.isFree(5)).toBe(false);
  });

  test("a rolled back transaction frees nothing", () => {
    const freelist = withPages();
    freelist.free(5, 1);
    freelist.unfree([{ id: 5, count: 1 }]);
    freelist.free(5, 1);
  });

  test("a page waits for the snapshots that have it, and for no others", () => {
    const freelist = withPages();
    // Page 5 is in the states BASE + 5 to BASE + 19.
    for (const reader of [4, 5, 19, 20]) freelist.pin(BASE + reader);
    freeIn(freelist, 5, BASE + 20);
    expect(freelist.freeCount).toBe(0);
    freelist.unpin(BASE + 4);
    freelist.unpin(BASE + 20);
    expect(freelist.freeCount).toBe(0);
    freelist.unpin(BASE + 5);
    expect(freelist.freeCount).toBe(0);
    freelist.unpin(BASE + 19);
    expect(freelist.freeCount).toBe(1);
  });

  test("an old snapshot does not hold back pages that are younger than it", () => {
    const freelist = withPages();
    freelist.pin(BASE + 1);
    freeIn(freelist, 5, BASE + 20);
    expect(freelist.freeCount).toBe(1);
  });

  test("two snapshots of one state count as two", () => {
    const freelist = withPages();
    freelist.pin(BASE + 10);
    freelist.pin(BASE + 10);
    freeIn(freelist, 5, BASE + 20);
    freelist.unpin(BASE + 10);
    expect(freelist.freeCount).toBe(0);
    freelist.unpin(BASE + 10);
    expect(freelist.freeCount).toBe(1);
  });

  test("freeing a page twice is corruption", () => {
    const freelist = withPages();
    freelist.free(5, 1);
    expect(() => freelist.free(5, 1)).toThrow(CorruptionError);
  });

  test("pages of one commit lie in a row where there is a row", () => {
    const freelist = new Freelist({ path: "db" }, BASE);
    // Free: 4, 8, 12, ... and the row 40 to 63.
    freelist.addKnownFree(Uint32Array.of(0x11111110, 0xffffff00));
    freelist.preparePlace(10);
    const ids = Array.from({ length: 10 }, () => freelist.allocate(1, BASE + 1));
    expect(ids).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
    expect(freelist.allocate(14, BASE + 1)).toBe(50);
    expect(freelist.allocate(1, BASE + 1)).toBe(4);
    expect(freelist.allocate(2, BASE + 1)).toBeUndefined();
  });

  test("allocates from 100,000 single pages one by one, each once", () => {
    const freelist = new Freelist({ path: "db" }, BASE);
    freelist.addKnownFree(new Uint32Array(6250).fill(0x55555554));
    const count = freelist.freeCount;
    const ids: (number | undefined)[] = [];
    for (let at = 0; at < count; at++) {
      if (freelist.allocate(2, BASE + 1) !== undefined) throw new Error("No two are in a row");
      ids.push(freelist.allocate(1, BASE + 1));
    }
    expect(count).toBe(93_750);
    expect(ids.every((id, at) => id !== undefined && (at === 0 || id > Number(ids[at - 1])))).toBe(
      true,
    );
    expect(freelist.allocate(1, BASE + 1)).toBeUndefined();
  });
});
