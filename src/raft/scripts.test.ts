/**
 * Runs every script of raft: the project's own in testdata/, and, where they are found, the conformance
 * scripts that any implementation of the same algorithm reproduces byte for byte.
 *
 * RAFT_TESTDATA names the folder of the conformance scripts (default: beside the repository).
 * RAFT_TESTDATA_REQUIRED=1 makes their absence a failure.
 */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runScript } from "../../test/harness/datadriven.ts";
import type { Directive } from "../../test/harness/datadriven.ts";
import { createConfChangeScript } from "../../test/harness/raft-confchange-script.ts";
import { createInteraction } from "../../test/harness/raft-interaction.ts";
import { answerQuorumDirective } from "../../test/harness/raft-quorum-script.ts";

type Runner = () => (directive: Directive) => string;

const RUNNERS: ReadonlyMap<string, Runner> = new Map<string, Runner>([
  ["interaction", createInteraction],
  ["confchange", createConfChangeScript],
  ["quorum", () => answerQuorumDirective],
]);

const here = dirname(fileURLToPath(import.meta.url));
const shared =
  process.env["RAFT_TESTDATA"] ?? join(here, "..", "..", "..", "shared", "raft-testdata");

function scriptsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => join(folder, name));
}

function testScripts(folder: string, kind: string, own: boolean): void {
  const runner = RUNNERS.get(kind);
  if (runner === undefined) throw new Error(`Cannot run scripts of kind ${kind}`);
  for (const path of scriptsIn(folder)) {
    test(`${path.slice(folder.length + 1)} prints what it says`, () => {
      const { expected, actual } = runScript(path, runner(), own);
      expect(actual).toBe(expected);
    });
  }
}

describe("own scripts", () => {
  for (const kind of RUNNERS.keys()) testScripts(join(here, "testdata", kind), kind, true);
});

describe("conformance scripts", () => {
  const kinds = [...RUNNERS.keys()].filter((kind) => scriptsIn(join(shared, kind)).length > 0);
  if (kinds.length === 0) {
    const text = `conformance scripts were not run: there are none in ${shared} (RAFT_TESTDATA)`;
    if (process.env["RAFT_TESTDATA_REQUIRED"] === "1") {
      test("are there", () => expect.fail(text));
    } else {
      test.skip(text, () => {});
    }
  }
  for (const kind of kinds) {
    describe(kind, () => testScripts(join(shared, kind), kind, false));
  }
});
