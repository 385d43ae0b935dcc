/** Puts at a steady pace while the server is busy with its whole database. */
import { copyOfDatabase } from "../harness/databases.mjs";
import { LoadProcess } from "../harness/load-process.mjs";
import { compact, defragment, takeSnapshot } from "../harness/operations.mjs";

const PUT_RATE = 1000;
const VALUE_BYTES = 256;
const KEYS = 100_000;

/**
 * About 1.5 GB: the history of keys that change often, and values of documents. These come last and one by
 * one: the raft log that a start finds is then an ordinary one and not of huge entries.
 */
const PARTS = [
  { prefix: "bench/", keys: KEYS, count: 1_200_000, valueBytes: VALUE_BYTES, perTxn: 100 },
  { prefix: "document/", keys: 100_000, count: 100_000, valueBytes: 10_000, perTxn: 1 },
];
const QUICK_PART = 0.1;

/** Seconds: how long puts are measured at least, before and during each operation. */
const STRETCH_SECONDS = 8;
const QUICK_STRETCH_SECONDS = 2;
/** Milliseconds between two operations, in which puts that wait are answered and nothing is measured. */
const PAUSE_MS = 2000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Defragments before it compacts: the file to copy is then the whole of it. */
const ROWS = {
  quiet: undefined,
  "during a snapshot": { run: takeSnapshot, again: true },
  "during a defragmentation": { run: defragment, again: true },
  "during a compaction": { run: compact, again: false },
};

export const maintenance = {
  name: "maintenance",
  title: "Puts during maintenance",
  about: ({ quick }) =>
    `${PUT_RATE} puts a second of ${VALUE_BYTES} bytes on a database of ${quick ? "150 MB" : "1.5 GB"}, ` +
    `timed from when each was due. Snapshots and defragmentations follow one another for at least ` +
    `${quick ? QUICK_STRETCH_SECONDS : STRETCH_SECONDS} s; the time of one is shown.`,
  columns: [
    { field: "seconds", title: "operation s", digits: 2 },
    { field: "p50", title: "put p50 ms", digits: 2 },
    { field: "p99", title: "put p99 ms", digits: 2 },
    { field: "slowest", title: "slowest put ms", digits: 1, over: "max" },
    { field: "loadDelay", title: "load late at most ms", digits: 1, over: "max" },
    { field: "timesQuiet", title: "p99 / quiet p99", digits: 2 },
    { field: "failed", title: "failed puts", digits: 0, over: "max" },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(ROWS),

  async measure({ candidate, quick, rebuild, startServer, record, wants }) {
    const name = quick ? "quick" : "large";
    const folder = await copyOfDatabase(candidate, name, partsOf(quick), rebuild);
    const server = await startServer({ folder });
    const load = new LoadProcess("steady-puts", {
      port: server.port,
      connections: 10,
      rate: PUT_RATE,
      keys: KEYS,
      valueBytes: VALUE_BYTES,
    });
    try {
      await load.answer();
      await sleep(PAUSE_MS);
      const operations = {};
      const errors = [];
      for (const [row, operation] of Object.entries(ROWS)) {
        if (operation !== undefined && !wants(row)) continue;
        try {
          operations[row] = await measureRow(load, server, row, operation, quick);
        } catch (error) {
          errors.push(error);
        }
      }
      load.order({ end: true });
      const stretches = await load.answer();
      for (const [row, { seconds, memoryMb }] of Object.entries(operations)) {
        const timesQuiet = stretches[row].p99 / stretches["quiet"].p99;
        record(row, { ...stretches[row], seconds, memoryMb, timesQuiet });
      }
      // One operation that fails does not take the figures of the others away.
      if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join("; "));
    } finally {
      await load.stop();
    }
  },
};

async function measureRow(load, server, row, operation, quick) {
  const stretchMs = (quick ? QUICK_STRETCH_SECONDS : STRETCH_SECONDS) * 1000;
  load.order({ stretch: row });
  const startMs = performance.now();
  let times = 0;
  if (operation === undefined) await sleep(stretchMs);
  else {
    do {
      await operation.run(server.port);
      times++;
    } while (operation.again && performance.now() - startMs < stretchMs);
  }
  const seconds = (performance.now() - startMs) / 1000 / times;
  load.order({ stretch: "between" });
  await sleep(PAUSE_MS);
  return {
    seconds: operation === undefined ? Number.NaN : seconds,
    memoryMb: server.memory().peak / 1e6,
  };
}

function partsOf(quick) {
  return quick ? PARTS.map((part) => ({ ...part, count: part.count * QUICK_PART })) : PARTS;
}
