/** How long an empty member takes to catch up with a large database, and what that does to puts meanwhile. */
import path from "node:path";
import {
  createMemberAddRequest,
  createMemberUpdateRequest,
  encodeMemberAddRequest,
  encodeMemberUpdateRequest,
} from "../../dist/wire/gen/rpc.js";
import { openConnection } from "../client/connection.mjs";
import { Member, statusOf } from "../harness/clusters.mjs";
import { copyOfDatabase } from "../harness/databases.mjs";
import { runFolder } from "../harness/folders.mjs";
import { LoadProcess } from "../harness/load-process.mjs";
import { freePort, listenFlags } from "../harness/servers.mjs";

const ROW = "an empty member catches up";
const PUT_RATE = 500;
const KEYS = 10_000;
const VALUE_BYTES = 256;
/** Milliseconds in which puts are measured before the member starts. */
const QUIET_MS = 4000;
const POLL_MS = 20;
const TIMEOUT_MS = 300_000;

/** 1 GB of documents: more of them than the log keeps behind its last snapshot (`--snapshot-count`). */
const PART = { prefix: "document/", keys: 105_000, count: 105_000, valueBytes: 10_000, perTxn: 1 };
const QUICK_COUNT = 10_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const catchUp = {
  name: "catch-up",
  title: "An empty member catches up",
  about: ({ quick }) =>
    `A member with ${quick ? "100 MB" : "1 GB"} of values of ${PART.valueBytes} bytes gets a learner on an ` +
    "empty folder, which it sends a snapshot: from the start of the learner's process until it has applied " +
    `all that its leader had applied then. ${PUT_RATE} puts a second go on, timed from when each was due.`,
  columns: [
    { field: "seconds", title: "caught up s", digits: 2 },
    { field: "rateMb", title: "MB/s", digits: 0 },
    { field: "quiet", title: "put p99 before ms", digits: 2 },
    { field: "p50", title: "put p50 meanwhile ms", digits: 2 },
    { field: "p99", title: "p99 ms", digits: 2 },
    { field: "slowest", title: "slowest put ms", digits: 0, over: "max" },
    { field: "senderMb", title: "peak memory of sender MB", digits: 0 },
    { field: "receiverMb", title: "of receiver MB", digits: 0 },
  ],
  rows: [ROW],

  async measure({ candidate, quick, rebuild, startServer, wants, record }) {
    if (!wants(ROW)) return;
    const count = quick ? QUICK_COUNT : PART.count;
    const parts = [{ ...PART, count, keys: count }];
    const name = quick ? "catch-up-quick" : "catch-up";
    const folder = await copyOfDatabase(candidate, name, parts, rebuild);
    const source = await startServer({ folder });
    const joiner = await admit(candidate, source);
    const load = new LoadProcess("steady-puts", {
      port: source.port,
      connections: 10,
      rate: PUT_RATE,
      keys: KEYS,
      valueBytes: VALUE_BYTES,
    });
    try {
      await load.answer();
      load.order({ stretch: "quiet" });
      await sleep(QUIET_MS);
      load.order({ stretch: "meanwhile" });
      const startMs = performance.now();
      joiner.start();
      await untilCaughtUp(source, joiner);
      const seconds = (performance.now() - startMs) / 1000;
      load.order({ end: true });
      const { quiet, meanwhile } = await load.answer();
      record(ROW, {
        ...meanwhile,
        quiet: quiet.p99,
        seconds,
        rateMb: (count * PART.valueBytes) / 1e6 / seconds,
        senderMb: source.memory().peak / 1e6,
        receiverMb: joiner.memory().peak / 1e6,
      });
    } finally {
      await load.stop();
      await joiner.end("SIGKILL");
    }
  },
};

/** Makes the lone member reachable where it listens now, and adds a learner that has not started. */
async function admit(candidate, source) {
  const connection = await openConnection(source.port, () => {});
  const { header } = await statusOf(source.port);
  const peer = `http://127.0.0.1:${source.peerPort}`;
  const update = createMemberUpdateRequest({ id: header.memberId, peerUrls: [peer] });
  await connection.ask("/etcdserverpb.Cluster/MemberUpdate", encodeMemberUpdateRequest(update));
  const [port, peerPort] = [await freePort(), await freePort()];
  const ownPeer = `http://127.0.0.1:${peerPort}`;
  const add = createMemberAddRequest({ peerUrls: [ownPeer], isLearner: true });
  await connection.ask("/etcdserverpb.Cluster/MemberAdd", encodeMemberAddRequest(add));
  connection.close();
  const folder = runFolder(`${candidate.name}-joiner`);
  return new Member(candidate, folder, port, {
    ...listenFlags(folder, port, ownPeer),
    name: path.basename(folder),
    "initial-cluster": `default=${peer},${path.basename(folder)}=${ownPeer}`,
    "initial-cluster-state": "existing",
  });
}

async function untilCaughtUp(source, joiner) {
  const { raftAppliedIndex: goal } = await statusOf(source.port);
  const deadline = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadline) {
    const status = await statusOf(joiner.port);
    if (status !== undefined && status.raftAppliedIndex >= goal) return;
    await sleep(POLL_MS);
  }
  throw new Error(`The member has not caught up after ${TIMEOUT_MS / 1000} s`);
}
