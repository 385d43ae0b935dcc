#!/usr/bin/env node
/**
 * `npm run check`: everything the gate asks beside the tests. Steps run two at a time and print only when
 * they fail; a table at the end says where the time went. Names as arguments select steps.
 */
import os from "node:os";
import { binary, collect, ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

/** @type {{ name: string, program: string, args: string[], fix: string }[]} */
const STEPS = [
  {
    name: "types",
    program: binary("tsc"),
    args: ["-p", "tsconfig.test.json"],
    fix: "tests and tools are checked by tsconfig.test.json",
  },
  {
    name: "lint",
    program: binary("oxlint"),
    args: ["--type-aware", "--tsconfig", "tsconfig.test.json", "--deny-warnings"],
    fix: "npm run fix mends what can be mended",
  },
  { name: "format", program: binary("biome"), args: ["format"], fix: "npm run fix" },
  { name: "unused", program: binary("knip"), args: [], fix: "remove what nothing uses" },
  { name: "tidy", program: process.execPath, args: ["tools/tidy.mjs"], fix: "see each line" },
  {
    name: "generated",
    program: process.execPath,
    args: ["tools/gen-proto/main.mjs", "--check"],
    fix: "npm run gen",
  },
  {
    name: "api-docs",
    program: process.execPath,
    args: ["tools/api-docs.mjs", "--check"],
    fix: "write down what is missing, then npm run docs",
  },
  {
    name: "package",
    program: process.execPath,
    args: ["tools/package/check.mjs"],
    fix: "what others would install; see each line",
  },
];

/** @returns {Promise<{ line: string, failed: boolean }>} */
async function runStep(/** @type {(typeof STEPS)[number]} */ { name, program, args, fix }) {
  const { code, output, seconds } = await collect(program, args);
  const line = `${name.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s  `;
  if (code === 0) return { line: `${line}ok`, failed: false };
  process.stdout.write(`\n--- ${name} (${fix})\n${output.trimEnd()}\n`);
  return { line: `${line}failed`, failed: true };
}

async function main() {
  process.chdir(ROOT);
  ensureDependencies();
  ensureBuild();
  const wanted = process.argv.slice(2);
  const queue = STEPS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  /** @type {{ line: string, failed: boolean }[]} */
  const results = [];
  const worker = async () => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      results.push(await runStep(step));
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, os.availableParallelism()) }, worker));
  console.log(`\n${results.map(({ line }) => line).join("\n")}`);
  const failures = results.filter(({ failed }) => failed).length;
  console.log(`checks: ${results.length - failures} passed, ${failures} failed`);
  process.exitCode = failures === 0 ? 0 : 1;
}

await main();
