/** What clients that behave notice of clients that do not. */
import { LoadProcess } from "../harness/load-process.mjs";

const PUT_RATE = 1000;
const CLIENTS = 500;
const QUICK_CLIENTS = 64;
const VALUE_BYTES = 256;
const KEYS = 10_000;
const PREFIX = "bench/";
const SECONDS = 20;
const QUICK_SECONDS = 3;
/** Until what is there at first, and what comes with the bad ones, has settled. */
const WARMUP_MS = 3000;

const QUIET = "500 clients that behave";
const HOSTILE = "and 500 that do not";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const badClients = {
  name: "bad-clients",
  title: "Clients that misbehave",
  about: ({ quick }) =>
    `${PUT_RATE} puts a second of ${VALUE_BYTES} bytes over ${quick ? QUICK_CLIENTS : CLIENTS} connections, timed from ` +
    "when each was due; then as many connections of clients that flood, stall, break rules, read nothing or never " +
    "finish what they began, in 16 ways. Who is thrown out comes again.",
  columns: [
    { field: "p50", title: "put p50 ms", digits: 2 },
    { field: "p99", title: "put p99 ms", digits: 2 },
    { field: "slowest", title: "slowest put ms", digits: 1, over: "max" },
    { field: "loadDelay", title: "load late at most ms", digits: 1, over: "max" },
    { field: "timesQuiet", title: "p99 / quiet p99", digits: 2 },
    { field: "failed", title: "failed puts", digits: 0, over: "max" },
    { field: "thrownOut", title: "bad ones thrown out", digits: 0 },
    { field: "memoryMb", title: "resident memory MB", digits: 0 },
  ],
  rows: [QUIET, HOSTILE],

  async measure({ quick, startServer, record, wants }) {
    if (!wants(QUIET) && !wants(HOSTILE)) return;
    const clients = quick ? QUICK_CLIENTS : CLIENTS;
    const stretchMs = (quick ? QUICK_SECONDS : SECONDS) * 1000;
    const server = await startServer();
    const { port } = server;
    const puts = new LoadProcess("steady-puts", {
      ...{ port, connections: clients, rate: PUT_RATE, keys: KEYS, valueBytes: VALUE_BYTES },
    });
    const bad = [];
    const memory = {};
    try {
      await puts.answer();
      for (const row of [QUIET, HOSTILE]) {
        if (row === HOSTILE) {
          bad.push(new LoadProcess("bad-clients", { port, clients, prefix: PREFIX }));
          await bad[0].answer();
        }
        await sleep(WARMUP_MS);
        puts.order({ stretch: row });
        await sleep(stretchMs);
        memory[row] = server.memory().resident / 1e6;
        puts.order({ stretch: "between" });
      }
      bad[0].order({ end: true });
      const { ended } = await bad[0].answer();
      puts.order({ end: true });
      const stretches = await puts.answer();
      for (const row of [QUIET, HOSTILE]) {
        const timesQuiet = stretches[row].p99 / stretches[QUIET].p99;
        const thrownOut = row === HOSTILE ? ended : 0;
        record(row, { ...stretches[row], timesQuiet, thrownOut, memoryMb: memory[row] });
      }
    } finally {
      await puts.stop();
      for (const load of bad) await load.stop();
    }
  },
};
