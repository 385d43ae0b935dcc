/**
 * Our bolt files and those of the real etcd: ours judged by its consistency check, its database read, checked,
 * copied and rewritten by us, and itself going on with what we wrote.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bucket } from "../../src/bolt/bucket.ts";
import { check } from "../../src/bolt/check.ts";
import { Db } from "../../src/bolt/db.ts";
import type { Tx } from "../../src/bolt/tx.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { bytes, contentOf, PATH } from "../harness/bolt.ts";
import { boltStep, runBoltSteps } from "../harness/bolt-machine.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";

const disk = new SystemDisk({ warn: () => undefined });

const base64 = (text: string): string => Buffer.from(text).toString("base64");

interface Status {
  readonly hash: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

/** What the real etcdutl says of the file; it runs bbolt's consistency check first. */
async function statusOf(file: string): Promise<Status> {
  const { code, stdout, stderr } = await runReference("etcdutl", [
    ...["snapshot", "status", file],
    ...["-w", "json"],
  ]);
  if (code !== 0) throw new Error(`etcdutl refuses ${file}: ${stderr}`);
  return JSON.parse(stdout) as Status;
}

async function post(etcd: EtcdProcess, method: string, body: object): Promise<unknown> {
  const answer = await fetch(`http://${etcd.endpoint}/v3/${method}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return answer.json();
}

/** Puts `count` keys in requests of 100, deletes every fifth, overwrites some. */
async function fill(etcd: EtcdProcess, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const success = Array.from({ length: 100 }, (_, at) => ({
      requestPut: { key: base64(`key${from + at}`), value: base64("v".repeat((from + at) % 700)) },
    }));
    await post(etcd, "kv/txn", { success });
  }
  for (let at = 0; at < count; at += 5) {
    await post(etcd, "kv/deleterange", { key: base64(`key${at}`) });
  }
  await post(etcd, "kv/put", { key: base64("large"), value: base64("L".repeat(500_000)) });
}

async function keyCount(etcd: EtcdProcess): Promise<number> {
  const range = { key: base64("\0"), rangeEnd: base64("\0"), countOnly: true };
  const answer = (await post(etcd, "kv/range", range)) as { count: string };
  return Number(answer.count);
}

async function hashOf(etcd: EtcdProcess): Promise<number> {
  const answer = (await post(etcd, "maintenance/hash", {})) as { hash: number };
  return answer.hash;
}

function itemsOf(bucket: Bucket | undefined): number {
  const cursor = bucket?.cursor();
  let count = 0;
  for (let found = cursor?.first(); found === true; found = cursor?.next()) count++;
  return count;
}

function problemsOf(file: string): string[] {
  const db = Db.open(disk, file, { readOnly: true });
  const problems = check(db.beginRead());
  db.close();
  return problems;
}

function commit(tx: Tx): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.commit((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** Takes every item of every bucket out and puts it back, in several commits. */
async function rewriteAll(db: Db): Promise<void> {
  const names: Uint8Array[] = [];
  const reader = db.beginRead();
  reader.forEachBucket((name) => names.push(name.slice()));
  for (const name of names) {
    const items: [Uint8Array, Uint8Array][] = [];
    const cursor = reader.bucket(name)?.cursor();
    for (let found = cursor?.first(); found === true; found = cursor?.next()) {
      if (cursor?.key !== undefined && cursor.value !== undefined) {
        items.push([cursor.key, cursor.value]);
      }
    }
    const emptying = db.beginWrite();
    for (const [key] of items) emptying.bucket(name)?.delete(key);
    await commit(emptying);
    for (let from = 0; from < items.length; from += 700) {
      const filling = db.beginWrite();
      for (const [key, value] of items.slice(from, from + 700)) {
        filling.bucket(name)?.put(key, value);
      }
      await commit(filling);
    }
  }
  reader.rollback();
}

describe.skipIf(REFERENCE === undefined)("bolt and the real etcd", () => {
  let folder = "";

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "bolt-interop-"));
  });

  afterAll(() => {
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("its consistency check passes on files of ours", async () => {
    const lives = fc.sample(
      fc.record({
        seed: fc.nat(),
        pageSize: fc.constantFrom(1024, 4096, 16_384),
        steps: fc.array(boltStep, { minLength: 100, maxLength: 250, size: "max" }),
      }),
      20,
    );
    for (const [at, { seed, pageSize, steps }] of lives.entries()) {
      const machine = runBoltSteps(seed, pageSize, steps);
      const file = path.join(folder, `ours-${at}`);
      fs.writeFileSync(file, contentOf(machine.disk, PATH));
      const { totalSize } = await statusOf(file);
      expect(totalSize).toBeGreaterThanOrEqual(4 * pageSize);
    }
  }, 60_000);

  test("its database is read, checked, copied and rewritten, and it goes on with that", async () => {
    const first = await startEtcd();
    try {
      await fill(first, 3000);
      const count = await keyCount(first);
      const hash = await hashOf(first);
      expect(count).toBe(2401);
      await first.stop();
      const file = path.join(first.dataDir, "member", "snap", "db");
      expect(problemsOf(file)).toEqual([]);
      const before = await statusOf(file);

      const db = Db.open(disk, file);
      const reader = db.beginRead();
      // Each put and each delete is a revision of its own in the key bucket.
      expect(itemsOf(reader.bucket(bytes("key")))).toBe(3000 + 600 + 1);
      const copy = path.join(folder, "copy");
      const slice = new Uint8Array(100_000);
      for (let at = 0, got = -1; got !== 0; at += got) {
        got = reader.readCopy(slice, at);
        fs.appendFileSync(copy, slice.subarray(0, got));
      }
      expect(fs.statSync(copy).size).toBe(reader.sizeBytes);
      reader.rollback();
      await rewriteAll(db);
      const last = db.beginRead();
      expect(check(last)).toEqual([]);
      db.close();

      expect(await statusOf(copy)).toEqual(before);
      const after = await statusOf(file);
      expect([after.hash, after.totalKey]).toEqual([before.hash, before.totalKey]);

      const second = await startEtcd({ dataDir: first.dataDir });
      expect(await keyCount(second)).toBe(count);
      expect(await hashOf(second)).toBe(hash);
      await fill(second, 1000);
      await post(second, "kv/compaction", { revision: "700", physical: true });
      await post(second, "maintenance/defragment", {});
      await second.stop();
      expect(problemsOf(file)).toEqual([]);
    } finally {
      await first.remove();
    }
  }, 60_000);
});
