/**
 * How fast the bolt file is on its own: puts that grow at the end, point reads, walks, opening.
 *
 *   npm run build && node bench/bolt.mjs [--puts 1000000] [--directory /tmp]
 *
 * The shape is that of etcd's key bucket: 17-byte keys that grow, values of 300 bytes, a commit every
 * 10,000 puts that is on its way to the device while the next puts come in.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Db } from "../dist/bolt/index.js";
import { SystemDisk } from "../dist/platform/disk.js";

const { values: options } = parseArgs({
  options: {
    puts: { type: "string", default: "1000000" },
    directory: { type: "string", default: os.tmpdir() },
  },
});

const PUTS = Number(options.puts);
const PUTS_PER_COMMIT = 10_000;
const VALUE_BYTES = 300;
const NAME = new Uint8Array(Buffer.from("key"));
const VALUE = new Uint8Array(VALUE_BYTES).fill(7);

const directory = fs.mkdtempSync(path.join(options.directory, "bolt-bench-"));
const file = path.join(directory, "db");
const disk = new SystemDisk({ warn: (message) => console.warn(message) });

/** A key of etcd's key bucket: revision as big-endian u64, "_", sub revision as big-endian u64. */
function keyOf(revision) {
  const key = new Uint8Array(17);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.floor(revision / 2 ** 32));
  view.setUint32(4, revision % 2 ** 32);
  key[8] = 0x5f;
  return key;
}

function report(name, value, unit) {
  console.log(`${name.padEnd(58)} ${value.toFixed(2).padStart(12)} ${unit}`);
}

function timed(run) {
  const start = performance.now();
  run();
  return performance.now() - start;
}

const commit = (tx) =>
  new Promise((resolve, reject) => {
    tx.commit((error) => {
      if (error === undefined) resolve();
      else reject(new Error("A commit failed", { cause: error }));
    });
  });

async function benchPuts() {
  const db = Db.open(disk, file);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let pauseMax = 0;
  let putMs = 0;
  let commitMs = 0;
  let underWay = Promise.resolve();
  for (let at = 0; at < PUTS; ) {
    const tx = db.beginWrite();
    const bucket = tx.createBucketIfNotExists(NAME);
    bucket.fillPercent = 0.9;
    const end = Math.min(PUTS, at + PUTS_PER_COMMIT);
    putMs += timed(() => {
      for (; at < end; at++) bucket.put(keyOf(at + 1), VALUE);
    });
    await underWay;
    const pause = timed(() => {
      underWay = commit(tx);
    });
    pauseMax = Math.max(pauseMax, pause);
    commitMs += pause;
  }
  await underWay;
  const elapsed = performance.now() - start;
  const used = process.cpuUsage(cpu);
  report("sequential puts, commit every 10,000", PUTS / (elapsed / 1000), "puts/s");
  report("  one put, with making its key", (putMs / PUTS) * 1000, "us");
  report("  its share of commit()", (commitMs / PUTS) * 1000, "us");
  report("  CPU of the process, all threads", (used.user + used.system) / PUTS, "us/put");
  report("  longest commit() call", pauseMax, "ms");
  report("  file", db.stats().fileBytes / 2 ** 20, "MiB");
  db.close();
}

function benchGets(name, cacheBytesMax, range, gets) {
  const db = Db.open(disk, file, { readOnly: true, cacheBytesMax });
  const tx = db.beginRead();
  const bucket = tx.bucket(NAME);
  const keys = Array.from({ length: gets }, () => keyOf(1 + Math.floor(Math.random() * range)));
  for (let at = 1; at <= range; at += 5) bucket.get(keyOf(at));
  const misses = db.stats().cacheMisses;
  const elapsed = timed(() => {
    for (const key of keys) bucket.get(key);
  });
  const missed = ((db.stats().cacheMisses - misses) / gets).toFixed(2);
  report(`point gets, ${name} (${missed} pages read each)`, (elapsed / gets) * 1000, "us");
  tx.rollback();
  db.close();
}

function benchWalk() {
  const db = Db.open(disk, file, { readOnly: true });
  const tx = db.beginRead();
  const cursor = tx.bucket(NAME).cursor();
  let bytes = 0;
  let count = 0;
  const elapsed = timed(() => {
    for (let found = cursor.first(); found; found = cursor.next()) {
      bytes += cursor.key.length + cursor.value.length;
      count++;
    }
  });
  report(`walk over ${count} items, keys and values`, (elapsed / count) * 1000, "us/item");
  report("  ", bytes / 2 ** 20 / (elapsed / 1000), "MiB/s");
  tx.rollback();
  db.close();
}

/** As compaction does: removes three of four keys, 1,000 a transaction. */
async function benchDeletes() {
  const db = Db.open(disk, file);
  let deleteMs = 0;
  let commitMs = 0;
  let pauseMax = 0;
  let count = 0;
  let underWay = Promise.resolve();
  for (let at = 1; at <= PUTS; ) {
    const tx = db.beginWrite();
    const bucket = tx.bucket(NAME);
    deleteMs += timed(() => {
      for (let inTx = 0; inTx < 1000 && at <= PUTS; at++) {
        if (at % 4 === 0) continue;
        bucket.delete(keyOf(at));
        inTx++;
        count++;
      }
    });
    await underWay;
    const pause = timed(() => {
      underWay = commit(tx);
    });
    pauseMax = Math.max(pauseMax, pause);
    commitMs += pause;
  }
  await underWay;
  report(`deletes of ${count} keys`, (deleteMs / count) * 1000, "us");
  report("  its share of commit()", (commitMs / count) * 1000, "us");
  report("  longest commit() call", pauseMax, "ms");
  report("  free pages then", db.stats().freePages, "");
  db.close();
}

function benchOpen() {
  let db;
  const whole = timed(() => {
    db = Db.open(disk, file);
  });
  const { fileBytes, freePages } = db.stats();
  report(
    `open ${(fileBytes / 2 ** 20).toFixed(0)} MiB, finding ${freePages} free pages`,
    whole,
    "ms",
  );
  db.close();
  const first = timed(() => {
    db = Db.open(disk, file, { freelistScan: "sliced" });
  });
  report("  in slices: until it can be used", first, "ms");
  let longest = 0;
  let total = 0;
  for (let done = false; !done; ) {
    const slice = timed(() => {
      done = db.scanFreePages(512);
    });
    longest = Math.max(longest, slice);
    total += slice;
  }
  report("  in slices of 512 pages: the longest", longest, "ms");
  report("  in slices of 512 pages: all", total, "ms");
  db.close();
}

function benchCopy() {
  const db = Db.open(disk, file, { readOnly: true });
  const tx = db.beginRead();
  const slice = new Uint8Array(256 * 1024);
  let longest = 0;
  let position = 0;
  const elapsed = timed(() => {
    for (;;) {
      let count = 0;
      longest = Math.max(
        longest,
        timed(() => {
          count = tx.readCopy(slice, position);
        }),
      );
      if (count === 0) break;
      position += count;
    }
  });
  report("copy in slices of 256 KiB", position / 2 ** 20 / (elapsed / 1000), "MiB/s");
  report("  longest slice", longest, "ms");
  tx.rollback();
  db.close();
}

try {
  console.log(`node ${process.version}, ${os.cpus().length} x ${os.cpus()[0].model}, ${PUTS} puts`);
  await benchPuts();
  benchOpen();
  benchGets("warm", 2 ** 30, Math.min(PUTS, 100_000), 1_000_000);
  benchGets("working set 5 times the cache", 64 * 2 ** 20, PUTS, 200_000);
  benchWalk();
  benchCopy();
  await benchDeletes();
  benchOpen();
  await benchPuts();
} finally {
  fs.rmSync(directory, { recursive: true, force: true });
}
