// @ts-check
/**
 * The MVCC store over storage in memory: what the keyspace costs without disk, consensus and network.
 *
 *   npx tsc -b src/mvcc && node --expose-gc bench/mvcc.mjs [keys]
 */
import { executePut } from "../dist/mvcc/kv-requests.js";
import { MemoryStorage } from "../dist/mvcc/memory-storage.js";
import { executeRange } from "../dist/mvcc/range.js";
import { Restore } from "../dist/mvcc/restore.js";
import { MemoryLeases } from "../dist/mvcc/testing/memory-leases.js";
import { TreeIndex } from "../dist/mvcc/tree-index.js";
import { NODE_BYTES } from "../dist/platform/native-bytes.js";
import { bytesFromLatin1, installNativeBytes } from "../dist/stdx/bytes.js";
import { createPutRequest, createRangeRequest } from "../dist/wire/gen/rpc.js";

const KEYS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;
/** A prime that does not divide the number of keys: visits them all in scattered order. */
const STRIDE = 7_368_787;
const SLICE = 1000;

installNativeBytes(NODE_BYTES);

/** @param {number} n */
const keyText = (n) => `/registry/pods/${String(n).padStart(8, "0")}`;
/** @param {number} i */
const scattered = (i) => (i * STRIDE) % KEYS;
const value = new Uint8Array(256).fill(120);
const keys = Array.from({ length: KEYS }, (_, i) => bytesFromLatin1(keyText(i)));

/**
 * Runs `work` and prints what one of its `count` units costs.
 * @param {string} name
 * @param {number} count
 * @param {() => void} work
 */
function measure(name, count, work) {
  const start = process.hrtime.bigint();
  work();
  const microseconds = Number(process.hrtime.bigint() - start) / 1e3;
  const each = microseconds / count;
  const rate = Math.round(1e6 / each).toLocaleString("en");
  console.log(
    `${name.padEnd(52)} ${each.toFixed(3).padStart(10)} us ${rate.padStart(12)}/s ${(microseconds / 1e3).toFixed(0).padStart(7)} ms`,
  );
}

/** @param {MemoryStorage} storage */
function restore(storage) {
  const work = new Restore(storage, new MemoryLeases(), { onChanges: () => undefined });
  while (!work.step(SLICE));
  return work.finish();
}

/** @param {Uint8Array} key */
const putRequest = (key) => createPutRequest({ key, value });

function measurePuts() {
  for (const order of ["ascending", "scattered"]) {
    const store = restore(new MemoryStorage());
    const place = order === "ascending" ? (/** @type {number} */ i) => i : scattered;
    measure(`put, new key, ${order}`, KEYS, () => {
      for (let i = 0; i < KEYS; i++) executePut(store, putRequest(keys[place(i)]));
    });
    if (order === "scattered") {
      measure("put, existing key, scattered", KEYS, () => {
        for (let i = 0; i < KEYS; i++) executePut(store, putRequest(keys[scattered(i)]));
      });
    }
  }
  const store = restore(new MemoryStorage());
  measure("put, always the same key", KEYS, () => {
    for (let i = 0; i < KEYS; i++) executePut(store, putRequest(keys[0]));
  });
}

/** @param {import("../dist/mvcc/store.js").Store} store */
function measureReads(store) {
  const everything = bytesFromLatin1("\0");
  const all = { key: everything, rangeEnd: everything };
  for (let round = 0; round < ROUNDS; round++) {
    measure("range, one key", KEYS, () => {
      for (let i = 0; i < KEYS; i++) {
        executeRange(store, createRangeRequest({ key: keys[scattered(i)] }));
      }
    });
    measure("range, page of 1000 keys", 1000, () => {
      for (let i = 0; i < 1000; i++) {
        const key = keys[scattered(i) % (KEYS - 1000)];
        executeRange(store, createRangeRequest({ key, rangeEnd: everything, limit: 1000 }));
      }
    });
    measure("range, count of all keys", 10_000, () => {
      for (let i = 0; i < 10_000; i++) {
        executeRange(store, createRangeRequest({ ...all, countOnly: true }));
      }
    });
    measure("range, last key (descending, limit 1)", 10_000, () => {
      for (let i = 0; i < 10_000; i++) {
        executeRange(store, createRangeRequest({ ...all, sortOrder: 2, limit: 1 }));
      }
    });
    measure("range, count of all keys at an old revision", 1, () => {
      executeRange(
        store,
        createRangeRequest({ ...all, countOnly: true, revision: store.revision - 1 }),
      );
    });
    measure("range, all keys", 1, () => {
      executeRange(store, createRangeRequest(all));
    });
    measure("range, newest key (sort by mod revision, limit 1)", 1, () => {
      executeRange(store, createRangeRequest({ ...all, sortOrder: 2, sortTarget: 3, limit: 1 }));
    });
  }
}

/** @param {import("../dist/mvcc/store.js").Store} store */
function measureBackground(store) {
  measure("hash of the keyspace, per revision", store.revision - 1, () => {
    const job = store.openHash(0);
    if ("step" in job) while (job.step(SLICE) === undefined);
  });
  const before = store.revision;
  store.compact(store.revision);
  let slowest = 0;
  measure("compaction, per revision", before - 1, () => {
    while (store.compactionPending) {
      const start = process.hrtime.bigint();
      store.compactStep(SLICE);
      slowest = Math.max(slowest, Number(process.hrtime.bigint() - start) / 1e6);
    }
  });
  console.log(`  slowest slice of ${SLICE} revisions: ${slowest.toFixed(1)} ms`);
}

/** @param {string} name @param {(index: TreeIndex) => void} fill */
function measureMemory(name, fill) {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const index = new TreeIndex();
  fill(index);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / index.liveKeys;
  console.log(`${name.padEnd(52)} ${bytes.toFixed(0).padStart(10)} bytes per key`);
}

/** @param {TreeIndex} index @param {number} first @param {number} rounds */
function fillScattered(index, first, rounds) {
  for (let i = 0; i < KEYS * rounds; i++) {
    index.put(Buffer.from(keyText(scattered(i % KEYS))).latin1Slice(), first + i, 0);
  }
}

console.log(
  `${KEYS.toLocaleString("en")} keys of ${keys[0].length} bytes, values of ${value.length}`,
);
if (globalThis.gc === undefined) console.log("memory: run with --expose-gc");
else {
  measureMemory("index, 1 revision a key", (index) => fillScattered(index, 2, 1));
  measureMemory("index, 3 revisions a key", (index) => fillScattered(index, 2, 3));
  measureMemory("index, 1 revision a key, beyond 2^31", (index) =>
    fillScattered(index, 2 ** 32, 1),
  );
}
measurePuts();
const storage = new MemoryStorage();
const store = restore(storage);
for (let i = 0; i < KEYS; i++) executePut(store, putRequest(keys[scattered(i)]));
for (let round = 0; round < ROUNDS; round++) {
  measure("restore, scattered keys", KEYS, () => void restore(storage));
}
measureReads(store);
for (let i = 0; i < KEYS / 2; i++) executePut(store, putRequest(keys[scattered(i)]));
measureBackground(store);
