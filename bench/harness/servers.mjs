/** The servers that are compared, each run in a data directory of its own. */
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { findReference } from "../../tools/reference.mjs";
import { startChild, untilEnded } from "./children.mjs";
import { processMemory } from "./process-figures.mjs";

const ROOT = path.join(import.meta.dirname, "../..");
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const HEALTH_POLL_MS = 5;
const QUOTA_BYTES = 8 * 1024 ** 3;

/** @typedef {{ name: "etcd" | "etcd-ts", program: string, args: string[] }} Candidate */

/**
 * The servers to compare: the real etcd first.
 * @param {string | undefined} profileFolder where the runs of ours leave their CPU profiles
 * @returns {Candidate[]}
 */
export function candidates(profileFolder) {
  const reference = findReference();
  if (reference === undefined) {
    throw new Error("Cannot compare without the real etcd: run npm run reference");
  }
  const ours = path.join(ROOT, "dist/bin/etcd.cjs");
  const profiling =
    profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  return [
    { name: "etcd", program: path.join(reference, "etcd"), args: [] },
    { name: "etcd-ts", program: process.execPath, args: [...profiling, ours] },
  ];
}

/** A server that runs, in `folder`/data. */
export class Server {
  #child;
  folder;
  port;
  peerPort;
  pid;
  /** Seconds from the start of the process until it said that it is healthy. */
  startSeconds;

  constructor(child, folder, port, peerPort, startSeconds) {
    this.#child = child;
    this.folder = folder;
    this.port = port;
    this.peerPort = peerPort;
    this.pid = child.pid;
    this.startSeconds = startSeconds;
  }

  memory() {
    return processMemory(this.pid);
  }

  /** Ends it; its data stays. */
  async stop() {
    this.#child.kill("SIGTERM");
    await untilEnded(this.#child, STOP_TIMEOUT_MS);
  }

  removeData() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** The end of its log: why it went wrong, perhaps. */
  lastLog() {
    return fs.readFileSync(path.join(this.folder, "log"), "utf8").slice(-2000);
  }
}

/**
 * Starts a server on what is in `folder`, and waits until it is healthy.
 * @param {Candidate} candidate
 * @param {string} folder
 * @param {string[]} [extraArgs]
 * @param {number} [healthPort] where it says so without TLS, when `extraArgs` have it listen elsewhere
 */
export async function startServer(candidate, folder, extraArgs = [], healthPort) {
  const [port, peerPort] = [healthPort ?? (await freePort()), await freePort()];
  const peer = `http://127.0.0.1:${peerPort}`;
  const flags = { ...listenFlags(folder, port, peer), "initial-cluster": `default=${peer}` };
  const startMs = performance.now();
  const child = spawnServer(candidate, folder, flags, extraArgs);
  await untilHealthy(port, child, path.join(folder, "log"));
  return new Server(child, folder, port, peerPort, (performance.now() - startMs) / 1000);
}

/** What every member is told: where it listens, where its data is. */
export function listenFlags(folder, port, peer) {
  const client = `http://127.0.0.1:${port}`;
  return {
    "data-dir": path.join(folder, "data"),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "quota-backend-bytes": String(QUOTA_BYTES),
  };
}

/** Starts a server, and does not wait for it; its log goes to `folder`/log. */
export function spawnServer(candidate, folder, flags, extraArgs = []) {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const log = fs.openSync(path.join(folder, "log"), "a");
  const child = startChild(candidate.program, [...candidate.args, ...args, ...extraArgs], {
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  return child;
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}

export async function untilHealthy(port, child, logFile) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await isHealthy(port)) return;
    await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS));
  }
  child.kill("SIGKILL");
  throw new Error(`Server did not start:\n${fs.readFileSync(logFile, "utf8").slice(-2000)}`);
}

/** @returns {Promise<boolean>} */
function isHealthy(port) {
  return new Promise((resolve) => {
    const request = http.get(
      { port, host: "127.0.0.1", path: "/health", agent: false },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    request.on("error", () => resolve(false));
  });
}
