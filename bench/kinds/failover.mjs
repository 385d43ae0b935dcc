/** How long a cluster takes no writes after its leader was killed. */
import { Histogram } from "../client/histogram.mjs";
import { LoadProcess } from "../harness/load-process.mjs";

const ROW = "SIGKILL of the leader";
/** Milliseconds from a full recovery until the next leader is killed. */
const PAUSE_MS = 500;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const failover = {
  name: "failover",
  title: "Time without a leader",
  about: ({ failovers }) =>
    `Three members with the default heartbeat and election time-out; puts go to each member every few ` +
    `milliseconds. The leader is killed ${failovers} times; each time, from the kill until one of the ` +
    "others acknowledges a put that was sent after it. The killed member is then started again.",
  columns: [
    { field: "p50", title: "p50 ms", digits: 0 },
    { field: "p99", title: "p99 ms", digits: 0 },
    { field: "slowest", title: "slowest ms", digits: 0, over: "max" },
    { field: "restart", title: "restart to healthy p50 ms", digits: 0 },
  ],
  rows: [ROW],

  async measure({ failovers, startCluster, wants, record }) {
    if (!wants(ROW)) return;
    const cluster = await startCluster();
    const times = new Histogram();
    const restarts = new Histogram();
    for (let round = 0; round < failovers; round++) {
      const leader = await cluster.untilLeader();
      const others = cluster.members.filter((member) => member !== leader);
      const load = new LoadProcess("first-put", { ports: others.map(({ port }) => port) });
      await load.answer();
      await sleep(PAUSE_MS);
      load.order({ since: performance.timeOrigin + performance.now() });
      await leader.end("SIGKILL");
      const { ms } = await load.answer();
      times.record(ms);
      await load.stop();
      const startMs = performance.now();
      leader.start();
      await leader.untilHealthy();
      restarts.record(performance.now() - startMs);
    }
    record(ROW, { ...times.summary(), restart: restarts.percentile(0.5) });
  },
};
