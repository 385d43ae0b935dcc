/** What the tests of the bolt format share: a disk to run on, text as bytes, a naive model of buckets. */
import { SimulatedDisk } from "../../sim/disk.ts";
import type { Db } from "../../src/bolt/db.ts";
import type { Bucket } from "../../src/bolt/bucket.ts";
import { check } from "../../src/bolt/check.ts";
import type { Tx } from "../../src/bolt/tx.ts";
import { bytesFromLatin1, equalBytes, latin1FromBytes } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";

export const PATH = "/data/db";

/** A disk with an empty directory for the file. */
export function newDisk(seed = 1): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(seed) });
  disk.makeDirectory("/data");
  disk.syncDirectory("/");
  return disk;
}

export const bytes = bytesFromLatin1;
export const text = latin1FromBytes;

/** Commits and waits until it is durable. */
export function commitNow(disk: SimulatedDisk, tx: Tx): void {
  let result: string | undefined;
  tx.commit((error) => {
    result = error === undefined ? "done" : error.message;
  });
  disk.runUntilIdle();
  if (result !== "done") throw new Error(`The commit did not succeed: ${result}`);
}

/** Changes the file in one transaction. */
export function update(disk: SimulatedDisk, db: Db, change: (tx: Tx) => void): void {
  const tx = db.beginWrite();
  change(tx);
  commitNow(disk, tx);
}

/** Looks at the newest state. */
export function view<T>(db: Db, look: (tx: Tx) => T): T {
  const tx = db.beginRead("newest");
  try {
    return look(tx);
  } finally {
    tx.rollback();
  }
}

/** What `check` finds in the durable state. */
export function problemsOf(db: Db): string[] {
  const tx = db.beginRead();
  const problems = check(tx);
  tx.rollback();
  return problems;
}

/** The whole content of a file of the simulated disk. */
export function contentOf(disk: SimulatedDisk, path = PATH): Uint8Array {
  const file = disk.open(path, "read");
  const content = new Uint8Array(file.size());
  file.read(content, 0);
  file.close();
  return content;
}

/** Makes a file with the given content. */
export function writeContent(disk: SimulatedDisk, content: Uint8Array, path = PATH): void {
  const file = disk.open(path, "create");
  file.write([content], 0, "durable", () => {});
  disk.runUntilIdle();
  file.close();
  disk.syncDirectory("/data");
}

/** A bucket as a map: what `Bucket` must agree with. Keys are latin1 text, so `<` is the byte order. */
export class ModelBucket {
  sequence = 0n;
  readonly items = new Map<string, Uint8Array | ModelBucket>();

  clone(): ModelBucket {
    const copy = new ModelBucket();
    copy.sequence = this.sequence;
    for (const [key, item] of this.items) {
      copy.items.set(key, item instanceof ModelBucket ? item.clone() : item);
    }
    return copy;
  }

  sorted(): [string, Uint8Array | ModelBucket][] {
    return [...this.items].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** The first difference between a bucket and its model, walking forward, backward and by key. */
export function difference(bucket: Bucket, model: ModelBucket, at = ""): string | undefined {
  if (bucket.sequence !== model.sequence) return `${at}: sequence ${bucket.sequence}`;
  const expected = model.sorted();
  const cursor = bucket.cursor();
  let index = 0;
  for (let found = cursor.first(); found; found = cursor.next(), index++) {
    const item = expected.at(index);
    const key = cursor.key as Uint8Array;
    if (item === undefined || text(key) !== item[0]) return `${at}: key ${text(key)} at ${index}`;
    const problem = itemDifference(bucket, item, cursor.value, cursor.isBucket, at);
    if (problem !== undefined) return problem;
  }
  if (index !== expected.length) return `${at}: ${index} items, expected ${expected.length}`;
  for (let found = cursor.last(); found; found = cursor.prev()) {
    index--;
    if (text(cursor.key as Uint8Array) !== expected[index][0]) return `${at}: backward at ${index}`;
  }
  return index === 0 ? undefined : `${at}: backward ends at ${index}`;
}

function itemDifference(
  bucket: Bucket,
  [name, expected]: [string, Uint8Array | ModelBucket],
  value: Uint8Array | undefined,
  isBucket: boolean,
  at: string,
): string | undefined {
  const key = bytes(name);
  if (expected instanceof ModelBucket) {
    if (!isBucket || value !== undefined || bucket.get(key) !== undefined) {
      return `${at}/${name}: not a bucket`;
    }
    const inside = bucket.bucket(key);
    return inside === undefined
      ? `${at}/${name}: cannot be opened`
      : difference(inside, expected, `${at}/${name}`);
  }
  const direct = bucket.get(key);
  if (isBucket || value === undefined || direct === undefined) return `${at}/${name}: no value`;
  if (!equalBytes(value, expected) || !equalBytes(direct, expected)) return `${at}/${name}: value`;
  return undefined;
}
