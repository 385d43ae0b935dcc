/**
 * Which files of dist/ the package needs: all that can be reached from what package.json exports (code and types) and
 * from its programs, along imports and along files that are named by `new URL("…", …)`, as those of threads are.
 */
import fs from "node:fs";
import path from "node:path";

/**
 * @typedef {{
 *   exports: Record<string, string | { types: string, default: string }>,
 *   bin: Record<string, string>,
 * }} Manifest
 * @typedef {{
 *   files: Set<string>,
 *   missing: { file: string, from: string }[],
 *   packages: Set<string>,
 * }} Reach files, relative to the package; names of imported packages, without those of Node.js
 */

const RELATIVE = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)"(\.{1,2}\/[^"]+)"/g;
const PACKAGE = /(?:\bfrom |\bimport |\bimport\(|\brequire\()"(?!node:)([a-z@][^"\s]*)"\)?;?/g;

/** @returns {Reach} */
export function reachableFiles(/** @type {string} */ root, /** @type {Manifest} */ manifest) {
  /** @type {Reach} */
  const reach = { files: new Set(), missing: [], packages: new Set() };
  const queue = entries(manifest).map((file) => ({ file, from: "package.json" }));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { file, from } = next;
    if (reach.files.has(file)) continue;
    if (!fs.existsSync(path.join(root, file))) {
      reach.missing.push({ file, from });
      continue;
    }
    reach.files.add(file);
    const isCode = /\.c?js$|\.d\.ts$/.test(file);
    const text = isCode ? fs.readFileSync(path.join(root, file), "utf8") : "";
    for (const [, name] of text.matchAll(RELATIVE))
      queue.push({ file: target(file, name), from: file });
    for (const [, name] of text.matchAll(PACKAGE)) reach.packages.add(packageName(name));
  }
  return reach;
}

/** The files that package.json names; a launcher loads its program by a name that it puts together. */
function entries(/** @type {Manifest} */ { exports, bin }) {
  const exported = Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [entry] : [entry.types, entry.default],
  );
  const launchers = [...new Set(Object.values(bin))];
  const programs = launchers.map((file) => file.replace(/\.cjs$/, ".program.cjs"));
  return [...exported, ...launchers, ...programs]
    .map((file) => path.posix.normalize(file))
    .filter((file) => file !== "package.json");
}

function target(/** @type {string} */ file, /** @type {string} */ name) {
  const found = path.posix.join(path.posix.dirname(file), name);
  return file.endsWith(".d.ts") ? found.replace(/\.(?:ts|js)$/, ".d.ts") : found;
}

function packageName(/** @type {string} */ specifier) {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
