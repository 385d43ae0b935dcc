import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DiskError, DiskFile } from "../src/ports/disk.ts";
import { Prng } from "../src/stdx/prng.ts";
import { SimulatedDisk } from "./disk.ts";
import type { DiskPoint } from "./disk-faults.ts";

const SECTOR = 512;

function newDisk(seed = 1): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  disk.makeDirectory("/data");
  disk.syncDirectory("/");
  return disk;
}

/** A file whose name is durable. */
function newFile(disk: SimulatedDisk, path = "/data/a"): DiskFile {
  const file = disk.open(path, "create");
  disk.syncDirectory("/data");
  return file;
}

function writeNow(disk: SimulatedDisk, file: DiskFile, bytes: Uint8Array, position = 0): void {
  file.write([bytes], position, "volatile", mustSucceed);
  disk.runUntilIdle();
}

function mustSucceed(error: DiskError | undefined): void {
  expect(error).toBeUndefined();
}

function contentOf(disk: SimulatedDisk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

/** All outcomes of a crash seen with the given number of seeds. */
function outcomes<T>(disk: SimulatedDisk, tries: number, see: (after: SimulatedDisk) => T): Set<T> {
  const seen = new Set<T>();
  for (let seed = 0; seed < tries; seed++) seen.add(see(disk.crash(new Prng(seed))));
  return seen;
}

describe("SimulatedDisk content", () => {
  test("a write is readable after it completed, and durable after sync", () => {
    const disk = newDisk();
    const file = newFile(disk);
    const calls: string[] = [];
    file.write([filled(3, 1), filled(2, 2)], 4, "volatile", () => calls.push("write"));
    expect(calls).toEqual([]);
    expect(file.size()).toBe(9);
    expect(file.read(new Uint8Array(4), 0)).toBe(0);
    disk.runUntilIdle();
    expect(calls).toEqual(["write"]);
    expect([...contentOf(disk, "/data/a")]).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 2]);
    expect(disk.hasUnsynced()).toBe(true);
    file.sync(mustSucceed);
    disk.runUntilIdle();
    expect(disk.hasUnsynced()).toBe(false);
    const after = disk.crash(new Prng(1), { survival: "lost" });
    expect([...contentOf(after, "/data/a")]).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 2]);
  });

  test("a durable write survives at once, an earlier volatile one does not", () => {
    const disk = newDisk();
    const file = newFile(disk);
    writeNow(disk, file, filled(SECTOR, 1));
    file.write([filled(SECTOR, 2)], SECTOR, "durable", mustSucceed);
    disk.runUntilIdle();
    const after = contentOf(disk.crash(new Prng(1), { survival: "lost" }), "/data/a");
    expect(after).toEqual(new Uint8Array([...filled(SECTOR, 0), ...filled(SECTOR, 2)]));
  });

  test("a durable write wins over an earlier unsynced one at the same place", () => {
    const disk = newDisk();
    const file = newFile(disk);
    writeNow(disk, file, filled(SECTOR, 1));
    file.write([filled(SECTOR, 2)], 0, "durable", mustSucceed);
    disk.runUntilIdle();
    expect(outcomes(disk, 50, (after) => contentOf(after, "/data/a")[0])).toEqual(new Set([2]));
  });

  test("an unsynced write is kept, lost or torn by sectors, also with a size but no bytes", () => {
    const disk = newDisk();
    writeNow(disk, newFile(disk), filled(2 * SECTOR, 7));
    const seen = outcomes(disk, 500, (after) => {
      const bytes = contentOf(after, "/data/a");
      for (const sector of [bytes.subarray(0, SECTOR), bytes.subarray(SECTOR)]) {
        expect(sector.every((byte) => byte === sector[0])).toBe(true);
      }
      const size = bytes.length % SECTOR === 0 ? bytes.length : "between";
      return `${size}: ${[bytes[0], bytes[SECTOR]].join(" ")}`;
    });
    for (const outcome of ["0:  ", "512: 7 ", "1024: 7 7", "1024: 0 7", "between: 0 "]) {
      expect(seen).toContain(outcome);
    }
    expect(seen).not.toContain("512: 0 7");
  });

  test("a write under way may be there, in part, after a crash", () => {
    const disk = newDisk();
    newFile(disk).write([filled(SECTOR, 7)], 0, "durable", () => expect.unreachable());
    const sizes = outcomes(disk, 50, (after) => contentOf(after, "/data/a").length);
    expect(sizes).toContain(0);
    expect(sizes).toContain(SECTOR);
  });

  test("a sync does not cover a write that completes after it was asked for", () => {
    const disk = newDisk();
    const file = newFile(disk);
    const order: string[] = [];
    file.sync(() => order.push("sync"));
    file.write([filled(SECTOR, 7)], 0, "volatile", () => order.push("write"));
    disk.runUntilIdle();
    expect(order.sort()).toEqual(["sync", "write"]);
    expect(disk.crash(new Prng(1), { survival: "lost" }).stat("/data/a")?.size).toBe(0);
  });

  test("after a failed sync the bytes are readable, and no later sync makes them durable", () => {
    const disk = newDisk();
    const file = newFile(disk);
    writeNow(disk, file, filled(SECTOR, 7));
    disk.inject({ operation: "sync", code: "EIO", pathSuffix: "/a" });
    const errors: (string | undefined)[] = [];
    file.sync((error) => errors.push(error?.code));
    disk.runUntilIdle();
    file.sync((error) => errors.push(error?.code));
    disk.runUntilIdle();
    expect(errors).toEqual(["EIO", undefined]);
    expect(contentOf(disk, "/data/a")[0]).toBe(7);
    expect(disk.crash(new Prng(1), { survival: "lost" }).stat("/data/a")?.size).toBe(0);
  });

  test("capacity and injected ENOSPC fail a write with the system's text", () => {
    const disk = new SimulatedDisk({ random: new Prng(1), capacityBytes: 1000 });
    const file = disk.open("/a", "create");
    const texts: (string | undefined)[] = [];
    file.write([filled(1001, 1)], 0, "volatile", (error) => texts.push(error?.message));
    disk.runUntilIdle();
    expect(texts).toEqual(['Cannot write "/a": no space left on device']);
  });

  test("the process alone dies: completed changes stay, and stay unsynced", () => {
    const disk = newDisk();
    writeNow(disk, newFile(disk), filled(SECTOR, 7));
    const after = disk.crash(new Prng(1), { cause: "process" });
    expect(contentOf(after, "/data/a")).toEqual(filled(SECTOR, 7));
    expect(after.crash(new Prng(1), { survival: "lost" }).stat("/data/a")?.size).toBe(0);
    after.open("/data/a", "readWrite").sync(mustSucceed);
    after.runUntilIdle();
    expect(after.crash(new Prng(1), { survival: "lost" }).stat("/data/a")?.size).toBe(SECTOR);
  });

  test("the process alone dies: names stay, and stay as uncertain as they were", () => {
    const disk = newDisk();
    newFile(disk, "/data/old");
    disk.open("/data/a", "create");
    disk.rename("/data/a", "/data/b");
    const after = disk.crash(new Prng(1), { cause: "process" });
    expect(after.list("/data")).toEqual(["b", "old"]);
    const seen = outcomes(after, 100, (next) => next.list("/data").join());
    expect(seen).toEqual(new Set(["old", "a,old", "b,old"]));
    after.syncDirectory("/data");
    expect(after.crash(new Prng(1), { survival: "lost" }).list("/data")).toEqual(["b", "old"]);
  });

  test("reads equal those of a plain array for any writes and sizes", () => {
    const step = fc.oneof(
      fc.record({ at: fc.nat(10_000), bytes: fc.uint8Array({ maxLength: 6000 }) }),
      fc.record({ size: fc.nat(12_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const disk = newDisk();
        const file = newFile(disk);
        let model = new Uint8Array(0);
        for (const change of steps) {
          const end = "size" in change ? change.size : change.at + change.bytes.length;
          const resized = new Uint8Array("size" in change ? end : Math.max(end, model.length));
          resized.set(model.subarray(0, resized.length));
          model = resized;
          if ("size" in change) {
            file.truncate(change.size);
          } else {
            model.set(change.bytes, change.at);
            writeNow(disk, file, change.bytes, change.at);
          }
        }
        expect(contentOf(disk, "/data/a")).toEqual(model);
        file.sync(mustSucceed);
        disk.runUntilIdle();
        expect(contentOf(disk.crash(new Prng(1)), "/data/a")).toEqual(model);
      }),
      { numRuns: 50 },
    );
  });
});

describe("SimulatedDisk names", () => {
  test("an unsynced name may be lost, even when the file was synced", () => {
    const disk = newDisk();
    const file = disk.open("/data/a", "create");
    writeNow(disk, file, filled(1, 1));
    file.sync(mustSucceed);
    disk.runUntilIdle();
    expect(outcomes(disk, 50, (after) => after.list("/data").join())).toEqual(new Set(["", "a"]));
    disk.syncDirectory("/data");
    expect(outcomes(disk, 50, (after) => after.list("/data").join())).toEqual(new Set(["a"]));
  });

  test("a rename over a file shows the old or the new one, never none", () => {
    const disk = newDisk();
    for (const name of ["old", "new"]) {
      const file = newFile(disk, `/data/${name}`);
      writeNow(disk, file, filled(1, name === "old" ? 1 : 2));
      file.sync(mustSucceed);
      disk.runUntilIdle();
    }
    disk.rename("/data/new", "/data/old");
    const seen = outcomes(
      disk,
      50,
      (after) => `${after.list("/data").join()} ${contentOf(after, "/data/old")[0]}`,
    );
    expect(seen).toEqual(new Set(["new,old 1", "old 2"]));
  });

  test("a change of names survives only with those it builds on", () => {
    const disk = newDisk();
    disk.open("/data/a", "create");
    disk.rename("/data/a", "/data/b");
    disk.rename("/data/b", "/data/c");
    const seen = outcomes(disk, 200, (after) => after.list("/data").join());
    expect(seen).toEqual(new Set(["", "a", "b", "c"]));
  });

  test("a renamed directory keeps its content and is certain after both parents were synced", () => {
    const disk = newDisk();
    disk.makeDirectory("/data/x/y");
    disk.open("/data/x/y/f", "create");
    for (const path of ["/data/x/y", "/data/x", "/data"]) disk.syncDirectory(path);
    disk.rename("/data/x/y", "/data/z");
    disk.syncDirectory("/data");
    const places = (after: SimulatedDisk): string =>
      ["/data/x/y/f", "/data/z/f"].filter((path) => after.stat(path) !== undefined).join();
    expect(outcomes(disk, 50, places)).toEqual(new Set(["/data/x/y/f", "/data/z/f"]));
    disk.syncDirectory("/data/x");
    expect(outcomes(disk, 50, places)).toEqual(new Set(["/data/z/f"]));
  });

  test("a failed sync of a directory leaves its changes uncertain for good", () => {
    const disk = newDisk();
    disk.open("/data/a", "create");
    disk.inject({ operation: "syncDirectory", code: "EIO" });
    expect(() => disk.syncDirectory("/data")).toThrow("input/output error");
    disk.syncDirectory("/data");
    expect(outcomes(disk, 50, (after) => after.list("/data").join())).toEqual(new Set(["", "a"]));
  });
});

describe("SimulatedDisk crash points", () => {
  test("crashAt() halts before every point in turn, and a crash leaves a legal state at each", () => {
    const run = (disk: SimulatedDisk): void => {
      const file = disk.open("/data/tmp", "create");
      file.write([filled(SECTOR, 1)], 0, "volatile", (error) => {
        expect(error).toBeUndefined();
        file.sync(() => {
          disk.rename("/data/tmp", "/data/final");
          disk.syncDirectory("/data");
        });
      });
      disk.runUntilIdle();
    };
    const seen: DiskPoint["operation"][] = [];
    for (let number = 3; ; number++) {
      const disk = new SimulatedDisk({
        random: new Prng(number),
        onPoint: (point) => {
          if (point.number === number) seen.push(point.operation);
        },
      });
      disk.makeDirectory("/data");
      disk.syncDirectory("/");
      disk.crashAt(number);
      try {
        run(disk);
      } catch (error) {
        expect(String(error)).toContain("Simulated crash");
      }
      for (let seed = 0; seed < 20; seed++) {
        const after = disk.crash(new Prng(seed));
        if (after.stat("/data/final") === undefined) expect(disk.halted).toBe(true);
        else expect(contentOf(after, "/data/final")).toEqual(filled(SECTOR, 1));
      }
      if (!disk.halted) break;
    }
    expect(seen).toEqual(["create", "write", "sync", "rename", "syncDirectory"]);
  });

  test("the same seed gives the same order of completion and the same survivors", () => {
    const trace = (seed: number): string => {
      const disk = newDisk(seed);
      const file = newFile(disk);
      const order: number[] = [];
      for (let n = 0; n < 8; n++) {
        file.write([filled(SECTOR, n)], n * SECTOR, "volatile", () => order.push(n));
      }
      disk.runUntilIdle();
      return `${order.join()} ${contentOf(disk.crash(new Prng(seed)), "/data/a").join()}`;
    };
    expect(trace(5)).toBe(trace(5));
    expect(trace(5)).not.toBe(trace(6));
  });
});

describe("SimulatedDisk faults", () => {
  test("flipBit() changes one bit for readers and on the device", () => {
    const disk = newDisk();
    writeNow(disk, newFile(disk), filled(4, 0));
    disk.flipBit("/data/a", 2, 3);
    expect([...contentOf(disk.crash(new Prng(1)), "/data/a")]).toEqual([0, 0, 8, 0]);
  });

  test("hold() keeps operations of matching files under way until release()", () => {
    const disk = newDisk();
    let calls = 0;
    newFile(disk).write([filled(1, 1)], 0, "durable", () => calls++);
    disk.hold((path) => path.endsWith("/a"));
    disk.runUntilIdle();
    expect(calls).toBe(0);
    disk.release();
    disk.runUntilIdle();
    expect(calls).toBe(1);
  });

  test("misuse is refused: a changed borrowed chunk, closing while busy", () => {
    const disk = newDisk();
    const file = newFile(disk);
    const chunk = filled(4, 1);
    file.write([chunk], 0, "volatile", mustSucceed);
    expect(() => file.close()).toThrow("under way");
    chunk[0] = 2;
    expect(() => disk.runUntilIdle()).toThrow("changed in flight");
  });
});
