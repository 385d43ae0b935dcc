/** How soon watchers hear of a put. */
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const WARMUP_SECONDS = 0.5;

const LOADS = {
  "1 watcher": { watchers: 1, sameKey: true, connections: 1, streams: 1 },
  "100 watchers of one key": { watchers: 100, sameKey: true, connections: 10, streams: 10 },
  "10,000 watchers of one key": { watchers: 10_000, sameKey: true, connections: 10, streams: 100 },
  "10,000 watchers of different keys": {
    watchers: 10_000,
    sameKey: false,
    connections: 10,
    streams: 100,
  },
};

export const watchLatency = {
  name: "watch-latency",
  title: "Watch latency",
  about: ({ seconds }) =>
    `One put of ${VALUE_BYTES} bytes at a time, for ${seconds} s; over all events of all watchers. ` +
    "0.00: as a rule the event is there before the answer of the put.",
  columns: [
    { field: "acknowledgedP50", title: "from acknowledged p50 ms", digits: 2 },
    { field: "acknowledgedP99", title: "p99 ms", digits: 2 },
    { field: "sentP50", title: "from sent p50 ms", digits: 2 },
    { field: "sentP99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "server CPU µs/event", digits: 1 },
  ],
  rows: Object.keys(LOADS),

  async measure({ seconds, startServer, stopServer, wants, record }) {
    for (const [row, load] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const server = await startServer();
      const figures = await runLoad("watch-latency", {
        ...load,
        port: server.port,
        serverPid: server.pid,
        valueBytes: VALUE_BYTES,
        seconds,
        warmupSeconds: WARMUP_SECONDS,
      });
      record(row, figures);
      await stopServer(server);
    }
  },
};
