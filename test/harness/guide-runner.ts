/**
 * Runs the commands of pages in one shell, one block after the other, as a reader would: what is between ```sh and
 * ``` is run, a ```text block right behind it is what must come out, standard output and error together. "…" there
 * stands for anything within a line, and for any lines where it is a line of its own. An HTML comment that begins
 * with "run" is run, too: it brings about what the page then deals with.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

export interface GuideBlock {
  /** Of its first line, counted from 1. */
  readonly line: number;
  readonly commands: string;
  /** What must come out; `undefined` where that does not matter. */
  readonly expected: string | undefined;
}

const BLOCK =
  /^(?:```sh\n([\s\S]*?)^```\n(?:```text\n([\s\S]*?)^```\n)?|<!-- run\n([\s\S]*?)^-->\n)/gm;

/** The blocks of a page, in order. */
export function guideBlocks(markdown: string): GuideBlock[] {
  return [...markdown.matchAll(BLOCK)].map((match) => ({
    line: markdown.slice(0, match.index).split("\n").length + 1,
    commands: match[1] ?? match[3] ?? "",
    expected: match[2],
  }));
}

/** Whether `output` is what `expected` says. */
export function fitsExpected(output: string, expected: string): boolean {
  const pattern = expected
    .trimEnd()
    .split("\n")
    .map((line) => (line === "…" ? "(?:.*\\n)*" : `${linePattern(line)} *\\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${output.trimEnd()}\n`);
}

function linePattern(line: string): string {
  return line
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
}

const BLOCK_MS_MAX = 90_000;

/** A shell that stays for all blocks. */
export class GuideShell {
  readonly #shell: ChildProcessWithoutNullStreams;
  #output = "";
  #blocks = 0;

  /** Begins in the folder `cwd`. */
  constructor(cwd: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#shell = spawn("bash", ["--noprofile", "--norc"], { cwd, env: { ...environment } });
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    this.#shell.stdout.on("data", collect);
    this.#shell.stdin.write("exec 2>&1\n");
  }

  /** Runs a block, for a minute and a half at most; returns what came out, and the status of its last command. */
  run(commands: string): Promise<{ readonly output: string; readonly status: number }> {
    const mark = `@@@ end of block ${++this.#blocks}`;
    const end = new RegExp(`${mark} (\\d+)\\n$`);
    this.#output = "";
    this.#shell.stdin.write(`${commands}\necho "${mark} $?"\n`);
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = end.exec(this.#output);
        if (match === null) return;
        clearTimeout(deadline);
        this.#shell.stdout.off("data", look);
        this.#shell.off("exit", fail);
        resolve({ output: this.#output.slice(0, match.index), status: Number(match[1]) });
      };
      const fail = (): void => {
        clearTimeout(deadline);
        reject(new Error(`The shell does not come to the end of:\n${commands}\n${this.#output}`));
      };
      const deadline = setTimeout(fail, BLOCK_MS_MAX);
      this.#shell.stdout.on("data", look);
      this.#shell.once("exit", fail);
    });
  }

  close(): void {
    this.#shell.kill("SIGKILL");
  }
}
