#!/usr/bin/env node
/**
 * `npm run robustness -- --minutes 10`: three members under load while they are killed, stopped, frozen and cut
 * off from each other; see test/robustness/cluster.test.ts. Beyond what the short run of `npm test` asks, a
 * write must be taken within two election time-outs of the end of every fault.
 *
 *   --minutes 10      how long; a part of it in network namespaces, where the machine allows them
 *   --seed 7          chooses faults and load; random when absent, and printed
 *   --members real,real,real   whose programs; ours when absent
 *   --only frozen     faults whose name contains it
 *   --quiet           without a line for each fault
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { binary, ensureBuild, ensureDependencies, runProgram } from "./project.mjs";

const SEED_MAX = 1_000_000;

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    members: { type: "string", default: "ours,ours,ours" },
    only: { type: "string", default: "" },
    quiet: { type: "boolean", default: false },
  },
});

ensureDependencies();
ensureBuild();
const minutes = Number(options.minutes);
if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not "${options.minutes}"`);
const seed = options.seed ?? String(randomInt(SEED_MAX));
console.log(`seed ${seed}`);
process.exitCode = runProgram(
  binary("vitest"),
  ["run", "test/robustness/cluster.test.ts", "--disable-console-intercept"],
  {
    ...process.env,
    ROBUSTNESS_SECONDS: String(minutes * 60),
    ROBUSTNESS_SEED: seed,
    ROBUSTNESS_MEMBERS: options.members,
    ROBUSTNESS_ONLY: options.only,
    ROBUSTNESS_BOUND: "1",
    ...(options.quiet ? {} : { ROBUSTNESS_VERBOSE: "1" }),
  },
);
