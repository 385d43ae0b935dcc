/**
 * A copy of an installed program in a folder of its own, with code files that are not what they should be: made of
 * the program with another text in it, so that its output shows whether they were used.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type RunResult, runProgram } from "./processes.ts";

const BUILT = path.join(import.meta.dirname, "..", "..", "dist", "bin");
const HEADER_BYTES = 4096;

/** Runs a changed program as the launcher would, and writes what V8 compiled to standard output. */
const FORGE = `
const fs = require("node:fs");
const [program, real, forged] = process.argv.splice(1, 3);
const text = fs.readFileSync(program, "latin1").replace(real, forged);
const script = new (require("node:vm").Script)(text, { filename: program });
process.argv.splice(1, 0, program);
process.once("exit", () => fs.writeFileSync(process.env.FORGED, script.createCachedData()));
script.runInThisContext()({}, require, { exports: {} }, program, "/", { remember() {} });
`;

export class ProgramCopy {
  readonly name: string;
  readonly root: string;

  constructor(name: string) {
    this.name = name;
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-start-"));
    fs.chmodSync(this.root, 0o755);
    fs.mkdirSync(this.bin);
    for (const file of [`${name}.cjs`, `${name}.program.cjs`]) {
      fs.copyFileSync(path.join(BUILT, file), path.join(this.bin, file));
    }
  }

  get bin(): string {
    return path.join(this.root, "bin");
  }

  get launcher(): string {
    return path.join(this.bin, `${this.name}.cjs`);
  }

  get program(): string {
    return path.join(this.bin, `${this.name}.program.cjs`);
  }

  /** Where code is kept beside the program. */
  get besideProgram(): string {
    return path.join(this.bin, "code");
  }

  /** Where users keep what programs can make again. */
  get caches(): string {
    return path.join(this.root, "caches");
  }

  get ofUser(): string {
    return path.join(this.caches, "etcd-ts");
  }

  /** Runs it to its end, in an environment that names a folder for caches. */
  run(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    nodeFlags: readonly string[] = [],
  ): Promise<RunResult> {
    return runProgram(process.execPath, [...nodeFlags, this.launcher, ...args], {
      environment: { XDG_CACHE_HOME: this.caches, ...environment },
      timeoutMs: 60_000,
    });
  }

  /**
   * The one code file in `folder` becomes a whole and valid one whose code says `forged` where the program says
   * `real`; both are equally long, because V8 looks at nothing but the length.
   */
  forge(
    folder: string,
    args: readonly string[],
    real: string,
    forged: string,
    nodeFlags: readonly string[] = [],
  ): string {
    const [name] = fs.readdirSync(folder);
    const file = path.join(folder, name);
    const raw = path.join(this.root, "forged");
    execFileSync(
      process.execPath,
      [...nodeFlags, "-e", FORGE, this.program, real, forged, ...args],
      { env: { FORGED: raw }, stdio: "ignore" },
    );
    const data = fs.readFileSync(raw);
    const header = fs.readFileSync(file).subarray(0, HEADER_BYTES);
    fs.writeFileSync(file, Buffer.concat([header, data, data]));
    return file;
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
