/** Puts a second into a cluster of three members on one machine. */
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const KEY_SPACE = 10_000;
const WARMUP_SECONDS = 1;
/** Seconds of puts before anything is measured. */
const WARM_SECONDS = 2;

const LOADS = {
  "put, 1 client": { connections: 1, clients: 1, spread: false },
  "put, 100 clients": { connections: 10, clients: 100, spread: false },
  "put, 1000 clients": { connections: 100, clients: 1000, spread: false },
  "put, 1000 clients of all members": { connections: 102, clients: 1000, spread: true },
};

export const clusterPuts = {
  name: "cluster-puts",
  title: "Puts into three members",
  about: ({ seconds }) =>
    `Values of ${VALUE_BYTES} bytes, ${KEY_SPACE} keys, ${seconds} s each. Clients are connected to the ` +
    "leader; in the last load, to all members in turn.",
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "CPU of all members µs/op", digits: 1 },
    { field: "memoryMb", title: "peak memory of the leader MB", digits: 0 },
  ],
  rows: Object.keys(LOADS),

  async measure({ seconds, startCluster, wants, record }) {
    const cluster = await startCluster();
    // Code that was just loaded is slow in some servers; nobody's cluster stays so.
    await putInto(cluster, LOADS["put, 100 clients"], WARM_SECONDS);
    for (const [row, load] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const { leader, figures } = await putInto(cluster, load, seconds);
      record(row, { ...figures, memoryMb: leader.memory().peak / 1e6 });
    }
  },
};

async function putInto(cluster, { spread, ...load }, seconds) {
  const leader = await cluster.untilLeader();
  const figures = await runLoad("closed-loop", {
    ...load,
    port: spread ? cluster.members.map(({ port }) => port) : leader.port,
    serverPid: cluster.members.map(({ pid }) => pid),
    operation: "put",
    valueBytes: VALUE_BYTES,
    keySpace: KEY_SPACE,
    warmupSeconds: WARMUP_SECONDS,
    seconds,
  });
  return { leader, figures };
}
