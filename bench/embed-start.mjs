#!/usr/bin/env node
/**
 * How long a program waits for members inside it: `node bench/embed-start.mjs [processes]`, 20 by default, each a fresh
 * one. Milliseconds of the built package: to import it, until a first temporary member has answered a put, for the
 * whole life of a later one, and until three members in one cluster have answered one. The fastest says what the
 * work takes, the median what it took here.
 */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

const ENTRY = pathToFileURL(path.join(import.meta.dirname, "..", "dist", "lib", "embed.js")).href;
const PROCESSES = Number(process.argv[2] ?? 20);

const PROGRAM = `
  let lastMs = performance.now();
  const times = {};
  const took = (name) => {
    times[name] = performance.now() - lastMs;
    lastMs = performance.now();
  };
  const { startCluster, startEtcd } = await import(${JSON.stringify(ENTRY)});
  took("import");
  const first = await startEtcd({ temporary: true });
  await first.client.kv.put("key", "value");
  took("first member until a put");
  await first.stop();
  lastMs = performance.now();
  const later = await startEtcd({ temporary: true });
  await later.client.kv.put("key", "value");
  await later.stop();
  took("later member, a put, its stop");
  const cluster = await startCluster();
  await cluster.client.kv.put("key", "value");
  took("cluster of three until a put");
  await cluster.stop();
  console.log(JSON.stringify(times));
`;

/** @type {Record<string, number>[]} */
const runs = [];
for (let run = 0; run < PROCESSES; run++) {
  const args = ["--input-type=module", "--eval", PROGRAM];
  runs.push(JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })));
}
console.log(`${"".padEnd(32)} fastest  median`);
for (const name of Object.keys(runs[0])) {
  const times = runs.map((run) => run[name]).sort((a, b) => a - b);
  const shown = [times[0], times[times.length >> 1]].map((ms) => ms.toFixed(0).padStart(7));
  console.log(`${name.padEnd(32)} ${shown.join(" ")}`);
}
