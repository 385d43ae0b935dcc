/** Puts and reads a second over TLS, with certificates on both sides. */
import { writeCertificates } from "../harness/certificates.mjs";
import { runFolder } from "../harness/folders.mjs";
import { runLoad } from "../harness/load-process.mjs";
import { freePort } from "../harness/servers.mjs";

const VALUE_BYTES = 256;
const KEY_SPACE = 10_000;
const WARMUP_SECONDS = 1;

const MANY = { connections: 100, clients: 1000 };
const LOADS = {
  "TLS put, 1000 clients": { operation: "put", ...MANY },
  "TLS put, 100 clients": { operation: "put", connections: 10, clients: 100 },
  "TLS put, 1 client": { operation: "put", connections: 1, clients: 1 },
  "TLS range, serializable, 1000 clients": { operation: "serializable-range", ...MANY },
};

export const tlsPuts = {
  name: "tls-puts",
  title: "Puts and reads over TLS",
  about: ({ seconds }) =>
    `Certificates on both sides (P-256), TLS 1.3. Values of ${VALUE_BYTES} bytes, ${KEY_SPACE} keys, ${seconds} s each.`,
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "server CPU µs/op", digits: 1 },
    { field: "memoryMb", title: "peak memory MB", digits: 0 },
  ],
  rows: Object.keys(LOADS),

  async measure({ candidate, seconds, startServer, wants, record }) {
    const folder = runFolder(candidate.name);
    const { caFile, certFile, keyFile, dialTls } = writeCertificates(folder);
    const [securePort, healthPort] = [await freePort(), await freePort()];
    const secure = `https://127.0.0.1:${securePort}`;
    const server = await startServer({
      folder,
      healthPort,
      args: [
        ...["--listen-client-urls", `${secure},http://127.0.0.1:${healthPort}`],
        ...["--advertise-client-urls", secure],
        ...["--cert-file", certFile, "--key-file", keyFile],
        ...["--trusted-ca-file", caFile, "--client-cert-auth"],
      ],
    });
    const common = {
      port: securePort,
      serverPid: server.pid,
      valueBytes: VALUE_BYTES,
      keySpace: KEY_SPACE,
      warmupSeconds: WARMUP_SECONDS,
      tls: dialTls,
    };
    // Puts every key, so that ranges find something.
    await runLoad("closed-loop", { ...common, ...LOADS["TLS put, 100 clients"], seconds: 1 });
    for (const [row, load] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const figures = await runLoad("closed-loop", { ...common, ...load, seconds });
      record(row, { ...figures, memoryMb: server.memory().peak / 1e6 });
    }
  },
};
