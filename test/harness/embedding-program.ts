/** Programs that use the built package, each in a process of its own, as a user's would be. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PROGRAM_MS_MAX = 50_000;

/** A folder in which programs find the package; `remove` it. */
export class ProgramFolder {
  readonly path: string;
  #programs = 0;

  constructor() {
    this.path = fs.mkdtempSync(path.join(os.tmpdir(), "embed-program-"));
    fs.mkdirSync(path.join(this.path, "node_modules"));
    fs.symlinkSync(ROOT, path.join(this.path, "node_modules", "etcd-ts"));
    fs.writeFileSync(path.join(this.path, "package.json"), '{ "type": "module" }');
  }

  /** Runs `code` as a file with `extension`, and waits for its end. */
  run(
    code: string,
    { extension = "js", flags = [] as readonly string[], environment = {} } = {},
  ): SpawnSyncReturns<string> {
    const file = path.join(this.path, `program${++this.#programs}.${extension}`);
    fs.writeFileSync(file, code);
    return spawnSync(process.execPath, [...flags, file], {
      cwd: this.path,
      encoding: "utf8",
      timeout: PROGRAM_MS_MAX,
      env: { ...process.env, TMPDIR: this.path, ...environment },
    });
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true });
  }
}
