/** One body for both implementations of the port `Disk`: what wal, bolt and backend may rely on. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../sim/disk.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import type { Disk, DiskFile, Durability } from "../../src/ports/disk.ts";
import { DiskError } from "../../src/ports/disk.ts";
import { Prng } from "../../src/stdx/prng.ts";

/** A disk, an empty directory on it, and a way to wait for its operations. */
interface Harness {
  readonly disk: Disk;
  readonly directory: string;
  readonly finish: <T>(promise: Promise<T>) => Promise<T>;
}

let scratch = "";
let count = 0;

beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-ts-disk-"));
});

afterAll(() => {
  fs.rmSync(scratch, { recursive: true, force: true });
});

function systemHarness(): Harness {
  const disk = new SystemDisk({ warn: (message) => expect.unreachable(message) });
  const directory = path.join(scratch, String(++count));
  disk.makeDirectory(directory);
  return { disk, directory, finish: (promise) => promise };
}

function simulatedHarness(): Harness {
  const disk = new SimulatedDisk({ random: new Prng(++count) });
  disk.makeDirectory("/data/test");
  return {
    disk,
    directory: "/data/test",
    finish: (promise) => {
      disk.runUntilIdle();
      return promise;
    },
  };
}

function write(
  file: DiskFile,
  chunks: readonly Uint8Array[],
  position: number,
  durability: Durability,
): Promise<DiskError | undefined> {
  return new Promise((resolve) => file.write(chunks, position, durability, resolve));
}

function bytesOf(file: DiskFile): Uint8Array {
  const bytes = new Uint8Array(file.size());
  expect(file.read(bytes, 0)).toBe(bytes.length);
  return bytes;
}

function errorOf(step: () => unknown): DiskError {
  try {
    step();
  } catch (error) {
    expect(error).toBeInstanceOf(DiskError);
    return error as DiskError;
  }
  return expect.unreachable("did not throw");
}

const implementations = [
  ["SystemDisk", systemHarness],
  ["SimulatedDisk", simulatedHarness],
] as const;

describe.each(implementations)("%s files", (_name, createHarness) => {
  test("write() puts chunks one after the other, grows with zeros, and calls back later", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    for (const durability of ["volatile", "durable"] as const) {
      let called = false;
      const chunks = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)];
      const written = write(file, chunks, 5, durability).then((error) => {
        called = true;
        return error;
      });
      expect(called).toBe(false);
      expect(file.size()).toBe(8);
      expect(await finish(written)).toBeUndefined();
      expect([...bytesOf(file)]).toEqual([0, 0, 0, 0, 0, 1, 2, 3]);
    }
    file.close();
  });

  test("many small durable writes, one at a time and together, all arrive", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    const expected: number[] = [];
    for (let n = 0; n < 100; n++) {
      expected.push(n);
      expect(await finish(write(file, [Uint8Array.of(n)], n, "durable"))).toBeUndefined();
    }
    const together: Promise<DiskError | undefined>[] = [];
    for (let n = 100; n < 200; n++) {
      expected.push(n);
      together.push(write(file, [Uint8Array.of(n)], n, "durable"));
    }
    await finish(Promise.all(together));
    expect([...bytesOf(file)]).toEqual(expected);
    file.close();
  });

  test("read() stops at the end of the file, and reads nothing beyond", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    await finish(write(file, [Uint8Array.of(1, 2, 3)], 0, "volatile"));
    const into = new Uint8Array(4);
    expect(file.read(into, 1)).toBe(2);
    expect([...into]).toEqual([2, 3, 0, 0]);
    expect(file.read(into, 3)).toBe(0);
    expect(file.read(into, 10)).toBe(0);
    file.close();
  });

  test("truncate() cuts and grows with zeros; preallocate() grows with zeros, never cuts", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    await finish(write(file, [Uint8Array.of(1, 2, 3, 4)], 0, "durable"));
    file.truncate(2);
    file.truncate(4);
    expect([...bytesOf(file)]).toEqual([1, 2, 0, 0]);
    const grown = 600_000;
    for (const size of [grown, 10]) {
      const done = new Promise((resolve) => file.preallocate(size, resolve));
      expect(await finish(done)).toBeUndefined();
      expect(file.size()).toBe(grown);
    }
    const bytes = bytesOf(file);
    expect([...bytes.subarray(0, 4)]).toEqual([1, 2, 0, 0]);
    expect(bytes.subarray(2).every((byte) => byte === 0)).toBe(true);
    expect(await finish(new Promise((resolve) => file.sync(resolve)))).toBeUndefined();
    file.close();
  });

  test("content equals that of a plain array for any sequence of writes", async () => {
    const step = fc.record({
      at: fc.nat(9000),
      bytes: fc.uint8Array({ maxLength: 5000 }),
      durable: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const { disk, directory, finish } = createHarness();
        const file = disk.open(`${directory}/a`, "create");
        const model: number[] = [];
        for (const { at, bytes, durable } of steps) {
          if (bytes.length > 0) while (model.length < at) model.push(0);
          for (let n = 0; n < bytes.length; n++) model[at + n] = bytes[n];
          if (bytes.length === 0) continue;
          const half = bytes.length >> 1;
          const chunks = [bytes.subarray(0, half), bytes.subarray(half)];
          await finish(write(file, chunks, at, durable ? "durable" : "volatile"));
        }
        expect(bytesOf(file)).toEqual(Uint8Array.from(model));
        file.close();
      }),
      { numRuns: 20 },
    );
  });

  test("an open file goes on after it was renamed or removed", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    disk.rename(`${directory}/a`, `${directory}/b`);
    await finish(write(file, [Uint8Array.of(1)], 0, "durable"));
    expect(disk.stat(`${directory}/b`)?.size).toBe(1);
    disk.remove(`${directory}/b`);
    await finish(write(file, [Uint8Array.of(2)], 1, "durable"));
    expect([...bytesOf(file)]).toEqual([1, 2]);
    file.close();
  });

  test("rename() of an open file replaces another and keeps the lock", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    disk.open(`${directory}/b`, "create").close();
    expect(file.tryLock()).toBe(true);
    await finish(write(file, [Uint8Array.of(1)], 0, "durable"));
    file.rename(`${directory}/b`);
    expect(file.path).toBe(`${directory}/b`);
    expect(disk.list(directory)).toEqual(["b"]);
    const other = disk.open(`${directory}/b`, "readWrite");
    expect(other.tryLock()).toBe(false);
    expect([...bytesOf(other)]).toEqual([1]);
    expect(errorOf(() => file.rename(`${directory}/no/c`)).code).toBe("ENOENT");
    file.close();
    expect(other.tryLock()).toBe(true);
    other.close();
  });

  test("discard() ends the use of a file, and waits for what is under way", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    const kept = disk.open(`${directory}/kept`, "create");
    await finish(write(kept, [Uint8Array.of(1)], 0, "durable"));
    const written = write(file, [new Uint8Array(20 * 1024 * 1024)], 0, "volatile");
    disk.remove(`${directory}/a`);
    file.discard();
    expect(await finish(written)).toBeUndefined();
    expect(() => file.size()).toThrow("closed");
    file.discard();
    kept.discard();
    expect(disk.list(directory)).toEqual(["kept"]);
    expect(disk.stat(`${directory}/kept`)?.size).toBe(1);
  });

  test("tryLock() excludes another handle until close()", () => {
    const { disk, directory } = createHarness();
    const first = disk.open(`${directory}/a`, "create");
    const second = disk.open(`${directory}/a`, "readWrite");
    expect(first.tryLock()).toBe(true);
    expect(first.tryLock()).toBe(true);
    expect(second.tryLock()).toBe(false);
    first.close();
    expect(second.tryLock()).toBe(true);
    second.close();
  });

  test("misuse is refused: writing a file opened for reading, closing under a write", async () => {
    const { disk, directory, finish } = createHarness();
    const file = disk.open(`${directory}/a`, "create");
    const reader = disk.open(`${directory}/a`, "read");
    expect(() => reader.truncate(0)).toThrow("open for reading");
    const written = write(file, [Uint8Array.of(1)], 0, "volatile");
    expect(() => file.close()).toThrow("under way");
    await finish(written);
    file.close();
    file.close();
    expect(() => file.size()).toThrow("closed");
    reader.close();
  });
});

describe.each(implementations)("%s names", (_name, createHarness) => {
  test("open() makes, finds and refuses as the mode says, with the system's codes", () => {
    const { disk, directory } = createHarness();
    expect(errorOf(() => disk.open(`${directory}/a`, "readWrite")).message).toBe(
      `Cannot open "${directory}/a": no such file or directory`,
    );
    disk.open(`${directory}/a`, "create", 0o640).close();
    expect(errorOf(() => disk.open(`${directory}/a`, "create")).code).toBe("EEXIST");
    expect(errorOf(() => disk.open(`${directory}/no/a`, "create")).code).toBe("ENOENT");
    expect(disk.stat(`${directory}/a`)).toEqual({ kind: "file", size: 0, mode: 0o640 });
  });

  test("makeDirectory() makes parents with the mode and accepts what exists", () => {
    const { disk, directory } = createHarness();
    disk.makeDirectory(`${directory}/x/y`);
    disk.makeDirectory(`${directory}/x/y`);
    expect(disk.stat(`${directory}/x`)).toMatchObject({ kind: "directory", mode: 0o700 });
    expect(disk.stat(`${directory}/x/y`)?.kind).toBe("directory");
    expect(disk.stat(`${directory}/z`)).toBeUndefined();
  });

  test("list() sorts by code unit and refuses what is no directory", () => {
    const { disk, directory } = createHarness();
    for (const name of ["b", "a", "B", "10", "9"])
      disk.open(`${directory}/${name}`, "create").close();
    expect(disk.list(directory)).toEqual(["10", "9", "B", "a", "b"]);
    expect(errorOf(() => disk.list(`${directory}/no`)).code).toBe("ENOENT");
    expect(errorOf(() => disk.list(`${directory}/a`)).code).toBe("ENOTDIR");
  });

  test("rename() replaces files, moves directories, refuses what is missing", async () => {
    const { disk, directory, finish } = createHarness();
    for (const [name, byte] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      const file = disk.open(`${directory}/${name}`, "create");
      await finish(write(file, [Uint8Array.of(byte)], 0, "durable"));
      file.close();
    }
    disk.rename(`${directory}/a`, `${directory}/b`);
    const file = disk.open(`${directory}/b`, "read");
    expect([...bytesOf(file)]).toEqual([1]);
    file.close();
    expect(errorOf(() => disk.rename(`${directory}/a`, `${directory}/c`)).code).toBe("ENOENT");
    disk.makeDirectory(`${directory}/d`);
    disk.rename(`${directory}/b`, `${directory}/d/b`);
    disk.rename(`${directory}/d`, `${directory}/e`);
    expect(disk.list(`${directory}/e`)).toEqual(["b"]);
    disk.makeDirectory(`${directory}/f`);
    expect(errorOf(() => disk.rename(`${directory}/f`, `${directory}/e`)).code).toBe("ENOTEMPTY");
    disk.syncDirectory(directory);
  });

  test("freeBytes() tells what is known, of directories only", () => {
    const { disk, directory } = createHarness();
    const free = disk.freeBytes(directory);
    expect(free === undefined || free > 0).toBe(true);
    expect(errorOf(() => disk.freeBytes(`${directory}/no`)).code).toBe("ENOENT");
  });

  test("remove() takes directories with their content and accepts what is missing", () => {
    const { disk, directory } = createHarness();
    disk.makeDirectory(`${directory}/x/y`);
    disk.open(`${directory}/x/y/a`, "create").close();
    disk.remove(`${directory}/x`);
    disk.remove(`${directory}/x`);
    disk.remove(`${directory}/no/such`);
    expect(disk.list(directory)).toEqual([]);
  });
});
