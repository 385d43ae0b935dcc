/** What is in the packed file: exactly what is used, and as much as README.md says. */
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "../project.mjs";
import { reachableFiles } from "./reach.mjs";

/** @typedef {import("./check.mjs").Packed} Packed */

/** What is there to be read. */
const PAPERS = ["CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "package.json"];

/** What a folder of dist/ in the package is named after, which is a folder of src/ that somebody outside needs. */
const FOLDERS = [
  "api",
  "apply",
  "auth",
  "backend",
  "bin",
  "bolt",
  "client",
  "concurrency",
  "embed",
  "errors",
  "http2",
  "lease",
  "lib",
  "member",
  "membership",
  "mvcc",
  "node-bolt",
  "node-client",
  "peer",
  "platform",
  "ports",
  "raft",
  "server",
  "snapshot",
  "stdx",
  "tls",
  "wal",
  "wire",
];

/** How far what README.md says may be from what is, as a share. */
const TOLERANCE = 0.1;

/** Files that are missing, and files that nobody needs. */
export function findContents(/** @type {Packed} */ packed) {
  const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const { files, missing, packages } = reachableFiles(ROOT, manifest);
  const expected = new Set([...files, ...PAPERS]);
  const found = new Set(packed.files.map((file) => file.path));
  const own = [...found].filter((file) => !file.startsWith("node_modules/"));
  const folders = new Set(
    own.filter((file) => file.startsWith("dist/")).map((file) => file.split("/")[1]),
  );
  return [
    ...missing.map(({ file, from }) => `${from} names ${file}, which is not there`),
    ...[...expected].filter((file) => !found.has(file)).map((file) => `${file} is not packed`),
    ...own.filter((file) => !expected.has(file)).map((file) => `${file} is packed, and unused`),
    ...differences("folders of dist/", folders, new Set(FOLDERS)),
    ...differences("imported packages", packages, new Set(Object.keys(manifest.dependencies))),
    ...differences("bundled packages", bundledIn(found), new Set(manifest.bundleDependencies)),
  ];
}

function bundledIn(/** @type {Set<string>} */ found) {
  const bundled = [...found].filter((file) => file.startsWith("node_modules/"));
  return new Set(bundled.map((file) => file.split("/")[1]));
}

/**
 * @param {string} what
 * @param {Set<string>} found
 * @param {Set<string>} expected
 */
function differences(what, found, expected) {
  const more = [...found].filter((name) => !expected.has(name));
  const less = [...expected].filter((name) => !found.has(name));
  if (more.length === 0 && less.length === 0) return [];
  return [`${what}: not expected: ${more.join(", ") || "-"}; missing: ${less.join(", ") || "-"}`];
}

/** Whether README.md says what the package weighs. */
export function findWeight(/** @type {Packed} */ packed) {
  const readme = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
  const stated =
    /one file of ([\d.]+) MB;\s+unpacked, it is ([\d.]+) MB in about ([\d,]+) files/.exec(readme);
  const [megabytes, unpacked, files] = stated
    ?.slice(1)
    .map((figure) => Number(figure.replace(",", ""))) ?? [0, 0, 0];
  const isTrue =
    isNear(megabytes, packed.size / 1e6) &&
    isNear(unpacked, packed.unpackedSize / 1e6) &&
    isNear(files, packed.entryCount);
  if (isTrue) return [];
  const sizes = [packed.size, packed.unpackedSize].map((bytes) => (bytes / 1e6).toFixed(1));
  const truth = `one file of ${sizes[0]} MB; unpacked, it is ${sizes[1]} MB in about ${packed.entryCount} files`;
  return [`README.md does not say what the package weighs, or no more: ${truth}`];
}

function isNear(/** @type {number} */ stated, /** @type {number} */ found) {
  return Math.abs(stated - found) <= found * TOLERANCE;
}
