/** Starts a server to be measured in a fresh data directory, and reads what the kernel knows of it. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { findReference } from "../tools/reference.mjs";

const ROOT = path.join(import.meta.dirname, "..");
const START_TIMEOUT_MS = 20_000;

/** Clock ticks a second in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const CLOCK_TICKS = 100;

/** @typedef {{ name: string, program: string, args: string[] }} Candidate */

/** The servers to compare: the real etcd first. @returns {Candidate[]} */
export function candidates() {
  const reference = findReference();
  if (reference === undefined) {
    throw new Error("Cannot compare without the real etcd: run npm run reference");
  }
  const ours = path.join(ROOT, "dist/cmd/etcd.js");
  return [
    { name: "etcd", program: path.join(reference, "etcd"), args: [] },
    { name: "etcd-ts", program: process.execPath, args: [ours] },
  ];
}

/** @param {Candidate} candidate */
export async function startServer(candidate, extraArgs = []) {
  const directory = fs.mkdtempSync(path.join(benchRoot(), `etcd-bench-${candidate.name}-`));
  const [port, peerPort] = [await freePort(), await freePort()];
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const args = [
    ...candidate.args,
    "--data-dir",
    path.join(directory, "data"),
    "--listen-client-urls",
    client,
    "--advertise-client-urls",
    client,
    "--listen-peer-urls",
    peer,
    "--initial-advertise-peer-urls",
    peer,
    "--initial-cluster",
    `default=${peer}`,
    "--quota-backend-bytes",
    String(8 * 1024 ** 3),
    ...extraArgs,
  ];
  const log = fs.openSync(path.join(directory, "log"), "w");
  const child = spawn(candidate.program, args, { stdio: ["ignore", log, log] });
  fs.closeSync(log);
  await untilHealthy(port, child, path.join(directory, "log"));
  const pid = child.pid ?? 0;
  return {
    port,
    directory,
    cpuSeconds: () => cpuSeconds(pid),
    peakMemoryBytes: () => peakMemoryBytes(pid),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Where data goes: a real disk, or the durability of writes costs nothing. */
function benchRoot() {
  const root = process.env["BENCH_DIRECTORY"] ?? path.join(ROOT, ".bench");
  fs.mkdirSync(root, { recursive: true });
  return fs.existsSync(root) ? root : os.tmpdir();
}

function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function peakMemoryBytes(pid) {
  const match = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  return match === null ? Number.NaN : Number(match[1]) * 1024;
}

/** @returns {Promise<number>} */
function freePort() {
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

async function untilHealthy(port, child, logFile) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/health`);
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Server did not start:\n${fs.readFileSync(logFile, "utf8").slice(-2000)}`);
}
