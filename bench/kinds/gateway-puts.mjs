/** Puts a second through the JSON gateway, by many clients and by one. */
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const KEY_SPACE = 10_000;
const WARMUP_SECONDS = 1;

const CLIENTS = { "JSON put, 100 clients": 100, "JSON put, 1 client": 1 };

export const gatewayPuts = {
  name: "gateway-puts",
  title: "Puts through the JSON gateway",
  about: ({ seconds }) =>
    `Values of ${VALUE_BYTES} bytes, ${KEY_SPACE} keys, HTTP/1.1, a connection for each client, ${seconds} s each.`,
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "server CPU µs/op", digits: 1 },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(CLIENTS),

  async measure({ seconds, startServer, wants, record }) {
    const server = await startServer();
    for (const [row, clients] of Object.entries(CLIENTS)) {
      if (!wants(row)) continue;
      const figures = await runLoad("gateway-puts", {
        port: server.port,
        serverPid: server.pid,
        clients,
        valueBytes: VALUE_BYTES,
        keySpace: KEY_SPACE,
        seconds,
        warmupSeconds: WARMUP_SECONDS,
      });
      record(row, { ...figures, memoryMb: server.memory().peak / 1e6 });
    }
  },
};
