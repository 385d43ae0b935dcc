/**
 * Crashes at every point of a small life of a file, with everything unsynced kept, lost or torn: what is
 * found afterwards is the last durable state or the one whose commit was under way, whole, and it goes on.
 */
import { describe, expect, test } from "vitest";
import type { SimulatedDisk } from "../../sim/disk.ts";
import { SimulatedCrash } from "../../sim/disk-faults.ts";
import type { CrashOptions } from "../../sim/disk-faults.ts";
import {
  bytes,
  difference,
  ModelBucket,
  newDisk,
  PATH,
  problemsOf,
} from "../../test/harness/bolt.ts";
import { Prng } from "../stdx/prng.ts";
import { Db } from "./db.ts";
import type { DbOptions } from "./db.ts";
import type { Tx } from "./tx.ts";

const OPTIONS: DbOptions = { pageSize: 512, growBytes: 8 * 1024, cacheBytesMax: 4 * 1024 };

/** What commits have said so far: states[n] is the content after n commits. */
interface History {
  readonly states: ModelBucket[];
  durable: number;
}

/** Changes that rewrite, delete, reuse pages and need overflow pages. */
function change(tx: Tx, model: ModelBucket, random: Prng): void {
  const bucket = tx.createBucketIfNotExists(bytes("b"));
  let inside = model.items.get("b");
  if (!(inside instanceof ModelBucket)) {
    inside = new ModelBucket();
    model.items.set("b", inside);
  }
  for (let count = 0; count < 12; count++) {
    const key = `k${random.below(40)}`;
    if (random.below(3) === 0) {
      bucket.delete(bytes(key));
      inside.items.delete(key);
    } else {
      const value = new Uint8Array(random.below(8) === 0 ? 1200 : random.below(90)).fill(count);
      bucket.put(bytes(key), value);
      inside.items.set(key, value);
    }
  }
}

/** Commits `rounds` times; the next transaction is filled, or even committed, before that is durable. */
function live(disk: SimulatedDisk, history: History, rounds: number, random: Prng): void {
  try {
    const db = Db.open(disk, PATH, OPTIONS);
    let underWay = false;
    for (let round = 0; round < rounds; round++) {
      const tx = db.beginWrite();
      const model = (history.states.at(-1) as ModelBucket).clone();
      change(tx, model, random);
      while (underWay && random.below(3) > 0 && disk.step());
      if (disk.halted) return;
      history.states.push(model);
      const number = history.states.length - 1;
      underWay = true;
      tx.commit((error) => {
        expect(error).toBeUndefined();
        history.durable = number;
        underWay = number < history.states.length - 1;
      });
    }
    disk.runUntilIdle();
    if (!disk.halted) db.close();
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error;
  }
}

/** Reopens after a crash, compares, and returns the state that was found. */
function reopen(disk: SimulatedDisk, history: History, what: string): ModelBucket {
  const db = Db.open(disk, PATH, OPTIONS);
  expect(problemsOf(db), what).toEqual([]);
  const tx = db.beginRead();
  const found = history.states
    .slice(history.durable, history.durable + 2)
    .find((state) => difference(tx.root, state) === undefined);
  expect(found, `${what}: not a state of the history`).toBeDefined();
  tx.rollback();
  disk.runUntilIdle();
  db.close();
  return found as ModelBucket;
}

const CRASHES: readonly CrashOptions[] = [
  { survival: "kept" },
  { survival: "lost" },
  {},
  {},
  {},
  { cause: "process" },
];

function halted(point: number, seed: number, rounds: number): [SimulatedDisk, History] {
  const disk = newDisk(seed);
  const history: History = { states: [new ModelBucket()], durable: 0 };
  disk.crashAt(disk.points + point);
  live(disk, history, rounds, new Prng(seed));
  return [disk, history];
}

describe("after a crash", () => {
  test("at every point, the last durable state or the one under way is there, and goes on", () => {
    let point = 1;
    for (; point < 1000; point++) {
      const [disk, history] = halted(point, 7, 8);
      if (!disk.halted) break;
      for (const [at, crash] of CRASHES.entries()) {
        const what = `point ${point}, crash ${at}`;
        const after = disk.crash(new Prng(point * 100 + at), crash);
        const found = reopen(after, history, what);
        const next: History = { states: [found], durable: 0 };
        live(after, next, 2, new Prng(point));
        reopen(after, next, `${what}, going on`);
      }
    }
    expect(point).toBeGreaterThan(30);
  });

  test("of the process, the state that is found survives a power failure while it goes on", () => {
    for (let point = 1; point < 1000; point += 3) {
      const [disk, history] = halted(point, 11, 5);
      if (!disk.halted) break;
      for (let second = 1; second < 12; second++) {
        const restarted = disk.crash(new Prng(point), { cause: "process" });
        const inMemory = restarted.crash(new Prng(1), { survival: "kept" });
        const found = reopen(inMemory, history, `point ${point}`);
        const next: History = { states: [found], durable: 0 };
        restarted.crashAt(second);
        live(restarted, next, 1, new Prng(second));
        for (let seed = 0; seed < 3; seed++) {
          const after = restarted.crash(new Prng(seed));
          const all = [...history.states.slice(history.durable), ...next.states.slice(1)];
          const db = Db.open(after, PATH, OPTIONS);
          expect(problemsOf(db)).toEqual([]);
          const tx = db.beginRead();
          expect(all.some((state) => difference(tx.root, state) === undefined)).toBe(true);
        }
      }
    }
  });
});
