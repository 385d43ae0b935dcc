/** Many leases that expire at once, and what it does to puts. */
import { runLoad } from "../harness/load-process.mjs";

const SIZES = { leases: 10_000, ttlSeconds: 20 };
const QUICK_SIZES = { leases: 2000, ttlSeconds: 8 };
const PUT_RATE = 1000;
const VALUE_BYTES = 256;
/** Seconds after the first expiry until every key must be gone. */
const TIMEOUT_SECONDS = 90;
const ROW = "leases that expire within one second";

export const leaseExpiry = {
  name: "lease-expiry",
  title: "Leases that expire at once",
  about: ({ quick }) =>
    `${(quick ? QUICK_SIZES : SIZES).leases} leases with a key each; ` +
    `${PUT_RATE} puts a second of ${VALUE_BYTES} bytes before and meanwhile, timed from when each ` +
    "was due. A watcher of the keys tells when they go.",
  columns: [
    { field: "allGone", title: "all keys gone after s", digits: 2 },
    { field: "lateP50", title: "a key gone after p50 s", digits: 2 },
    { field: "quietP99", title: "put p99 before ms", digits: 2 },
    { field: "p99", title: "put p99 meanwhile ms", digits: 2 },
    { field: "slowest", title: "slowest put ms", digits: 1, over: "max" },
    { field: "failed", title: "failed puts", digits: 0, over: "max" },
  ],
  rows: [ROW],

  async measure({ quick, startServer, wants, record }) {
    if (!wants(ROW)) return;
    const server = await startServer();
    const figures = await runLoad("lease-expiry", {
      ...(quick ? QUICK_SIZES : SIZES),
      port: server.port,
      connections: 10,
      rate: PUT_RATE,
      valueBytes: VALUE_BYTES,
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    record(ROW, figures);
  },
};
