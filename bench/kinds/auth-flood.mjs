/** What clients with a token notice of clients that guess passwords. */
import { LoadProcess } from "../harness/load-process.mjs";

const PUT_RATE = 1000;
const CLIENTS = 100;
const GUESSERS = 200;
const VALUE_BYTES = 256;
const KEYS = 10_000;
const SECONDS = 15;
const QUICK_SECONDS = 3;
/** Until what is there at first, and what comes with the guesses, has settled. */
const WARMUP_MS = 2000;

const QUIET = "puts of a user";
const FLOOD = "and 200 clients that guess passwords";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const authFlood = {
  name: "auth-flood",
  title: "Wrong passwords",
  about: () =>
    `${PUT_RATE} puts a second of ${VALUE_BYTES} bytes over ${CLIENTS} connections by a user with rights on their keys, timed ` +
    "from when each was due; then clients beside them that ask for tokens with wrong passwords, again and again.",
  columns: [
    { field: "p50", title: "put p50 ms", digits: 2 },
    { field: "p99", title: "put p99 ms", digits: 2 },
    { field: "slowest", title: "slowest put ms", digits: 1, over: "max" },
    { field: "timesQuiet", title: "p99 / quiet p99", digits: 2 },
    { field: "failed", title: "failed puts", digits: 0, over: "max" },
    { field: "looked", title: "guesses looked at / s", digits: 1 },
    { field: "refused", title: "refused / s", digits: 0 },
    { field: "memoryMb", title: "resident memory MB", digits: 0 },
  ],
  rows: [QUIET, FLOOD],

  async measure({ quick, startServer, record, wants }) {
    if (!wants(QUIET) && !wants(FLOOD)) return;
    const stretchMs = (quick ? QUICK_SECONDS : SECONDS) * 1000;
    const server = await startServer();
    const { port } = server;
    const puts = new LoadProcess("authenticated-puts", {
      ...{ port, connections: CLIENTS, rate: PUT_RATE, keys: KEYS, valueBytes: VALUE_BYTES },
    });
    const flood = [];
    const memory = {};
    try {
      await puts.answer();
      for (const row of [QUIET, FLOOD]) {
        if (row === FLOOD) {
          flood.push(new LoadProcess("wrong-passwords", { port, connections: GUESSERS }));
          await flood[0].answer();
        }
        await sleep(WARMUP_MS);
        puts.order({ stretch: row });
        await sleep(stretchMs);
        memory[row] = server.memory().resident / 1e6;
        puts.order({ stretch: "between" });
      }
      flood[0].order({ end: true });
      const guesses = await flood[0].answer();
      puts.order({ end: true });
      const stretches = await puts.answer();
      const seconds = (stretchMs + WARMUP_MS) / 1000;
      for (const row of [QUIET, FLOOD]) {
        const isFlood = row === FLOOD;
        record(row, {
          ...stretches[row],
          timesQuiet: stretches[row].p99 / stretches[QUIET].p99,
          looked: isFlood ? guesses.looked / seconds : 0,
          refused: isFlood ? guesses.refused / seconds : 0,
          memoryMb: memory[row],
        });
      }
    } finally {
      await puts.stop();
      for (const load of flood) await load.stop();
    }
  },
};
