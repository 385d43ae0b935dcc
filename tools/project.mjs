/**
 * What the scripts of this repository share, in plain Node without dependencies, so that they run on a
 * fresh clone: where things are, installing what is missing, building what is stale, running a step.
 */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

export const ROOT = path.join(import.meta.dirname, "..");

/** @typedef {{ packages: Record<string, { version?: string, optional?: boolean, link?: boolean }> }} Lockfile */

/** @returns {Lockfile | undefined} */
function readLockfile(/** @type {string} */ file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, file), "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Whether node_modules of a folder holds what its package-lock.json names. npm writes what it installed into a lockfile of
 * its own there; packages for other platforms are optional and stay out.
 */
export function dependenciesAreFresh(folder = "") {
  const wanted = readLockfile(path.join(folder, "package-lock.json"));
  const installed = readLockfile(path.join(folder, "node_modules/.package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted.packages).every(([name, { version, optional }]) => {
    if (name === "") return true;
    const found = installed.packages[name];
    return found === undefined ? optional === true : found.version === version;
  });
}

/** Runs a program with our terminal; returns its exit code. */
export function runProgram(
  /** @type {string} */ program,
  /** @type {string[]} */ args,
  env = process.env,
  cwd = ROOT,
) {
  const result = spawnSync(program, args, { cwd, stdio: "inherit", env });
  if (result.error !== undefined) throw result.error;
  return result.status ?? 1;
}

/** Runs a program installed by npm, without a shell. */
export function binary(/** @type {string} */ name) {
  return path.join(ROOT, "node_modules", ".bin", name);
}

/** Installs the dependencies of package-lock.json when they are missing or stale. */
export function ensureDependencies() {
  ensureDependenciesOf("");
}

/** The same for a package of its own in a folder of this repository. */
export function ensureDependenciesOf(/** @type {string} */ folder) {
  if (dependenciesAreFresh(folder)) return;
  console.error(`installing dependencies (npm ci) ${folder}`.trimEnd());
  const args = ["ci", "--include=dev", "--loglevel=error", "--no-progress"];
  const code = runProgram("npm", args, process.env, path.join(ROOT, folder));
  if (code !== 0) process.exit(code);
}

/** Compiles what changed since the last build into dist/, and makes the programs in dist/bin/ of it. */
export function ensureBuild() {
  const first = !fs.existsSync(path.join(ROOT, "dist", ".tsbuildinfo"));
  if (first) console.error("building (tsc -b, esbuild)");
  const compiled = runProgram(binary("tsc"), ["-b"]);
  if (compiled !== 0) process.exit(compiled);
  const bundled = runProgram(process.execPath, [path.join("tools", "bundle.mjs")]);
  if (bundled !== 0) process.exit(bundled);
}

/**
 * Runs a step of the gate and collects what it prints.
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string, seconds: number }>}
 */
export function collect(program, args, cwd = ROOT) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code: code ?? 1, output, seconds: (performance.now() - started) / 1000 }),
    );
  });
}
