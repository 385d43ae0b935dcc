/** Leases granted and kept alive a second. */
import { runLoad } from "../harness/load-process.mjs";

const WARMUP_SECONDS = 0.5;

const LOADS = {
  "grant, 1000 clients": {
    load: "closed-loop",
    operation: "lease-grant",
    keySpace: 1,
    connections: 100,
    clients: 1000,
  },
  "keep-alive, 1000 streams": { load: "keep-alive", connections: 100, streams: 1000, window: 1 },
  "keep-alive, one stream, 100 ahead": {
    load: "keep-alive",
    connections: 1,
    streams: 1,
    window: 100,
  },
};

export const leaseRates = {
  name: "lease-rates",
  title: "Leases",
  about: ({ seconds }) => `${seconds} s each.`,
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "server CPU µs/op", digits: 1 },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(LOADS),

  async measure({ seconds, startServer, stopServer, wants, record }) {
    for (const [row, { load, ...orders }] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const server = await startServer();
      const figures = await runLoad(load, {
        ...orders,
        port: server.port,
        serverPid: server.pid,
        seconds,
        warmupSeconds: WARMUP_SECONDS,
      });
      record(row, { ...figures, memoryMb: server.memory().peak / 1e6 });
      await stopServer(server);
    }
  },
};
