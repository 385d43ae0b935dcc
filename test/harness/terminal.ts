/** Shells that a test types into: one that runs a command to its end, and one that is a real terminal. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fitsExpected } from "./guide-runner.ts";

/** A program with its arguments. */
export type CommandWords = readonly [program: string, ...args: string[]];

const COMMAND_MS_MAX = 60_000;
const LOOK_MS = 50;

/** A shell that is given commands one after the other, and waits for the end of each. */
export class CommandShell {
  readonly #shell: ChildProcessWithoutNullStreams;
  #output = "";
  #commands = 0;

  /** `words` start a POSIX shell that reads commands. */
  constructor([program, ...args]: CommandWords) {
    this.#shell = spawn(program, args);
    this.#shell.stdout.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    this.#shell.stdin.write("exec 2>&1\n");
  }

  /** Returns what came out, and the exit status. */
  async run(command: string): Promise<{ readonly output: string; readonly status: number }> {
    const mark = `@@@ end of command ${++this.#commands}`;
    const end = new RegExp(`${mark} (\\d+)\\n$`);
    this.#output = "";
    this.#shell.stdin.write(`${command}\necho "${mark} $?"\n`);
    const match = await until(() => end.exec(this.#output) ?? undefined, `"${command}" to end`);
    return { output: this.#output.slice(0, match.index), status: Number(match[1]) };
  }

  close(): void {
    this.#shell.kill("SIGKILL");
  }
}

/** A shell in a terminal, as somebody sits before it. */
export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  #output = "";

  /** `words` start a POSIX shell, which is made an interactive one. Needs `script` of util-linux. */
  constructor(words: CommandWords) {
    const command = [...words, "-i"].map((word) => `'${word}'`).join(" ");
    this.#shell = spawn("script", ["-qf", "-E", "never", "-c", command, "/dev/null"]);
    this.#shell.stdout.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
  }

  /** Types `text` and the key "enter". */
  type(text: string): void {
    this.#output = "";
    this.#shell.stdin.write(`${text}\n`);
  }

  interrupt(): void {
    this.#shell.stdin.write("\u0003");
  }

  /** Waits until what came out since the last line was typed fits `expected`, whatever comes behind that. */
  async shows(expected: string): Promise<void> {
    const shown = (): string => this.#output.replaceAll("\r", "");
    const beginning = `${expected.trimEnd()}\n…`;
    await until(
      () => (fitsExpected(shown(), beginning) ? true : undefined),
      () => `a terminal to show\n${expected}\ninstead of\n${shown()}`,
    );
  }

  close(): void {
    this.#shell.kill("SIGKILL");
  }
}

/** Waits until `look` finds something. */
async function until<T>(look: () => T | undefined, what: string | (() => string)): Promise<T> {
  const endMs = performance.now() + COMMAND_MS_MAX;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) {
      throw new Error(`Waited too long for ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
