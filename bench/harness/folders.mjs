/** Where data goes: a real disk, or the durability of writes costs nothing. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** The folder of all data: BENCH_DIRECTORY, or `.bench` at the top of the repository. */
export function benchFolder() {
  const folder = process.env["BENCH_DIRECTORY"] ?? path.join(import.meta.dirname, "../../.bench");
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

/** A fresh folder for one run of a server. */
export function runFolder(name) {
  return fs.mkdtempSync(path.join(benchFolder(), `run-${process.pid}-${name}-`));
}

/** Folders of runs whose program was killed. */
export function removeOldRuns() {
  for (const name of fs.readdirSync(benchFolder())) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !fs.existsSync(`/proc/${pid}`)) removeFolder(name);
  }
}

/** Removes the folders of the runs of this program. */
export function removeRuns() {
  for (const name of fs.readdirSync(benchFolder())) {
    if (name.startsWith(`run-${process.pid}-`)) removeFolder(name);
  }
}

function removeFolder(name) {
  fs.rmSync(path.join(benchFolder(), name), { recursive: true, force: true });
}

/** Copies a folder and waits until the copy is on the device, so that its writing disturbs nobody later. */
export function copyFolder(source, target) {
  for (const [program, ...args] of [
    ["cp", "-a", "--reflink=auto", source, target],
    ["sync", "-f", target],
  ]) {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  }
}
