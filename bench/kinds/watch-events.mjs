/** How many events a second reach the watchers of one key. */
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const WATCHERS = 1000;
/** Puts of which not every watcher has heard. */
const WINDOW = 16;
const WARMUP_SECONDS = 1;

const LOADS = {
  "1000 watchers on 100 streams": { streams: 100, connections: 10 },
  "1000 watchers on one stream": { streams: 1, connections: 1 },
};

export const watchEvents = {
  name: "watch-events",
  title: "Watch events",
  about: ({ seconds }) =>
    `${WATCHERS} watchers of one key; puts of ${VALUE_BYTES} bytes as fast as all hear of them, ` +
    `at most ${WINDOW} ahead, for ${seconds} s.`,
  columns: [
    { field: "rate", title: "events /s", digits: 0 },
    { field: "puts", title: "puts /s", digits: 0 },
    { field: "cpuUs", title: "server CPU µs/event", digits: 2 },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(LOADS),

  async measure({ seconds, startServer, stopServer, wants, record }) {
    for (const [row, load] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const server = await startServer();
      const figures = await runLoad("watch-events", {
        ...load,
        port: server.port,
        serverPid: server.pid,
        watchers: WATCHERS,
        window: WINDOW,
        valueBytes: VALUE_BYTES,
        seconds,
        warmupSeconds: WARMUP_SECONDS,
      });
      record(row, { ...figures, memoryMb: server.memory().peak / 1e6 });
      await stopServer(server);
    }
  },
};
