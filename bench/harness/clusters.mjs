/** Clusters of three members on this machine, all of one candidate. */
import fs from "node:fs";
import path from "node:path";
import { decodeStatusResponse } from "../../dist/wire/gen/rpc.js";
import { openConnection } from "../client/connection.mjs";
import { untilEnded } from "./children.mjs";
import { runFolder } from "./folders.mjs";
import { processMemory } from "./process-figures.mjs";
import { freePort, listenFlags, spawnServer, untilHealthy } from "./servers.mjs";

const SIZE = 3;
const STOP_TIMEOUT_MS = 60_000;
const LEADER_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const STATUS = "/etcdserverpb.Maintenance/Status";
const NOTHING = new Uint8Array(0);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One member, in `folder`/data. */
export class Member {
  #candidate;
  #flags;
  #child;
  folder;
  port;

  constructor(candidate, folder, port, flags) {
    this.#candidate = candidate;
    this.folder = folder;
    this.port = port;
    this.#flags = flags;
  }

  get pid() {
    return this.#child.pid;
  }

  /** Starts the process, and does not wait for it. */
  start() {
    this.#child = spawnServer(this.#candidate, this.folder, this.#flags);
  }

  untilHealthy() {
    return untilHealthy(this.port, this.#child, path.join(this.folder, "log"));
  }

  /** Ends the process; data stays. */
  async end(signal) {
    this.#child.kill(signal);
    await untilEnded(this.#child, STOP_TIMEOUT_MS);
  }

  memory() {
    return processMemory(this.pid);
  }
}

/** Members that run. */
export class Cluster {
  /** @type {Member[]} */
  members;

  constructor(members) {
    this.members = members;
  }

  /** The member that all of the others follow; waits for one. */
  async untilLeader() {
    const deadline = performance.now() + LEADER_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const statuses = await Promise.all(this.members.map(({ port }) => statusOf(port)));
      const leaders = new Set(statuses.map((status) => status?.leader ?? 0n));
      const at = statuses.findIndex((status) => status?.leader === status?.header.memberId);
      if (leaders.size === 1 && at >= 0 && !leaders.has(0n)) return this.members[at];
      await sleep(POLL_MS);
    }
    throw new Error("The cluster has no leader that all members follow");
  }

  async stop() {
    await Promise.all(this.members.map((member) => member.end("SIGTERM")));
  }

  removeData() {
    for (const { folder } of this.members) fs.rmSync(folder, { recursive: true, force: true });
  }

  /** The ends of the logs. */
  lastLog() {
    const logs = this.members.map(({ folder }) =>
      fs.readFileSync(path.join(folder, "log"), "utf8"),
    );
    return logs.map((log) => log.slice(-2000)).join("\n---\n");
  }
}

/** Starts a cluster in fresh folders, and waits until all members are healthy. */
export async function startCluster(candidate) {
  const places = [];
  for (let at = 0; at < SIZE; at++) {
    const peer = `http://127.0.0.1:${await freePort()}`;
    places.push({ name: `m${at + 1}`, peer, port: await freePort() });
  }
  const initial = places.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const members = places.map(({ name, peer, port }) => {
    const folder = runFolder(`${candidate.name}-${name}`);
    const flags = { ...listenFlags(folder, port, peer), name, "initial-cluster": initial };
    return new Member(candidate, folder, port, flags);
  });
  const cluster = new Cluster(members);
  for (const member of members) member.start();
  try {
    await Promise.all(members.map((member) => member.untilHealthy()));
    await cluster.untilLeader();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** What a member says of itself; undefined when it does not answer. */
export async function statusOf(port) {
  let fail = () => {};
  const lost = new Promise((_resolve, reject) => (fail = reject));
  let connection;
  try {
    connection = await openConnection(port, (reason) => fail(new Error(reason)));
    return decodeStatusResponse(await Promise.race([connection.ask(STATUS, NOTHING), lost]));
  } catch {
    // It does not run, or has just ended.
    return undefined;
  } finally {
    connection?.close();
  }
}
