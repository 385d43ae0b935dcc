#!/usr/bin/env node
/**
 * `npm test`: installs and builds what is missing, then runs every test. Needs no rights and nothing beyond
 * the packages of package-lock.json. Tests against the real etcd run when it is found (see reference.mjs);
 * when it is not, a line at the end says so, and with ETCD_REFERENCE_REQUIRED=1 that is a failure.
 *
 * Arguments are handed to the runner: `npm test -- src/raft -t election`.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { binary, ensureBuild, ensureDependencies, runProgram } from "./project.mjs";
import { findReference } from "./reference.mjs";

/** How many tests went which way, from the runner's report; undefined when it wrote none. */
function readReport(/** @type {string} */ file) {
  if (!fs.existsSync(file)) return undefined;
  const report = JSON.parse(fs.readFileSync(file, "utf8"));
  // A file that cannot even be loaded holds no tests, but fails the run.
  const brokenFiles = report.testResults.filter(
    (/** @type {{ status: string, assertionResults: unknown[] }} */ result) =>
      result.status === "failed" && result.assertionResults.length === 0,
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests,
  };
}

function main() {
  ensureDependencies();
  ensureBuild();
  const reference = findReference();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-ts-test-"));
  try {
    const reportFile = path.join(scratch, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
    const env =
      reference === undefined ? process.env : { ...process.env, ETCD_REFERENCE: reference };
    const code = runProgram(binary("vitest"), ["run", ...reporters, ...process.argv.slice(2)], env);
    const report = readReport(reportFile);
    let failed = code !== 0;
    if (reference === undefined) {
      const required = process.env["ETCD_REFERENCE_REQUIRED"] === "1";
      failed ||= required;
      const line = "the tests against the real etcd were not run: none found (npm run reference)";
      console.log(required ? `${line}, but ETCD_REFERENCE_REQUIRED=1` : line);
    }
    const { passed, failed: failures, skipped } = report ?? { passed: 0, failed: 1, skipped: 0 };
    const skippedPart = skipped === 0 ? "" : `, ${skipped} skipped`;
    console.log(`${passed} passed, ${failures} failed${skippedPart}`);
    process.exitCode = failed ? 1 : 0;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main();
