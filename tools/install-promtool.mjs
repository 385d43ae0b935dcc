#!/usr/bin/env node
/**
 * Brings promtool, the checker of Prometheus for alert rules, into the git-ignored `.promtool/`, for the tests of
 * docs/operate/monitoring. Nothing is installed on the machine, as in install-reference.mjs. Already there: does
 * nothing.
 *
 * Usage: node tools/install-promtool.mjs
 */
import path from "node:path";
import { takePrograms, withPackages } from "./install-reference.mjs";
import { findPromtool, PROMTOOL_FOLDER } from "./promtool.mjs";

/** The last suite whose package of Prometheus has it. */
const SUITE = "bookworm";

try {
  const shown = path.relative(process.cwd(), PROMTOOL_FOLDER) || ".";
  if (findPromtool() === undefined) {
    withPackages(SUITE, ["prometheus"], (root) =>
      takePrograms(root, ["promtool"], PROMTOOL_FOLDER),
    );
    if (findPromtool() === undefined) throw new Error("Cannot run the promtool that was fetched");
    console.log(`put promtool into ${shown}/`);
  } else {
    console.log(`promtool is already in ${shown}/`);
  }
} catch (error) {
  console.error(`install-promtool: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
