// @ts-check
/**
 * The write-ahead log on the real disk: nanoseconds to encode an entry, latency and rate of durable appends
 * at several loads, and the time to read a log of a million entries.
 *
 *   npx tsc -b src/wal src/platform && node bench/wal.mjs [folder on the disk to measure]
 */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { systemClock } from "../dist/platform/clock.js";
import { SystemDisk } from "../dist/platform/disk.js";
import { installPlatformBytes } from "../dist/platform/native-bytes.js";
import { createWal } from "../dist/wal/create-wal.js";
import { openWal } from "../dist/wal/open-wal.js";
import { NO_SNAPSHOT, readWal } from "../dist/wal/read-wal.js";
import { RecordBuffer } from "../dist/wal/record-buffer.js";

const ENTRY_BYTES = 300;
const data = new Uint8Array(ENTRY_BYTES).map((_, at) => at * 7);
const metadata = new Uint8Array(20);

const parent = process.argv[2] ?? os.tmpdir();
const directory = path.join(fs.mkdtempSync(path.join(parent, "bench-wal-")), "wal");
const log = {
  enabled: () => false,
  debug() {},
  info() {},
  warn: console.log,
  error: console.log,
  fatal: console.log,
};
const disk = new SystemDisk({ warn: console.log });
const options = { disk, clock: systemClock, log, directory };

/**
 * @template T
 * @param {(done: (failure: Error | undefined, value?: T) => void) => void} start
 * @returns {Promise<T>}
 */
const finished = (start) =>
  new Promise((resolve, reject) => {
    start((failure, value) =>
      failure === undefined ? resolve(/** @type {T} */ (value)) : reject(failure),
    );
  });

/** @param {number[]} values @param {number} part */
const quantile = (values, part) => values[Math.floor((values.length - 1) * part)].toFixed(3);

function encodeEntries() {
  const records = new RecordBuffer(0);
  let best = Infinity;
  for (let round = 0; round < 400; round++) {
    const start = process.hrtime.bigint();
    for (let n = 0; n < 500; n++) records.entry({ type: 0, term: 3, index: round * 500 + n, data });
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 500);
    records.giveBack(records.take());
  }
  console.log(`encode an entry of ${ENTRY_BYTES} bytes: ${best.toFixed(0)} ns`);
}

/**
 * `clients` callers, each with one append at a time; all that arrive in one turn share a batch.
 * @param {number} clients @param {number} total
 */
async function append(clients, total) {
  disk.remove(directory);
  const wal = await finished((done) => createWal(options, metadata, done));
  /** @type {number[]} */
  const latencies = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  let index = 0;
  let waiting = clients;
  let isScheduled = false;
  await new Promise((resolve, reject) => {
    const turn = () => {
      isScheduled = false;
      const entries = [];
      for (; waiting > 0 && index < total; waiting--) {
        entries.push({ type: 0, term: 1, index: ++index, data });
      }
      if (entries.length === 0) return;
      const askedMs = performance.now();
      wal.append({ entries }, (failure) => {
        if (failure !== undefined) return reject(new Error(failure.message));
        const elapsedMs = performance.now() - askedMs;
        for (let n = 0; n < entries.length; n++) latencies.push(elapsedMs);
        if (latencies.length === total) return resolve(undefined);
        waiting += entries.length;
        if (isScheduled) return;
        isScheduled = true;
        setImmediate(turn);
      });
    };
    turn();
  });
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  console.log(
    `${String(clients).padStart(5)} clients: ${((total / elapsedMs) * 1000).toFixed(0).padStart(7)}/s,`,
    `p50 ${quantile(latencies, 0.5)} p99 ${quantile(latencies, 0.99)} max ${quantile(latencies, 1)} ms,`,
    `CPU ${((user + system) / total).toFixed(1)} us each, ${wal.segmentNames.length} segments`,
  );
  await finished((done) => wal.close(done));
}

async function read() {
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    const { entries } = readWal(options, NO_SNAPSHOT);
    const elapsedMs = performance.now() - start;
    console.log(`read ${entries.length} entries: ${elapsedMs.toFixed(0)} ms`);
  }
  const start = performance.now();
  const { wal } = await finished((done) => openWal(options, NO_SNAPSHOT, done));
  console.log(`open for appending: ${(performance.now() - start).toFixed(0)} ms`);
  await finished((done) => wal.close(done));
}

installPlatformBytes();
encodeEntries();
await append(1, 4000);
await append(10, 20_000);
await append(100, 100_000);
await append(1000, 1_000_000);
await read();
fs.rmSync(path.dirname(directory), { recursive: true });
