/**
 * A copy under random changes of the database: when it takes the place of the database it has the same
 * content, at every step there are only the old or the new file, and whatever goes wrong with the copy is
 * nobody else's business.
 */
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../sim/disk.ts";
import { check } from "../bolt/check.ts";
import { Db } from "../bolt/db.ts";
import { DiskError } from "../ports/disk.ts";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { Backend, type SwitchOutcome } from "./backend.ts";
import { type DefragmentedSizes, defragmentFile } from "./defragment-file.ts";
import { BUCKET_NAMES, type BucketName } from "./schema.ts";

const PATH = "/data/db";
const COPY = "/data/db.tmp.1";

/** Content by bucket and key, as text. */
type Content = Map<string, string>;

function newDisk(seed: number): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  disk.makeDirectory("/data");
  disk.syncDirectory("/");
  return disk;
}

/** Values repeat one character. */
function summary(value: string): string {
  return value === "" ? "" : `${value.length} of ${value[0]}`;
}

/** All items but the two that every commit changes. */
function contentOf(backend: Backend): Content {
  const content: Content = new Map();
  for (const bucket of BUCKET_NAMES) {
    backend.forEach(bucket, (key, value) => {
      const name = `${bucket}/${latin1FromBytes(key)}`;
      if (!/consistent_index|term/.test(name)) content.set(name, summary(latin1FromBytes(value)));
    });
  }
  return content;
}

/** Content of a file that nobody has open; its pages are sound. */
function contentOfFile(disk: SimulatedDisk): Content {
  const db = Db.open(disk, PATH, { readOnly: true });
  const tx = db.beginRead();
  expect(check(tx)).toEqual([]);
  tx.rollback();
  db.close();
  const backend = Backend.open(disk, PATH);
  const content = contentOf(backend);
  backend.close();
  return content;
}

class Changes {
  readonly #random: Prng;
  readonly #backend: Backend;
  readonly model: Content = new Map();
  #newest = 0;

  constructor(random: Prng, backend: Backend) {
    this.#random = random;
    this.#backend = backend;
  }

  /** A change as a member makes them: keys of `key` only grow, and any may be deleted. */
  make(): void {
    const random = this.#random;
    const bucket: BucketName = random.below(3) > 0 ? "key" : BUCKET_NAMES[random.below(10)];
    const value = "abcdefgh"[random.below(8)].repeat(
      random.below(10) === 0 ? 9000 : random.below(200),
    );
    const isDeletion = random.below(3) === 0;
    const number =
      bucket === "key" && !isDeletion ? ++this.#newest : random.below(this.#newest + 1);
    const key = `k${String(number).padStart(6, "0")}`;
    if (isDeletion) {
      this.#backend.delete(bucket, bytesFromLatin1(key));
      this.model.delete(`${bucket}/${key}`);
    } else {
      this.#backend.put(bucket, bytesFromLatin1(key), bytesFromLatin1(value));
      this.model.set(`${bucket}/${key}`, summary(value));
    }
  }
}

function sorted(content: Content): [string, string][] {
  return [...content].sort(([a], [b]) => (a < b ? -1 : 1));
}

function commit(disk: SimulatedDisk, backend: Backend, index: number): void {
  let done = false;
  backend.commit({ index, term: 1 }, (error) => {
    expect(error).toBeUndefined();
    done = true;
  });
  while (!done && disk.step());
}

describe("a copy", () => {
  test("is the database when it takes its place, whatever changed while it was made", () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Prng(seed);
      const disk = newDisk(seed);
      const backend = Backend.open(disk, PATH);
      const changes = new Changes(random, backend);
      const changeSome = (max: number): void => {
        for (let count = random.below(max); count > 0; count--) changes.make();
      };
      for (let count = 0; count < 300; count++) changes.make();
      commit(disk, backend, 1);
      const copy = backend.beginCopy(COPY);
      let index = 2;
      while (!copy.isComplete || copy.isCommitting) {
        changeSome(12);
        backend.copySlice(1 + random.below(20));
        changeSome(4);
        if (!copy.isCommitting && random.below(3) === 0) copy.commit(() => {});
        if (random.below(5) === 0) backend.commit({ index: index++, term: 1 }, () => {});
        for (let count = random.below(6); count > 0; count--) disk.step();
      }
      disk.runUntilIdle();
      changeSome(20);
      expect(backend.isCopyReady).toBe(true);
      const pinned = backend.pin();
      const outcomes: SwitchOutcome[] = [];
      backend.commitToCopy({ index: 1000, term: 7 }, (outcome) => outcomes.push(outcome));
      const committed = sorted(changes.model);
      while (outcomes.length === 0) {
        changeSome(3);
        if (random.below(4) === 0) {
          expect(sorted(contentOf(backend))).toEqual(sorted(changes.model));
        }
        disk.step();
      }
      expect(outcomes).toEqual(["switched"]);
      expect(sorted(contentOf(backend))).toEqual(sorted(changes.model));
      expect(backend.position()).toEqual({ index: 1000, term: 7 });
      expect(disk.list("/data")).toEqual(["db"]);
      // What was held of the old file is still there.
      expect(pinned.readCopy(new Uint8Array(100), 0)).toBe(100);
      pinned.close();
      // Power is lost now: what the switch committed is there.
      const after = disk.crash(new Prng(seed), { survival: "lost" });
      expect(sorted(contentOfFile(after))).toEqual(committed);
      changeSome(20);
      commit(disk, backend, 1001);
      backend.close();
      expect(sorted(contentOfFile(disk))).toEqual(sorted(changes.model));
    }
  });

  test("is smaller than what it is made of", () => {
    const disk = newDisk(1);
    const backend = Backend.open(disk, PATH);
    for (let count = 0; count < 2000; count++) {
      backend.put("key", bytesFromLatin1(`k${count}`), new Uint8Array(500));
    }
    commit(disk, backend, 1);
    for (let count = 0; count < 2000; count++) {
      if (count % 20 > 0) backend.delete("key", bytesFromLatin1(`k${count}`));
    }
    commit(disk, backend, 2);
    const before = backend.sizes();
    const copy = backend.beginCopy(COPY);
    while (!copy.isComplete) backend.copySlice(100);
    disk.runUntilIdle();
    backend.commitToCopy({ index: 3, term: 1 }, () => {});
    disk.runUntilIdle();
    const after = backend.sizes();
    expect(after.bytes).toBeLessThan(before.bytes / 8);
    expect(after.bytesInUse).toBeLessThan(before.bytesInUse);
    backend.close();
  });

  test("that fails at any operation leaves the database alone, which goes on", () => {
    let failures = 0;
    for (const operation of ["create", "write", "writeDurable", "sync", "truncate"] as const) {
      for (let after = 0; after < 8; after++) {
        const disk = newDisk(after);
        const backend = Backend.open(disk, PATH);
        const changes = new Changes(new Prng(after), backend);
        for (let count = 0; count < 100; count++) changes.make();
        commit(disk, backend, 1);
        disk.inject({ operation, code: "ENOSPC", pathSuffix: ".tmp.1", after });
        const outcome = attemptSwitch(disk, backend, changes);
        if (outcome !== "switched") failures++;
        disk.runUntilIdle();
        expect(disk.list("/data"), `${operation} ${after}`).toEqual(["db"]);
        for (let count = 0; count < 10; count++) changes.make();
        commit(disk, backend, 3);
        expect(sorted(contentOf(backend))).toEqual(sorted(changes.model));
        backend.close();
        expect(sorted(contentOfFile(disk))).toEqual(sorted(changes.model));
      }
    }
    expect(failures).toBeGreaterThan(15);
  });

  test.each(["rename", "syncDirectory"] as const)(
    "whose last step (%s) fails ends the use of the database: either file may be found",
    (operation) => {
      const disk = newDisk(3);
      const backend = Backend.open(disk, PATH);
      const changes = new Changes(new Prng(3), backend);
      for (let count = 0; count < 100; count++) changes.make();
      commit(disk, backend, 1);
      const committed = sorted(changes.model);
      // The first sync of the directory is that of the new file's name.
      const after = operation === "rename" ? 0 : 1;
      disk.inject({ operation, code: "EIO", after });
      expect(attemptSwitch(disk, backend, changes)).toBeInstanceOf(DiskError);
      for (const survival of ["kept", "lost"] as const) {
        const found = contentOfFile(disk.crash(new Prng(1), { survival }));
        expect([committed, sorted(changes.model)]).toContainEqual(sorted(found));
      }
    },
  );
});

/** Copies everything without changes meanwhile and switches. */
function attemptSwitch(
  disk: SimulatedDisk,
  backend: Backend,
  changes: Changes,
): SwitchOutcome | Error {
  let copy;
  try {
    copy = backend.beginCopy(COPY);
  } catch (error) {
    return error as Error;
  }
  while (!copy.isComplete && copy.failure === undefined) {
    backend.copySlice(15);
    copy.commit(() => {});
    while (copy.isCommitting && disk.step());
    if (copy.failure === undefined) changes.make();
  }
  disk.runUntilIdle();
  if (!backend.isCopyReady) {
    backend.dropCopy();
    return "kept";
  }
  let outcome: SwitchOutcome | undefined;
  backend.commitToCopy({ index: 2, term: 1 }, (result) => {
    outcome = result;
  });
  disk.runUntilIdle();
  return outcome ?? new Error("No outcome");
}

describe("defragmentFile()", () => {
  /** A database with holes, closed; and what is in it. */
  function closedDatabase(seed: number): [SimulatedDisk, Content] {
    const disk = newDisk(seed);
    const backend = Backend.open(disk, PATH);
    const changes = new Changes(new Prng(seed), backend);
    for (let count = 0; count < 300; count++) changes.make();
    commit(disk, backend, 1);
    backend.close();
    return [disk, changes.model];
  }

  function run(disk: SimulatedDisk): DefragmentedSizes | Error | undefined {
    let result: DefragmentedSizes | Error | undefined;
    defragmentFile({ disk, path: PATH, temporaryPath: COPY }, (outcome) => {
      result = outcome;
    });
    disk.runUntilIdle();
    return result;
  }

  test("keeps the content and the index, and tells the sizes", () => {
    const [disk, content] = closedDatabase(5);
    const result = run(disk) as DefragmentedSizes;
    expect(result.after.bytes).toBeLessThanOrEqual(result.before.bytes);
    expect(disk.list("/data")).toEqual(["db"]);
    expect(sorted(contentOfFile(disk))).toEqual(sorted(content));
    const backend = Backend.open(disk, PATH);
    expect(backend.position()).toEqual({ index: 1, term: 1 });
    expect(backend.sizes().bytes).toBe(result.after.bytes);
  });

  test("refuses a database that is in use, and leaves nothing behind", () => {
    const [disk] = closedDatabase(6);
    const backend = Backend.open(disk, PATH);
    expect(run(disk)).toMatchObject({ code: "locked" });
    backend.close();
    expect(disk.list("/data")).toEqual(["db"]);
  });

  test("tells what fails, and leaves the database as it was", () => {
    for (const operation of ["create", "write", "writeDurable", "sync", "truncate"] as const) {
      const [disk, content] = closedDatabase(7);
      disk.inject({ operation, code: "EIO", pathSuffix: ".tmp.1" });
      expect(run(disk)).toMatchObject({ code: "EIO" });
      expect(disk.list("/data")).toEqual(["db"]);
      expect(sorted(contentOfFile(disk))).toEqual(sorted(content));
    }
  });

  test("leaves a whole database behind, wherever it crashes", () => {
    let point = 1;
    for (; ; point++) {
      const [disk, content] = closedDatabase(8);
      disk.crashAt(disk.points + point);
      try {
        run(disk);
      } catch {
        // The end of the process.
      }
      if (!disk.halted) break;
      for (const survival of ["kept", "lost", "random"] as const) {
        const after = disk.crash(new Prng(point), { survival });
        expect(sorted(contentOfFile(after)), `point ${point}, ${survival}`).toEqual(
          sorted(content),
        );
      }
    }
    expect(point).toBeGreaterThan(8);
  });
});
