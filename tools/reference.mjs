/**
 * Where the real etcd is, for whoever tests or measures against it: the folder named by the variable
 * ETCD_REFERENCE, or `.etcd-reference/` at the top of the repository (see install-reference.mjs).
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

export const REFERENCE_BINARIES = ["etcd", "etcdctl", "etcdutl"];

/** Where install-reference.mjs puts the binaries. */
export const REFERENCE_FOLDER = path.join(import.meta.dirname, "..", ".etcd-reference");

/**
 * The version of the etcd in `folder`, such as "3.5.16"; undefined unless all three binaries are there and
 * the server runs.
 * @param {string} folder
 * @returns {string | undefined}
 */
export function versionOf(folder) {
  const complete = REFERENCE_BINARIES.every((name) => fs.existsSync(path.join(folder, name)));
  if (!complete) return undefined;
  try {
    const text = execFileSync(path.join(folder, "etcd"), ["--version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return /^etcd Version: (\S+)/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * The folder with the real etcd, or undefined when this machine has none.
 * @returns {string | undefined}
 */
export function findReference() {
  const named = process.env["ETCD_REFERENCE"];
  const folder = named !== undefined && named !== "" ? path.resolve(named) : REFERENCE_FOLDER;
  return versionOf(folder) === undefined ? undefined : folder;
}
