/** Memory with very many keys, and how long a restart takes. */
import { runLoad } from "../harness/load-process.mjs";

const COUNT = 1_000_000;
const QUICK_COUNT = 100_000;
const VALUE_BYTES = 256;
/** Milliseconds at rest before memory is read. */
const SETTLE_MS = 5000;
const ROW = "puts of different keys";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const millionKeys = {
  name: "million-keys",
  title: "Memory and restart",
  about: ({ quick }) =>
    `${quick ? QUICK_COUNT : COUNT} puts of ${VALUE_BYTES} bytes to different keys by 1000 clients, ` +
    `${SETTLE_MS / 1000} s at rest, a stop with SIGTERM and a start on the same data. Own memory is ` +
    "resident memory without the pages of mapped files.",
  columns: [
    { field: "rate", title: "puts /s", digits: 0 },
    { field: "resident", title: "resident MB", digits: 0 },
    { field: "own", title: "of it own MB", digits: 0 },
    { field: "peak", title: "peak MB", digits: 0 },
    { field: "restart", title: "restart to healthy s", digits: 2 },
    { field: "residentThen", title: "resident then MB", digits: 0 },
    { field: "ownThen", title: "of it own MB", digits: 0 },
    { field: "peakThen", title: "peak then MB", digits: 0 },
  ],
  rows: [ROW],

  async measure({ quick, startServer, stopServer, wants, record }) {
    if (!wants(ROW)) return;
    const count = quick ? QUICK_COUNT : COUNT;
    const first = await startServer();
    const { rate } = await runLoad("fill", {
      port: first.port,
      connections: 100,
      clients: 1000,
      prefix: "bench/",
      keys: count,
      count,
      valueBytes: VALUE_BYTES,
      perTxn: 1,
    });
    await sleep(SETTLE_MS);
    const before = first.memory();
    await first.stop();
    const second = await startServer({ folder: first.folder });
    await sleep(SETTLE_MS);
    const after = second.memory();
    record(ROW, {
      rate,
      resident: before.resident / 1e6,
      own: before.own / 1e6,
      peak: before.peak / 1e6,
      restart: second.startSeconds,
      residentThen: after.resident / 1e6,
      ownThen: after.own / 1e6,
      peakThen: after.peak / 1e6,
    });
    await stopServer(second);
  },
};
