#!/usr/bin/env node
/**
 * `npm run docs`: the documents of what the package exports, docs/api/, from the docstrings. With `--check` it writes
 * nothing, and fails when something exported is not written down, or when docs/api/ is not what would be written.
 *
 * typedoc needs a TypeScript with an API in JavaScript, which the one that builds this repository does not have: both are
 * a package of their own in tools/api-docs/, installed from its lock when they are needed.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureDependenciesOf, ROOT } from "./project.mjs";

const TOOL = path.join("tools", "api-docs");
const DOCUMENTS = path.join("docs", "api");

/** Runs typedoc; ends this program when it finds something. */
function generate(/** @type {string} */ folder) {
  ensureDependenciesOf(TOOL);
  const typedoc = path.join(ROOT, TOOL, "node_modules", "typedoc", "bin", "typedoc");
  const options = ["--options", path.join(ROOT, TOOL, "typedoc.json"), "--out", folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, ...options], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status === 0) return;
  console.log(`${stdout}${stderr}`.trimEnd());
  process.exit(1);
}

/** The files below `folder`, with what is in them. @returns {Map<string, string>} */
function filesOf(/** @type {string} */ folder) {
  if (!fs.existsSync(folder)) return new Map();
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file), fs.readFileSync(file, "utf8")];
    }),
  );
}

/** Which documents are not what they would be if they were written now. */
function staleDocuments() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "api-docs-"));
  try {
    generate(folder);
    const wanted = filesOf(folder);
    const found = filesOf(path.join(ROOT, DOCUMENTS));
    const names = new Set([...wanted.keys(), ...found.keys()]);
    return [...names].filter((name) => wanted.get(name) !== found.get(name));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv.includes("--check")) {
  const stale = staleDocuments();
  for (const name of stale) console.log(`${path.join(DOCUMENTS, name)} is stale: npm run docs`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  generate(path.join(ROOT, DOCUMENTS));
}
