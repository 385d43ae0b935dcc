/**
 * A random life of a bolt file, with a naive model beside it: puts, deletes and buckets in transactions,
 * snapshots, commits that are waited for or not, rollbacks, reopening. Every look compares the two.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { SimulatedDisk } from "../../sim/disk.ts";
import type { Bucket } from "../../src/bolt/bucket.ts";
import { Db } from "../../src/bolt/db.ts";
import type { DbOptions } from "../../src/bolt/db.ts";
import type { Tx } from "../../src/bolt/tx.ts";
import { bytes, difference, ModelBucket, newDisk, PATH, problemsOf } from "./bolt.ts";

export type BoltStep =
  | { readonly kind: "put"; readonly path: number; readonly key: number; readonly size: number }
  | {
      readonly kind: "append";
      readonly path: number;
      readonly count: number;
      readonly size: number;
    }
  | { readonly kind: "delete"; readonly path: number; readonly key: number; readonly span: number }
  | { readonly kind: "create"; readonly path: number; readonly key: number }
  | { readonly kind: "drop"; readonly path: number; readonly key: number }
  | { readonly kind: "sequence"; readonly path: number }
  | { readonly kind: "read"; readonly durable: boolean }
  | { readonly kind: "endRead" }
  | { readonly kind: "device" }
  | { readonly kind: "commit"; readonly wait: boolean }
  | { readonly kind: "rollback" }
  | { readonly kind: "reopen"; readonly sync: boolean; readonly sliced: boolean };

const small = fc.nat(40);
const path = fc.nat(5);
const size = fc.oneof({ weight: 8, arbitrary: fc.nat(60) }, fc.constantFrom(200, 700, 2500));

export const boltStep: fc.Arbitrary<BoltStep> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("put"), path, key: small, size }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("append"),
      path,
      count: fc.nat(60),
      size: fc.nat(40),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("delete"), path, key: small, span: fc.nat(40) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("create"), path, key: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop"), path, key: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sequence"), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read"), durable: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("endRead") }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("device") }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("commit"), wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rollback") }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("reopen"), sync: fc.boolean(), sliced: fc.boolean() }),
  },
) as fc.Arbitrary<BoltStep>;

/** Every tenth key is long, so that branches need overflow pages too. */
const name = (key: number): string =>
  `k${String(key * 7).padStart(4, "0")}${key % 10 === 9 ? "w".repeat(40 * key) : ""}`;

/** Runs steps on a Db and on the model side by side. */
export class BoltMachine {
  readonly disk: SimulatedDisk;
  readonly pageSize: number;
  db: Db;
  /** The newest state whose commit was called, and the newest whose commit is done. */
  committed = new ModelBucket();
  durable = new ModelBucket();
  model = new ModelBucket();
  tx: Tx | undefined;
  readonly readers: { readonly tx: Tx; readonly model: ModelBucket }[] = [];
  appended = 0;

  constructor(seed: number, pageSize: number) {
    this.disk = newDisk(seed);
    this.pageSize = pageSize;
    this.db = this.open({});
  }

  open(options: DbOptions): Db {
    // Small bounds, so that pages are evicted and read again all the time.
    return Db.open(this.disk, PATH, {
      pageSize: this.pageSize,
      cacheBytesMax: 8 * this.pageSize,
      growBytes: 64 * 1024,
      ...options,
    });
  }

  run(at: BoltStep): void {
    switch (at.kind) {
      case "read":
        this.beginRead(at.durable);
        return;
      case "endRead":
        this.endRead();
        return;
      case "device":
        this.disk.step();
        return;
      case "commit":
        this.commit();
        return;
      case "rollback":
        this.tx?.rollback();
        this.tx = undefined;
        this.model = this.committed.clone();
        return;
      case "reopen":
        this.reopen(
          { freelistSync: at.sync, freelistScan: at.sliced ? "sliced" : "open" },
          at.sync,
        );
        return;
      default:
        this.change(at);
    }
  }

  change(at: Extract<BoltStep, { readonly path: number }>): void {
    this.tx ??= this.db.beginWrite();
    const { bucket, model, isRoot } = this.find(at.path);
    if (at.kind === "create") {
      if (model.items.has(name(at.key))) return;
      bucket.createBucket(bytes(name(at.key)));
      model.items.set(name(at.key), new ModelBucket());
    } else if (at.kind === "drop") {
      if (!(model.items.get(name(at.key)) instanceof ModelBucket)) return;
      bucket.deleteBucket(bytes(name(at.key)));
      model.items.delete(name(at.key));
    } else if (isRoot) {
      return;
    } else if (at.kind === "sequence") {
      model.sequence++;
      expect(bucket.nextSequence()).toBe(model.sequence);
    } else if (at.kind === "append") {
      for (let i = 0; i < at.count; i++) {
        const key = `z${String(this.appended++).padStart(6, "0")}`;
        this.put(bucket, model, key, at.size);
      }
    } else if (at.kind === "put") {
      if (model.items.get(name(at.key)) instanceof ModelBucket) return;
      this.put(bucket, model, name(at.key), at.size);
    } else {
      this.deleteSpan(bucket, model, at.key, at.span);
    }
  }

  put(bucket: Bucket, model: ModelBucket, key: string, length: number): void {
    const value = new Uint8Array(length).fill(this.appended + length);
    bucket.put(bytes(key), value);
    model.items.set(key, value);
  }

  deleteSpan(bucket: Bucket, model: ModelBucket, key: number, span: number): void {
    const keys = model.sorted().filter(([, item]) => !(item instanceof ModelBucket));
    for (const [victim] of keys.slice(key, key + span)) {
      bucket.delete(bytes(victim));
      model.items.delete(victim);
    }
    bucket.delete(bytes("absent"));
  }

  /** A bucket that exists, chosen by number: the root, those in it, those in them. */
  find(choice: number): { bucket: Bucket; model: ModelBucket; isRoot: boolean } {
    const all: { bucket: Bucket; model: ModelBucket; isRoot: boolean }[] = [
      { bucket: (this.tx as Tx).root, model: this.model, isRoot: true },
    ];
    for (let at = 0; at < all.length && all.length < 8; at++) {
      for (const [key, item] of all[at].model.items) {
        if (!(item instanceof ModelBucket)) continue;
        const bucket = all[at].bucket.bucket(bytes(key)) as Bucket;
        all.push({ bucket, model: item, isRoot: false });
      }
    }
    return all[choice % all.length];
  }

  commit(): void {
    this.tx ??= this.db.beginWrite();
    expect(difference(this.tx.root, this.model)).toBeUndefined();
    const committed = this.model.clone();
    this.tx.commit((error) => {
      expect(error).toBeUndefined();
      this.durable = committed;
    });
    this.tx = undefined;
    this.committed = committed;
    const reader = this.db.beginRead("newest");
    expect(difference(reader.root, this.committed)).toBeUndefined();
    reader.rollback();
  }

  beginRead(durable: boolean): void {
    const model = durable ? this.durable : this.committed;
    this.readers.push({ tx: this.db.beginRead(durable ? "durable" : "newest"), model });
  }

  endRead(): void {
    const reader = this.readers.shift();
    if (reader === undefined) return;
    expect(difference(reader.tx.root, reader.model)).toBeUndefined();
    reader.tx.rollback();
  }

  settle(): void {
    this.disk.runUntilIdle();
    expect(problemsOf(this.db)).toEqual([]);
  }

  reopen(options: DbOptions, complete: boolean): void {
    while (this.readers.length > 0) this.endRead();
    this.tx?.rollback();
    this.tx = undefined;
    this.model = this.committed.clone();
    this.settle();
    this.db.close();
    this.db = this.open(complete ? { ...options, freelistScan: "open" } : options);
    const reader = this.db.beginRead();
    expect(difference(reader.root, this.committed)).toBeUndefined();
    reader.rollback();
  }
}

/** Lives through all steps, looks at everything at the end, and returns the machine with its Db closed. */
export function runBoltSteps(
  seed: number,
  pageSize: number,
  steps: readonly BoltStep[],
): BoltMachine {
  const machine = new BoltMachine(seed, pageSize);
  machine.run({ kind: "create", path: 0, key: 1 });
  for (const at of steps) {
    machine.run(at);
    machine.db.scanFreePages(3);
    if (at.kind === "commit" && at.wait) machine.settle();
  }
  machine.reopen({}, true);
  machine.settle();
  machine.db.close();
  return machine;
}
