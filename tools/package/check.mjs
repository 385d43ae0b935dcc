#!/usr/bin/env node
/**
 * The package as others get it, before they do: packed, its list of files compared with what is used, asked by publint
 * and by attw, installed into a folder of its own without a network, imported there, and compiled against by strict
 * programs. What it weighs is stated in README.md; the statement must be true. Prints what is wrong, and fails then.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { binary, collect, ROOT } from "../project.mjs";
import { compileConsumers } from "./consumers.mjs";
import { findContents, findWeight } from "./contents.mjs";
import { findEngines } from "./engines.mjs";

/**
 * @typedef {{
 *   filename: string, size: number, unpackedSize: number, entryCount: number,
 *   files: { path: string, size: number }[],
 * }} Packed what `npm pack --json` tells; sizes are bytes
 */

/** Runs a program; returns its output as a finding when it fails. @returns {Promise<string[]>} */
async function findByProgram(
  /** @type {string} */ program,
  /** @type {string[]} */ args,
  cwd = ROOT,
) {
  const { code, output } = await collect(program, args, cwd);
  return code === 0 ? [] : [`${path.basename(program)} ${args.join(" ")}\n${output.trimEnd()}`];
}

/** Packs into `folder`, after the same preparations as any `npm pack`. @returns {Promise<Packed>} */
async function pack(/** @type {string} */ folder) {
  const { code, output } = await collect("npm", ["pack", "--json", "--pack-destination", folder]);
  const start = output.search(/^\[$/m);
  if (code !== 0 || start < 0) throw new Error(`Cannot pack the package:\n${output}`);
  return JSON.parse(output.slice(start))[0];
}

/** Installs the packed file as a project does that has nothing else, and imports all that it exports. */
async function findByInstall(/** @type {string} */ folder, /** @type {string} */ tarball) {
  const project = path.join(folder, "project");
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, "package.json"), '{ "type": "module", "private": true }');
  const install = ["install", "--offline", "--engine-strict", "--no-audit", "--no-fund", tarball];
  const refused = await findByProgram("npm", install, project);
  if (refused.length > 0) return refused;
  const program = fs.readFileSync(path.join(import.meta.dirname, "consumer", "imports.mjs"));
  fs.writeFileSync(path.join(project, "imports.mjs"), program);
  const imports = await findByProgram(process.execPath, ["imports.mjs"], project);
  return [...imports, ...(await compileConsumers(project))];
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "package-check-"));
  try {
    const packed = await pack(folder);
    const tarball = path.join(folder, packed.filename);
    const onPaper = [...findContents(packed), ...findWeight(packed), ...findEngines()];
    const inUse = await Promise.all([
      findByProgram(binary("publint"), ["run", tarball, "--strict"]),
      // What only `require` of Node.js before 20.19 or TypeScript's resolution of 2015 sees is not asked.
      findByProgram(binary("attw"), [tarball, "--profile", "esm-only", "--no-color"]),
      findByInstall(folder, tarball),
    ]);
    const findings = [...onPaper, ...inUse.flat()];
    for (const finding of findings) console.log(finding);
    process.exitCode = findings.length === 0 ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

await main();
