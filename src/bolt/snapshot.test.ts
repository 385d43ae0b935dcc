/** Snapshots: what a reading transaction sees, what it holds back, and copies of it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytes,
  contentOf,
  newDisk,
  PATH,
  problemsOf,
  update,
  view,
  writeContent,
} from "../../test/harness/bolt.ts";
import type { SimulatedDisk } from "../../sim/disk.ts";
import { check } from "./check.ts";
import { Db } from "./db.ts";
import type { Tx } from "./tx.ts";

const B = bytes("b");

/** Writes 200 keys anew, all with the same value. */
function rewrite(tx: Tx, round: number): void {
  const bucket = tx.createBucketIfNotExists(B);
  for (let at = 0; at < 200; at++) bucket.put(bytes(`k${at}`), bytes(`${round}`.repeat(40)));
}

function roundOf(tx: Tx): string {
  const seen = new Set<string>();
  const cursor = tx.bucket(B)?.cursor();
  let count = 0;
  for (let found = cursor?.first(); found === true; found = cursor?.next()) {
    seen.add(String.fromCharCode(...(cursor?.value as Uint8Array)));
    count++;
  }
  expect(count).toBe(200);
  expect(seen.size).toBe(1);
  return [...seen][0].slice(0, 3);
}

function copyOf(tx: Tx, slices: () => number): Uint8Array {
  const copy = new Uint8Array(tx.sizeBytes);
  let at = 0;
  for (;;) {
    const slice = new Uint8Array(slices());
    const count = tx.readCopy(slice, at);
    if (count === 0) break;
    copy.set(slice.subarray(0, count), at);
    at += count;
  }
  expect(at).toBe(copy.length);
  return copy;
}

/** Opens the copy like any other file and looks whether it is whole. */
function roundOfCopy(copy: Uint8Array): string {
  const disk = newDisk();
  writeContent(disk, copy);
  const db = Db.open(disk, PATH);
  expect(problemsOf(db)).toEqual([]);
  const round = view(db, roundOf);
  update(disk, db, (tx) => rewrite(tx, 999));
  expect(problemsOf(db)).toEqual([]);
  return round;
}

function withRounds(rounds: number): { disk: SimulatedDisk; db: Db } {
  const disk = newDisk();
  const db = Db.open(disk, PATH, { cacheBytesMax: 16 * 1024, growBytes: 64 * 1024 });
  for (let round = 100; round < 100 + rounds; round++) update(disk, db, (tx) => rewrite(tx, round));
  return { disk, db };
}

describe("a snapshot", () => {
  test("keeps its content however many commits follow", () => {
    const { disk, db } = withRounds(3);
    const readers = new Map<string, Tx>();
    for (let round = 103; round < 160; round++) {
      if (round % 10 === 3) readers.set(view(db, roundOf), db.beginRead());
      update(disk, db, (tx) => rewrite(tx, round));
    }
    expect([...readers.keys()]).toEqual(["102", "112", "122", "132", "142", "152"]);
    for (const [round, tx] of readers) expect(roundOf(tx)).toBe(round);
    expect(problemsOf(db)).toEqual([]);
  });

  test("does not make the file grow with every commit", () => {
    const { disk, db } = withRounds(10);
    const reader = db.beginRead();
    update(disk, db, (tx) => rewrite(tx, 500));
    update(disk, db, (tx) => rewrite(tx, 501));
    const { sizeBytes } = db.stats();
    for (let round = 502; round < 560; round++) {
      update(disk, db, (tx) => rewrite(tx, round));
      // Short ones come and go.
      if (round % 3 === 0) view(db, roundOf);
    }
    expect(db.stats().sizeBytes).toBe(sizeBytes);
    expect(roundOf(reader)).toBe("109");
  });

  test("gives its pages back when it is closed", () => {
    const { disk, db } = withRounds(5);
    const reader = db.beginRead();
    update(disk, db, (tx) => rewrite(tx, 500));
    const held = db.stats().pendingPages;
    expect(held).toBeGreaterThan(3);
    reader.rollback();
    expect(db.stats().pendingPages).toBe(0);
    expect(problemsOf(db)).toEqual([]);
  });
});

describe("readCopy", () => {
  test("gives a whole file in slices of any size, while commits go on", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1 }), (sizes) => {
        const { disk, db } = withRounds(4);
        const reader = db.beginRead();
        let slices = 0;
        const copy = copyOf(reader, () => {
          if (slices < 20) update(disk, db, (tx) => rewrite(tx, 200 + slices));
          return sizes[slices++ % sizes.length];
        });
        reader.rollback();
        expect(roundOfCopy(copy)).toBe("103");
        expect(view(db, roundOf)).not.toBe("103");
      }),
      { numRuns: 15 },
    );
  });

  test("of a state on its way takes the pages from memory", () => {
    const { disk, db } = withRounds(4);
    for (const round of [300, 301]) {
      const tx = db.beginWrite();
      rewrite(tx, round);
      tx.commit((error) => expect(error).toBeUndefined());
    }
    const reader = db.beginRead("newest");
    let slices = 0;
    const copy = copyOf(reader, () => {
      if (slices++ % 3 === 0) disk.step();
      return 5000;
    });
    expect(roundOfCopy(copy)).toBe("301");
    disk.runUntilIdle();
  });

  test("has the state's meta on page 0, and one with the transaction id below on page 1", () => {
    const { disk, db } = withRounds(2);
    const reader = db.beginRead();
    const copy = copyOf(reader, () => 4096);
    expect(copy.length).toBe(reader.sizeBytes);
    // All but the meta pages is as in the file.
    expect(copy.subarray(8192)).toEqual(contentOf(disk).subarray(8192, copy.length));
    const view0 = new DataView(copy.buffer);
    expect([view0.getUint32(0, true), view0.getUint32(4096, true)]).toEqual([0, 1]);
    expect([view0.getUint32(64, true), view0.getUint32(4096 + 64, true)]).toEqual([
      reader.id,
      reader.id - 1,
    ]);
    reader.rollback();
    // The first meta alone is enough, and so is the second.
    for (const damaged of [0, 4096]) {
      const half = copy.slice();
      half[damaged + 70] ^= 1;
      expect(roundOfCopy(half)).toBe("101");
    }
  });

  test("past the end there is nothing", () => {
    const { db } = withRounds(1);
    const reader = db.beginRead();
    expect(reader.readCopy(new Uint8Array(10), reader.sizeBytes)).toBe(0);
    expect(reader.readCopy(new Uint8Array(10), reader.sizeBytes - 3)).toBe(3);
    expect(check(reader)).toEqual([]);
  });
});
