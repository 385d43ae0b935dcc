/** docs/embedding.md is true: its programs run as they are printed, and print what it says. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fitsExpected } from "../harness/guide-runner.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PAGE = fs.readFileSync(path.join(ROOT, "docs", "embedding.md"), "utf8");
const PROGRAM = /^```js\n([\s\S]*?)^```\n(?:\n?```text\n([\s\S]*?)^```\n)?/gm;

const programs = [...PAGE.matchAll(PROGRAM)].map(({ 1: code = "", 2: expected, index }) => ({
  code,
  expected,
  line: PAGE.slice(0, index).split("\n").length,
}));

describe("docs/embedding.md", () => {
  let folder = "";

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "embed-page-"));
    fs.mkdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync(ROOT, path.join(folder, "node_modules", "etcd-ts"));
    fs.writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
  });

  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test("has programs", () => {
    expect(programs.length).toBeGreaterThanOrEqual(5);
  });

  test.each(programs)(
    "the program at line $line runs as it is printed",
    { timeout: 60_000 },
    ({ code, expected, line }) => {
      const file = path.join(folder, `line${line}.js`);
      fs.writeFileSync(file, code);
      const options = { cwd: folder, encoding: "utf8", timeout: 50_000 } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], options);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      if (expected === undefined) return;
      expect(fitsExpected(stdout, expected), `it printed:\n${stdout}`).toBe(true);
    },
  );
});
