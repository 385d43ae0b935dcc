/**
 * Runs the same loads against the real etcd and this one in turn, and prints them side by side; see
 * bench/README.md.
 *
 *   npm run bench                                      everything
 *   npm run bench -- --only watch                      kinds or rows with that in their name
 *   npm run bench -- --quick                           whether it all works, in a few minutes
 *   npm run bench -- --seconds 5 --rounds 3 --readme   and write the tables into README.md
 */
import { parseArgs } from "node:util";
import { ensureBuild, ensureDependencies } from "../tools/project.mjs";

ensureDependencies();
ensureBuild();

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string" },
    rounds: { type: "string" },
    // How often the leader of a cluster is killed in a round.
    failovers: { type: "string" },
    // Kinds and rows whose name contains this; may be given several times.
    only: { type: "string", multiple: true, default: [""] },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    // Puts each table between its markers of README.md.
    readme: { type: "boolean", default: false },
    // One server alone: etcd or etcd-ts.
    server: { type: "string" },
    // A folder for CPU profiles of ours.
    profile: { type: "string" },
    // Builds the large databases anew.
    rebuild: { type: "boolean", default: false },
  },
});

/** @returns {number} */
function positive(name, text) {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return number;
}

try {
  // What it imports is built by now.
  const { runKinds } = await import("./harness/runner.mjs");
  const complete = await runKinds({
    ...options,
    seconds: positive("seconds", options.seconds ?? (options.quick ? "1" : "4")),
    failovers: Math.ceil(positive("failovers", options.failovers ?? (options.quick ? "3" : "50"))),
    rounds: Math.ceil(positive("rounds", options.rounds ?? (options.quick ? "1" : "3"))),
  });
  process.exitCode = complete ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
