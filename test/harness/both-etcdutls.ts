/** The same words for our etcdutl and the real one, each in a folder of its own, and what they say. */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { runOurEtcdutl } from "./etcdutl-inprocess.ts";
import { type RunResult, runProgram } from "./processes.ts";
import { REFERENCE } from "./reference.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run said, without times, modules, stack traces and the folder it ran in. */
export function maskedOutcome({ code, stdout, stderr }: RunResult, folder: string): Outcome {
  const mask = (bytes: Buffer): string =>
    bytes
      .toString("latin1")
      .replaceAll(`${folder}/`, "")
      .replace(/^\d{4}-\S+\t(\w+)\t\S+\t/gm, "$1\t")
      .replace(/"took": "[^"]*"/g, '"took": "<time>"')
      // Releases before 3.5.19 do not tell.
      .replace(/, "added-peer-is-learner": false/g, "")
      .replace(/^(?:go\.|github\.com|main\.|runtime\.)\S*\n\t.*\n/gm, "")
      // A command of the library that the real tool is built with, and those that it has in later releases.
      .replace(/^ {2}(?:check|completion|hashkv) .*\n/gm, "");
  return { code, stdout: mask(stdout), stderr: mask(stderr) };
}

/** Two folders, `real` and `ours`. */
export class BothEtcdutls {
  readonly real: string;
  readonly ours: string;
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcdutl-"));

  constructor() {
    this.real = path.join(this.#folder, "real");
    this.ours = path.join(this.#folder, "ours");
    for (const folder of this.folders) fs.mkdirSync(folder);
  }

  get folders(): readonly [real: string, ours: string] {
    return [this.real, this.ours];
  }

  /** Makes something of this name in both folders. */
  make(name: string, make: (file: string) => void): void {
    for (const folder of this.folders) make(path.join(folder, name));
  }

  /** Runs both tools; "@" in a word stands for the folder of the tool. */
  async run(words: readonly string[]): Promise<Record<"real" | "ours", Outcome>> {
    const [forReal, forOurs] = this.folders.map((folder) =>
      words.map((word) => word.replace("@", `${folder}/`)),
    );
    const real = await runProgram(path.join(REFERENCE ?? "", "etcdutl"), forReal);
    const ours = await runOurEtcdutl(forOurs);
    return { real: maskedOutcome(real, this.real), ours: maskedOutcome(ours, this.ours) };
  }

  /** Runs both; what they say must be the same. */
  async expectSame(...words: string[]): Promise<Outcome> {
    const { real, ours } = await this.run(words);
    expect(ours, words.join(" ")).toEqual(real);
    return ours;
  }

  remove(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
