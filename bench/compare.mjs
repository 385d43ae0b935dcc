/**
 * Runs the same loads against the real etcd and this one in turn, and prints them side by side.
 *
 *   npm run bench                 every load, a few seconds each
 *   npm run bench -- --seconds 5 --rounds 3 --only put
 *
 * Ratios are what counts: the two servers run alternately, `rounds` times, and the median of each figure
 * is shown. Server CPU and memory are the kernel's figures for the server's process alone.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureBuild, ensureDependencies } from "../tools/project.mjs";
import { candidates, startServer } from "./servers.mjs";

ensureDependencies();
ensureBuild();

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
    // Puts the table between the markers of README.md.
    readme: { type: "boolean", default: false },
  },
});

const LOADS = [
  { name: "put, 1000 clients", operation: "put", connections: 100, clients: 1000 },
  { name: "put, 100 clients", operation: "put", connections: 10, clients: 100 },
  { name: "put, 1 client", operation: "put", connections: 1, clients: 1 },
  {
    name: "range, linearizable, 1000 clients",
    operation: "range",
    connections: 100,
    clients: 1000,
  },
  {
    name: "range, serializable, 1000 clients",
    operation: "serializable-range",
    connections: 100,
    clients: 1000,
  },
].filter((load) => load.name.includes(options.only));

const KEY_SPACE = 10_000;
const VALUE_BYTES = 256;

/** @type {Map<string, Record<string, object[]>>} */
const results = new Map(LOADS.map((load) => [load.name, {}]));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const candidate of candidates()) {
    const server = await startServer(candidate);
    try {
      if (LOADS.some((load) => load.operation !== "put")) fill(server.port);
      for (const load of LOADS) {
        const figures = measure(server, load);
        const rows = results.get(load.name);
        (rows[candidate.name] ??= []).push(figures);
        process.stderr.write(
          `round ${round + 1}  ${candidate.name.padEnd(8)} ${load.name}: ${Math.round(figures.rate)}/s\n`,
        );
      }
    } finally {
      await server.stop();
    }
  }
}
print();

/** Puts every key once, so that ranges find something. */
function fill(port) {
  run({ port, connections: 10, clients: 100, operation: "put", seconds: 1, warmupSeconds: 0.5 });
}

function measure(server, load) {
  const cpuBefore = server.cpuSeconds();
  const report = run({
    ...load,
    port: server.port,
    seconds: Number(options.seconds),
    warmupSeconds: 1,
  });
  // CPU covers the warm-up too, so it is divided by the calls of both, at the measured rate.
  const seconds = Number(options.seconds) + 1;
  const cpuUs = ((server.cpuSeconds() - cpuBefore) * 1e6) / (report.rate * seconds);
  return { ...report, cpuUs, memoryMb: server.peakMemoryBytes() / 1e6 };
}

function run(load) {
  const argument = JSON.stringify({ valueBytes: VALUE_BYTES, keySpace: KEY_SPACE, ...load });
  const result = spawnSync(
    process.execPath,
    [path.join(import.meta.dirname, "load.mjs"), argument],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const report = JSON.parse(result.stdout);
  if (report.failures > 0)
    throw new Error(`${report.failures} calls failed: ${report.firstFailure}`);
  return report;
}

function median(rows, field) {
  const sorted = rows.map((row) => row[field]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function print() {
  const summary = [...results].map(([name, rows]) => ({
    name,
    real: summarise(rows["etcd"]),
    ours: summarise(rows["etcd-ts"]),
  }));
  if (options.json) {
    console.log(JSON.stringify(summary, null, 2));
    return;
  }
  const table = tableOf(summary);
  console.log(table);
  if (options.readme) writeReadme(table);
}

function tableOf(summary) {
  const processor = os.cpus()[0]?.model.trim();
  const lines = [
    `${os.cpus().length} cores (${processor}), shared with the load generator; Node ${process.version}; ` +
      `values of ${VALUE_BYTES} bytes; median of ${options.rounds} rounds of ${options.seconds} s:`,
    "",
    "| load | | rate /s | p50 ms | p99 ms | server CPU µs/op | peak memory MB |",
    "|---|---|--:|--:|--:|--:|--:|",
  ];
  for (const { name, real, ours } of summary) {
    lines.push(row(name, "etcd 3.5", real), row("", "etcd-ts", ours));
    const ratio = (field) => `**${(ours[field] / real[field]).toFixed(2)}**`;
    const ratios = ["rate", "p50", "p99", "cpuUs", "memoryMb"].map(ratio).join(" | ");
    lines.push(`| | ratio | ${ratios} |`);
  }
  return lines.join("\n");
}

function writeReadme(table) {
  const file = path.join(import.meta.dirname, "../README.md");
  const command = `npm run bench -- --seconds ${options.seconds} --rounds ${options.rounds}`;
  const text = fs.readFileSync(file, "utf8");
  const start = "<!-- numbers: written by the benchmark -->";
  const section = `${start}\n\n\`${command}\`\n\n${table}\n\n<!-- end of numbers -->`;
  fs.writeFileSync(
    file,
    text.replace(/<!-- numbers[^]*?<!-- end of numbers -->/, () => section),
  );
}

function summarise(rows) {
  const fields = ["rate", "p50", "p99", "cpuUs", "memoryMb"];
  return Object.fromEntries(fields.map((field) => [field, median(rows, field)]));
}

function row(name, server, figures) {
  const { rate, p50, p99, cpuUs, memoryMb } = figures;
  return `| ${name} | ${server} | ${Math.round(rate)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${cpuUs.toFixed(1)} | ${Math.round(memoryMb)} |`;
}
