import { describe, expect, test } from "vitest";
import {
  bytes,
  commitNow,
  newDisk,
  PATH,
  problemsOf,
  update,
  view,
} from "../../test/harness/bolt.ts";
import type { DiskError } from "../ports/disk.ts";
import { Db } from "./db.ts";
import { BoltError } from "./errors.ts";
import type { Tx } from "./tx.ts";

const B = bytes("b");

function put(tx: Tx, key: string, value: string): void {
  tx.createBucketIfNotExists(B).put(bytes(key), bytes(value));
}

function get(tx: Tx, key: string): string | undefined {
  const value = tx.bucket(B)?.get(bytes(key));
  return value === undefined ? undefined : String.fromCharCode(...value);
}

/** The code of the BoltError that `run` throws. */
function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof BoltError) return error.code;
    throw error;
  }
  return undefined;
}

describe("commit", () => {
  test("calls back when durable, and never before it returned", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    const tx = db.beginWrite();
    put(tx, "k", "v");
    const calls: string[] = [];
    tx.commit(() => calls.push("done"));
    calls.push("returned");
    expect([tx.isOpen, db.isBusy]).toEqual([false, true]);
    disk.runUntilIdle();
    expect(calls).toEqual(["returned", "done"]);
    expect(db.isBusy).toBe(false);
    expect(disk.hasUnsynced()).toBe(false);
  });

  test("the next transaction begins at once and sees what is on its way", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { cacheBytesMax: 0 });
    for (let round = 0; round < 5; round++) {
      const tx = db.beginWrite();
      for (let at = 0; at < 200; at++) put(tx, `k${at}`, `${round}`);
      tx.commit((error) => expect(error).toBeUndefined());
      const next = db.beginWrite();
      expect(get(next, "k150")).toBe(`${round}`);
      next.rollback();
    }
    expect(view(db, (tx) => get(tx, "k7"))).toBe("4");
    const durable = db.beginRead();
    expect(get(durable, "k7")).toBeUndefined();
    disk.runUntilIdle();
    expect(get(durable, "k7")).toBeUndefined();
    durable.rollback();
    expect(problemsOf(db)).toEqual([]);
  });

  test("writes each run of pages once, a sync, the meta page, and nothing else", () => {
    const operations: string[] = [];
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => put(tx, "k", "v"));
    const before = disk.points;
    update(disk, db, (tx) => {
      for (let at = 0; at < 1000; at++) put(tx, `k${at}`, "v".repeat(100));
    });
    operations.push(`${disk.points - before} points`);
    // Growing to 128 KiB, new pages behind the old ones, pages of the state before, sync, meta.
    expect(operations).toEqual(["5 points"]);
  });

  test("without changes makes a new state with the same content", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => put(tx, "k", "v"));
    const { txid } = db.stats();
    update(disk, db, () => undefined);
    expect(db.stats().txid).toBe(txid + 1);
    expect(view(db, (tx) => get(tx, "k"))).toBe("v");
    expect(problemsOf(db)).toEqual([]);
  });

  test("without waiting for the device leaves it to the system", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { sync: false });
    update(disk, db, (tx) => put(tx, "k", "v"));
    expect(disk.hasUnsynced()).toBe(true);
  });
});

describe("a Db whose disk fails", () => {
  test.each(["write", "writeDurable", "sync", "truncate"] as const)(
    "is failed for good after a failed %s, and says so",
    (operation) => {
      const disk = newDisk();
      const db = Db.open(disk, PATH, { pageSize: 512 });
      update(disk, db, (tx) => put(tx, "k", "v"));
      const reader = db.beginRead();
      const tx = db.beginWrite();
      for (let at = 0; at < 300; at++) put(tx, `k${at}`, "v".repeat(200));
      disk.inject({ operation, code: "EIO" });
      const results: (DiskError | undefined)[] = [];
      tx.commit((error) => results.push(error));
      const next = db.beginWrite();
      put(next, "k", "w");
      next.commit((error) => results.push(error));
      expect(results).toEqual([]);
      disk.runUntilIdle();
      expect(results.map((error) => error?.code)).toEqual(["EIO", "EIO"]);
      for (const call of [
        () => db.beginWrite(),
        () => db.beginRead(),
        () => db.scanFreePages(1),
        () => reader.bucket(B),
        () => reader.readCopy(new Uint8Array(1), 0),
      ]) {
        expect(codeOf(call)).toBe("databaseFailed");
        expect(call).toThrow(
          `Writing "${PATH}" failed: Cannot ${operation === "writeDurable" ? "write" : operation}`,
        );
      }
      db.close();
    },
  );

  test("fails when the new file cannot be made", () => {
    for (const operation of ["writeDurable", "syncDirectory"] as const) {
      const disk = newDisk();
      disk.inject({ operation, code: "ENOSPC" });
      const db = Db.open(disk, PATH);
      const tx = db.beginWrite();
      put(tx, "k", "v");
      let result: DiskError | undefined;
      tx.commit((error) => {
        result = error;
      });
      disk.runUntilIdle();
      expect(result?.code).toBe("ENOSPC");
      expect(codeOf(() => db.beginRead())).toBe("databaseFailed");
    }
  });
});

describe("transactions", () => {
  test("only one writes at a time, and a reading one cannot", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    const tx = db.beginWrite();
    put(tx, "k", "v");
    expect(codeOf(() => db.beginWrite())).toBe("databaseBusy");
    commitNow(disk, tx);
    const reader = db.beginRead();
    const bucket = reader.bucket(B);
    expect(codeOf(() => bucket?.put(bytes("k"), bytes("w")))).toBe("txNotWritable");
    expect(codeOf(() => bucket?.delete(bytes("k")))).toBe("txNotWritable");
    expect(codeOf(() => reader.createBucket(bytes("c")))).toBe("txNotWritable");
    expect(codeOf(() => reader.deleteBucket(B))).toBe("txNotWritable");
    expect(codeOf(() => bucket?.nextSequence())).toBe("txNotWritable");
    expect(codeOf(() => reader.commit(() => undefined))).toBe("txNotWritable");
    reader.rollback();
    expect(codeOf(() => bucket?.get(bytes("k")))).toBe("txClosed");
    expect(codeOf(() => reader.cursor())).toBe("txClosed");
    reader.rollback();
    expect(codeOf(() => tx.bucket(B))).toBe("txClosed");
    expect(codeOf(() => tx.commit(() => undefined))).toBe("txClosed");
  });

  test("a rolled back one leaves nothing behind", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => put(tx, "k", "v"));
    const before = db.stats();
    const tx = db.beginWrite();
    put(tx, "k", "w");
    tx.deleteBucket(B);
    tx.rollback();
    expect(db.stats()).toEqual(before);
    expect(view(db, (reader) => get(reader, "k"))).toBe("v");
    expect(problemsOf(db)).toEqual([]);
  });

  test("a file opened for reading is not written to", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => put(tx, "k", "v"));
    const reader = Db.open(disk, PATH, { readOnly: true });
    expect(codeOf(() => reader.beginWrite())).toBe("readOnly");
    expect(view(reader, (tx) => get(tx, "k"))).toBe("v");
    reader.close();
  });
});

describe("close", () => {
  test("gives up the lock and ends open transactions", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => put(tx, "k", "v"));
    const reader = db.beginRead();
    const writer = db.beginWrite();
    db.close();
    db.close();
    expect(codeOf(() => reader.bucket(B))).toBe("databaseClosed");
    expect(codeOf(() => writer.bucket(B))).toBe("databaseClosed");
    expect(codeOf(() => db.beginRead())).toBe("databaseClosed");
    reader.rollback();
    Db.open(disk, PATH).close();
  });

  test("waits for nobody: it refuses while a commit is on its way", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    expect(codeOf(() => db.close())).toBe("databaseBusy");
    disk.runUntilIdle();
    db.close();
  });
});

describe("stats", () => {
  test("count pages in use, free and pending, and the size in the file", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { growBytes: 64 * 1024 });
    update(disk, db, (tx) => {
      for (let at = 0; at < 100; at++) put(tx, `k${at}`, "v".repeat(1000));
    });
    const full = db.stats();
    expect(full.sizeBytes).toBe(view(db, (tx) => tx.sizeBytes));
    expect(full.fileBytes).toBe(full.sizeBytes + 64 * 1024);
    expect(disk.stat(PATH)?.size).toBe(full.fileBytes);
    const reader = db.beginRead();
    update(disk, db, (tx) => tx.deleteBucket(B));
    const held = db.stats();
    expect(held.openReaders).toBe(1);
    expect(held.pendingPages).toBeGreaterThan(25);
    expect(held.inUseBytes).toBe(held.sizeBytes - held.freePages * 4096);
    reader.rollback();
    const released = db.stats();
    expect([released.openReaders, released.pendingPages]).toEqual([0, 0]);
    expect(released.freePages).toBe(held.freePages + held.pendingPages);
  });

  test("clean pages in memory stay below the bound, and views of them stay valid", () => {
    const disk = newDisk();
    const db = Db.open(disk, PATH, { cacheBytesMax: 40 * 1024 });
    update(disk, db, (tx) => {
      for (let at = 100; at < 1000; at++) put(tx, `k${at}`, `${at}`.repeat(100));
    });
    const tx = db.beginRead();
    const views = new Map<number, Uint8Array>();
    for (let at = 100; at < 1000; at++) {
      views.set(at, tx.bucket(B)?.get(bytes(`k${at}`)) as Uint8Array);
      expect(db.stats().cacheBytes).toBeLessThanOrEqual(40 * 1024);
    }
    expect(db.stats().cacheMisses).toBeGreaterThan(20);
    for (const [at, value] of views)
      expect(String.fromCharCode(...value)).toBe(`${at}`.repeat(100));
  });
});

describe("free pages", () => {
  test.each(["open", "sliced"] as const)("are found by scanning (%s)", (freelistScan) => {
    const disk = newDisk();
    const db = Db.open(disk, PATH);
    update(disk, db, (tx) => {
      for (let at = 0; at < 500; at++) put(tx, `k${at}`, "v".repeat(500 + (at % 7) * 1000));
      for (let at = 0; at < 4000; at++) put(tx, `z${at}`, "v".repeat(500));
      tx.createBucket(bytes("c")).createBucket(bytes("d")).put(bytes("x"), new Uint8Array(9000));
    });
    update(disk, db, (tx) => {
      for (let at = 0; at < 400; at++) tx.bucket(B)?.delete(bytes(`k${at}`));
    });
    const before = db.stats();
    expect(before.freePages).toBeGreaterThan(200);
    db.close();
    const again = Db.open(disk, PATH, { freelistScan });
    let slices = 0;
    while (!again.scanFreePages(10)) {
      expect(again.stats()).toMatchObject({ freePagesKnown: false });
      // Commits go on meanwhile, at the end of the file.
      update(disk, again, (tx) => put(tx, "during", `${slices}`));
      slices++;
    }
    expect(slices > 3).toBe(freelistScan === "sliced");
    expect(again.stats().freePages).toBeGreaterThanOrEqual(before.freePages);
    expect(again.stats().freePagesKnown).toBe(true);
    expect(problemsOf(again)).toEqual([]);
    const { sizeBytes } = again.stats();
    update(disk, again, (tx) => {
      for (let at = 0; at < 100; at++) put(tx, `k${at}`, "v".repeat(5000));
    });
    expect(again.stats().sizeBytes).toBe(sizeBytes);
    expect(problemsOf(again)).toEqual([]);
  });
});
