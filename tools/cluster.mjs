#!/usr/bin/env node
/**
 * `npm run cluster`: three members on this machine, for people who want to try. They have the ports of etcd's
 * Procfile and keep their data and logs in ./default-cluster. Ctrl-C stops them all.
 *
 *   --data-dir=DIR             another place for data and logs
 *   --ports=2379,22379,32379   other ports for clients; peers have the next one each
 *
 * A line with the number of a member stops it, or starts it again.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { parseArgs } from "node:util";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

const HEALTH_POLL_MS = 100;
const HEALTH_TIMEOUT_MS = 30_000;

/** Milliseconds that members get to stop before they are killed. */
const STOP_TIMEOUT_MS = 20_000;

const { values } = parseArgs({
  options: {
    "data-dir": { type: "string", default: "default-cluster" },
    ports: { type: "string", default: "2379,22379,32379" },
  },
});
const ports = values.ports.split(",").map(Number);
if (ports.length !== 3 || ports.some((port) => !Number.isInteger(port) || port < 1)) {
  console.error(`--ports takes three ports, such as 2379,22379,32379; it was "${values.ports}"`);
  process.exit(2);
}
const folder = path.resolve(values["data-dir"]);
const isKnown = fs.existsSync(folder);

ensureDependencies();
ensureBuild();
fs.mkdirSync(folder, { recursive: true });

/** @typedef {{ name: string, client: string, peer: string, child: import("node:child_process").ChildProcess | undefined }} Member */

/** @type {Member[]} */
const members = ports.map((port, at) => ({
  name: `infra${at + 1}`,
  client: `http://127.0.0.1:${port}`,
  peer: `http://127.0.0.1:${port + 1}`,
  child: undefined,
}));
const initialCluster = members.map(({ name, peer }) => `${name}=${peer}`).join(",");
let isStopping = false;

function logOf(/** @type {Member} */ { name }) {
  return path.join(folder, `${name}.log`);
}

function start(/** @type {Member} */ member) {
  const { name, client, peer } = member;
  const log = fs.openSync(logOf(member), "a");
  const flags = [
    `--name=${name}`,
    `--data-dir=${path.join(folder, `${name}.etcd`)}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${initialCluster}`,
    "--initial-cluster-token=etcd-cluster-1",
    "--initial-cluster-state=new",
  ];
  const child = spawn(process.execPath, [path.join(ROOT, "dist/bin/etcd.cjs"), ...flags], {
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  member.child = child;
  child.once("exit", (code, signal) => {
    member.child = undefined;
    if (isStopping) return;
    console.log(
      `${name} has ended (${signal ?? `exit code ${code}`}); its log is ${logOf(member)}`,
    );
  });
}

async function isHealthy(/** @type {Member} */ { client }) {
  try {
    const answer = await fetch(`${client}/health`, { signal: AbortSignal.timeout(1000) });
    return answer.ok;
  } catch {
    // It does not listen yet, or waits for the others.
    return false;
  }
}

/** Whether all are healthy in time. */
async function untilHealthy() {
  const deadline = Date.now() + HEALTH_TIMEOUT_MS;
  for (const member of members) {
    while (!(await isHealthy(member))) {
      if (member.child === undefined || Date.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS));
    }
  }
  return true;
}

/** @returns {Promise<void>} */
function stop(/** @type {Member} */ { child }, /** @type {NodeJS.Signals} */ signal) {
  if (child === undefined) return Promise.resolve();
  const timeout = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  return new Promise((resolve) => {
    child.once("exit", () => {
      clearTimeout(timeout);
      resolve();
    });
    child.kill(signal);
  });
}

async function stopAll(/** @type {number} */ code) {
  isStopping = true;
  await Promise.all(members.map((member) => stop(member, "SIGTERM")));
  process.exit(code);
}

function explain() {
  const endpoints = members.map(({ client }) => client.slice("http://".length)).join(",");
  const etcdctl = `npx etcdctl --endpoints=${endpoints}`;
  const list = members.map(({ name, client, child }) => `  ${name}  ${client}  pid ${child?.pid}`);
  console.log(`
Three members serve, ${isKnown ? "with the data that was" : "with nothing"} in ${folder}:

${list.join("\n")}

In another terminal:

  ${etcdctl} endpoint status -w table
  ${etcdctl} put greeting "hello"
  ${etcdctl} get greeting
  ${etcdctl} member list -w table

Type 1, 2 or 3 here to stop a member, and again to start it: with one of them down all goes on, with two
writes wait. Ctrl-C stops all; their data and logs stay.
`);
}

async function toggle(/** @type {string} */ line) {
  const member = members[Number(line.trim()) - 1];
  if (member === undefined) {
    if (line.trim() !== "") console.log("Type 1, 2 or 3, or Ctrl-C to stop all.");
  } else if (member.child === undefined) {
    console.log(`starting ${member.name}`);
    start(member);
  } else {
    console.log(`stopping ${member.name}`);
    await stop(member, "SIGTERM");
  }
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, () => void stopAll(0));
}
for (const member of members) start(member);
if (await untilHealthy()) {
  explain();
  readline.createInterface({ input: process.stdin }).on("line", (line) => void toggle(line));
} else if (!isStopping) {
  const down = members.filter(({ child }) => child === undefined);
  const named = (down.length > 0 ? down : members).map(logOf).join(", ");
  console.error(`Cannot start the cluster; the end of ${named} says why`);
  await stopAll(1);
}
