#!/usr/bin/env node
/**
 * Brings the real etcd (`etcd`, `etcdctl`, `etcdutl`) into the git-ignored `.etcd-reference/`, for the
 * interoperability tests and the benchmarks. Nothing is installed on the machine and no right of root is
 * needed: Debian's packages are downloaded, checked by apt, and unpacked.
 *
 * apt runs with a state, cache and sources list of its own in a temporary folder. The archive's address and
 * the keyring that signs it are taken from this machine's sources, and only the suite is replaced; proxies
 * and other settings in apt.conf.d keep their effect. Already there in the right version: does nothing.
 *
 * Usage: node tools/install-reference.mjs [--force]
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { REFERENCE_BINARIES, REFERENCE_FOLDER, versionOf } from "./reference.mjs";

/** The suite that carries the wanted version, and its packages (etcdutl comes with the server). */
const SUITE = "trixie";
const VERSION = "3.5.16";
const PACKAGES = ["etcd-server", "etcd-client"];

/** @typedef {{ uris: string, components: string, signedBy: string | undefined }} Archive */

/** Reads the one-line form: `deb [options] uri suite component...`. @returns {(Archive & { suites: string[] })[]} */
export function parseListFile(/** @type {string} */ text) {
  const found = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) continue;
    const signedBy = /signed-by=(\S+)/.exec(match[1] ?? "")?.[1];
    found.push({ uris: match[2], suites: [match[3]], components: match[4].trim(), signedBy });
  }
  return found;
}

/** Reads the paragraph form (deb822). @returns {(Archive & { suites: string[] })[]} */
export function parseSourcesFile(/** @type {string} */ text) {
  const found = [];
  const uncommented = text.split("\n").filter((line) => !line.startsWith("#"));
  for (const paragraph of uncommented.join("\n").split(/\n\s*\n/)) {
    /** @type {Map<string, string>} */
    const fields = new Map();
    // A line that starts with white space continues the field before it (an inline key, for example).
    for (const match of paragraph.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(match[1].toLowerCase(), match[2].trim());
    }
    const types = fields.get("types")?.split(/\s+/) ?? [];
    if (!types.includes("deb") || fields.get("enabled") === "no") continue;
    found.push({
      uris: fields.get("uris") ?? "",
      suites: (fields.get("suites") ?? "").split(/\s+/),
      components: fields.get("components") ?? "",
      signedBy: fields.get("signed-by"),
    });
  }
  return found;
}

/** The archive this machine takes its own main packages from. @returns {Archive} */
function machineArchive() {
  const release = fs.readFileSync("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME="?([^"\n]+)/m.exec(release)?.[1] ?? "";
  const folder = "/etc/apt/sources.list.d";
  const parts = fs.existsSync(folder)
    ? fs.readdirSync(folder).map((f) => path.join(folder, f))
    : [];
  for (const file of ["/etc/apt/sources.list", ...parts]) {
    const parse = file.endsWith(".list")
      ? parseListFile
      : file.endsWith(".sources")
        ? parseSourcesFile
        : undefined;
    if (parse === undefined || !fs.existsSync(file)) continue;
    for (const archive of parse(fs.readFileSync(file, "utf8"))) {
      const isMain = archive.components.split(/\s+/).includes("main");
      if (isMain && archive.suites.includes(codename)) return archive;
    }
  }
  throw new Error(`Cannot find the archive of "${codename}" in the sources of apt on this machine`);
}

/** Writes apt's own little world below `scratch`; returns the arguments that select it. */
function aptArguments(
  /** @type {string} */ scratch,
  /** @type {Archive} */ archive,
  /** @type {string} */ suite,
) {
  for (const folder of ["state/lists/partial", "cache/archives/partial", "sources", "debs"]) {
    fs.mkdirSync(path.join(scratch, folder), { recursive: true });
  }
  const source = ["Types: deb", `URIs: ${archive.uris}`, `Suites: ${suite}`, "Components: main"];
  if (archive.signedBy !== undefined) source.push(`Signed-By: ${archive.signedBy}`);
  fs.writeFileSync(path.join(scratch, "sources/reference.sources"), `${source.join("\n")}\n`);
  fs.writeFileSync(path.join(scratch, "status"), "");
  // Read after the machine's apt.conf.d, so its hooks for desktops and image builds can be cleared.
  const config = [
    "#clear APT::Update::Post-Invoke;",
    "#clear APT::Update::Post-Invoke-Success;",
    `Dir::State "${scratch}/state";`,
    `Dir::State::status "${scratch}/status";`,
    `Dir::Cache "${scratch}/cache";`,
    `Dir::Etc::sourcelist "/dev/null";`,
    `Dir::Etc::sourceparts "${scratch}/sources";`,
    `Dir::Etc::preferences "/dev/null";`,
    `Dir::Etc::preferencesparts "/dev/null";`,
    `Acquire::Languages "none";`,
    `Acquire::Retries "2";`,
  ];
  fs.writeFileSync(path.join(scratch, "apt.conf"), `${config.join("\n")}\n`);
  return ["-q", "-c", path.join(scratch, "apt.conf")];
}

/** Runs a program; its output is shown only when it fails. */
function run(/** @type {string} */ program, /** @type {string[]} */ args, cwd = os.tmpdir()) {
  try {
    execFileSync(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const failure = /** @type {{ stdout?: Buffer, stderr?: Buffer, message: string }} */ (error);
    process.stderr.write(String(failure.stdout ?? "") + String(failure.stderr ?? ""));
    throw new Error(`Cannot run ${program} ${args.at(-1)}: ${failure.message.split("\n")[0]}`);
  }
}

/**
 * Downloads and unpacks packages of Debian, without installing them; `use` gets the folder that stands for `/`
 * with all of them in it, which is gone afterwards.
 * @param {string} suite
 * @param {string[]} packages
 * @param {(root: string) => void} use
 */
export function withPackages(suite, packages, use) {
  const archive = machineArchive();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-reference-"));
  try {
    // apt's download helper runs as a user of its own, which must be able to enter.
    fs.chmodSync(scratch, 0o755);
    const apt = aptArguments(scratch, archive, suite);
    run("apt-get", [...apt, "update"]);
    run("apt-get", [...apt, "download", ...packages], path.join(scratch, "debs"));
    for (const name of fs.readdirSync(path.join(scratch, "debs"))) {
      run("dpkg-deb", ["-x", path.join(scratch, "debs", name), path.join(scratch, "root")]);
    }
    use(path.join(scratch, "root"));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Takes programs over into `folder`.
 * @param {string} root
 * @param {string[]} names
 * @param {string} folder
 */
export function takePrograms(root, names, folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const target = path.join(folder, name);
    fs.copyFileSync(path.join(root, "usr/bin", name), `${target}.new`);
    fs.chmodSync(`${target}.new`, 0o755);
    fs.renameSync(`${target}.new`, target);
  }
}

function main() {
  const started = performance.now();
  const shown = path.relative(process.cwd(), REFERENCE_FOLDER) || ".";
  if (versionOf(REFERENCE_FOLDER) === VERSION && !process.argv.includes("--force")) {
    console.log(`reference etcd ${VERSION} is already in ${shown}/`);
    return;
  }
  withPackages(SUITE, PACKAGES, (root) => takePrograms(root, REFERENCE_BINARIES, REFERENCE_FOLDER));
  const version = versionOf(REFERENCE_FOLDER);
  if (version !== VERSION) {
    throw new Error(
      `Cannot use the reference etcd: expected ${VERSION}, found ${version ?? "none"}`,
    );
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`put ${REFERENCE_BINARIES.join(", ")} ${VERSION} into ${shown}/ in ${seconds} s`);
}

if (process.argv[1] === import.meta.filename) {
  try {
    main();
  } catch (error) {
    console.error(`install-reference: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
