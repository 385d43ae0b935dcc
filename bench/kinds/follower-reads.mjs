/** Reads through a follower: linearizable ones, for which it asks the leader, and serializable ones. */
import { runLoad } from "../harness/load-process.mjs";

const VALUE_BYTES = 256;
const KEY_SPACE = 10_000;
const WARMUP_SECONDS = 1;

const MANY = { connections: 100, clients: 1000 };
const LOADS = {
  "range, linearizable, 1 client": { operation: "range", connections: 1, clients: 1 },
  "range, linearizable, 100 clients": { operation: "range", connections: 10, clients: 100 },
  "range, linearizable, 1000 clients": { operation: "range", ...MANY },
  "range, serializable, 1000 clients": { operation: "serializable-range", ...MANY },
};

export const followerReads = {
  name: "follower-reads",
  title: "Reads through a follower",
  about: ({ seconds }) =>
    `Three members, one of which is asked that does not lead; values of ${VALUE_BYTES} bytes, ` +
    `${KEY_SPACE} keys, ${seconds} s each.`,
  columns: [
    { field: "rate", title: "rate /s", digits: 0 },
    { field: "p50", title: "p50 ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "cpuUs", title: "CPU of all members µs/op", digits: 1 },
  ],
  rows: Object.keys(LOADS),

  async measure({ seconds, startCluster, wants, record }) {
    const cluster = await startCluster();
    const leader = await cluster.untilLeader();
    const follower = cluster.members.find((member) => member !== leader);
    const common = {
      port: follower.port,
      serverPid: cluster.members.map(({ pid }) => pid),
      valueBytes: VALUE_BYTES,
      keySpace: KEY_SPACE,
      warmupSeconds: WARMUP_SECONDS,
    };
    // Puts every key, so that ranges find something.
    const fill = { operation: "put", connections: 10, clients: 100, seconds: 1 };
    await runLoad("closed-loop", { ...common, ...fill });
    for (const [row, load] of Object.entries(LOADS)) {
      if (wants(row)) record(row, await runLoad("closed-loop", { ...common, ...load, seconds }));
    }
  },
};
