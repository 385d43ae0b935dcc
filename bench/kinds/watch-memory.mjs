/** What a watcher costs that waits. */
import { runLoad } from "../harness/load-process.mjs";

/** Watchers, or streams: many, so that what a server does beside them is nothing in comparison. */
const LOADS = {
  "watchers of different keys, on 100 streams": {
    streams: 100,
    watchers: 100_000,
    addedStreams: 0,
  },
  "streams with one watcher each": { streams: 100, watchers: 0, addedStreams: 20_000 },
};
const QUICK_PART = 0.1;
const CONNECTIONS = 20;
/** Seconds at rest before memory is read: collectors give back what the start needed. */
const SETTLE_SECONDS = 8;
const QUICK_SETTLE_SECONDS = 1;

export const watchMemory = {
  name: "watch-memory",
  title: "Memory of idle watchers",
  about: ({ quick }) => {
    const [watchers, streams] = Object.values(LOADS).map((load) => sizesOf(load, quick));
    return (
      `Resident memory after less resident memory before, of ${watchers.watchers} watchers and of ` +
      `${streams.addedStreams} streams on ${CONNECTIONS} connections.`
    );
  },
  columns: [
    { field: "bytesEach", title: "bytes each", digits: 0 },
    { field: "createdRate", title: "created /s", digits: 0 },
    { field: "resident", title: "resident then MB", digits: 0 },
    { field: "peak", title: "peak MB", digits: 0 },
  ],
  rows: Object.keys(LOADS),

  async measure({ quick, startServer, stopServer, wants, record }) {
    for (const [row, load] of Object.entries(LOADS)) {
      if (!wants(row)) continue;
      const server = await startServer();
      const figures = await runLoad("idle-watchers", {
        ...sizesOf(load, quick),
        port: server.port,
        serverPid: server.pid,
        connections: CONNECTIONS,
        settleSeconds: quick ? QUICK_SETTLE_SECONDS : SETTLE_SECONDS,
      });
      record(row, figures);
      await stopServer(server);
    }
  },
};

function sizesOf({ streams, watchers, addedStreams }, quick) {
  const part = quick ? QUICK_PART : 1;
  return { streams, watchers: watchers * part, addedStreams: addedStreams * part };
}
