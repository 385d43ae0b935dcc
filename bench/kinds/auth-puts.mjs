/** Puts and reads a second by a user with rights on their keys, beside the same by nobody in particular. */
import { enableAuthentication, writerMetadata } from "../client/users.mjs";
import { openConnection } from "../client/connection.mjs";
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const KEY_SPACE = 10_000;
const WARMUP_SECONDS = 1;

const MANY = { connections: 100, clients: 1000 };
const LOADS = {
  "put, 1000 clients": { operation: "put", ...MANY },
  "put, 1 client": { operation: "put", connections: 1, clients: 1 },
  "range, serializable, 1000 clients": { operation: "serializable-range", ...MANY },
};

const ofUser = (row) => `${row}, of a user`;

export const authPuts = {
  name: "auth-puts",
  title: "Puts and reads of a user",
  about: ({ seconds }) =>
    "First without authentication, then by a user with a simple token and a role with rights on all keys of the load. " +
    `Values of ${VALUE_BYTES} bytes, ${KEY_SPACE} keys, ${seconds} s each.`,
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "server CPU µs/op", digits: 1 },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(LOADS).flatMap((row) => [row, ofUser(row)]),

  async measure({ seconds, startServer, wants, record }) {
    const server = await startServer();
    const common = {
      port: server.port,
      serverPid: server.pid,
      valueBytes: VALUE_BYTES,
      keySpace: KEY_SPACE,
      warmupSeconds: WARMUP_SECONDS,
    };
    const measureAll = async (nameOf, metadata) => {
      for (const [row, load] of Object.entries(LOADS)) {
        if (!wants(nameOf(row))) continue;
        const figures = await runLoad("closed-loop", { ...common, ...load, metadata, seconds });
        record(nameOf(row), { ...figures, memoryMb: server.memory().peak / 1e6 });
      }
    };
    // Puts every key, so that ranges find something.
    await runLoad("closed-loop", { ...common, ...LOADS["put, 1000 clients"], seconds: 1 });
    await measureAll((row) => row);
    const connection = await openConnection(server.port, () => undefined);
    await enableAuthentication(connection);
    const metadata = await writerMetadata(connection);
    connection.close();
    await measureAll(ofUser, metadata);
  },
};
