/** Puts and reads a second, by many clients and by one. */
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const KEY_SPACE = 10_000;
const WARMUP_SECONDS = 1;

const MANY = { connections: 100, clients: 1000 };
const LOADS = {
  "put, 1000 clients": { operation: "put", ...MANY },
  "put, 100 clients": { operation: "put", connections: 10, clients: 100 },
  "put, 1 client": { operation: "put", connections: 1, clients: 1 },
  "range, linearizable, 1000 clients": { operation: "range", ...MANY },
  "range, serializable, 1000 clients": { operation: "serializable-range", ...MANY },
};

export const throughput = {
  name: "throughput",
  title: "Puts and reads",
  about: ({ seconds }) => `Values of ${VALUE_BYTES} bytes, ${KEY_SPACE} keys, ${seconds} s each.`,
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "server CPU µs/op", digits: 1 },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(LOADS),

  async measure({ seconds, startServer, wants, record }) {
    const server = await startServer();
    const common = {
      port: server.port,
      serverPid: server.pid,
      valueBytes: VALUE_BYTES,
      keySpace: KEY_SPACE,
      warmupSeconds: WARMUP_SECONDS,
    };
    // Puts every key, so that ranges find something.
    await runLoad("closed-loop", { ...common, ...LOADS["put, 100 clients"], seconds: 1 });
    for (const [row, load] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const figures = await runLoad("closed-loop", { ...common, ...load, seconds });
      record(row, { ...figures, memoryMb: server.memory().peak / 1e6 });
    }
  },
};
