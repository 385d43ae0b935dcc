/**
 * Runs of etcdctl that do not end by themselves: what is typed, what happens to the cluster meanwhile, what
 * is waited for, and how the run is ended. Waits look at what has come, never at a clock.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { realEtcdctl } from "./etcdctl-comparison.ts";
import { type ClusterIdentity, type MaskedOutcome, maskOutcome } from "./etcdctl-mask.ts";

export type Step =
  /** Words for the real etcdctl, run to its end against the same server. */
  | { readonly run: readonly string[] }
  /** Text for standard input. */
  | { readonly type: string }
  /** Lines on standard output, or on the error stream, all together. */
  | { readonly lines: number }
  | { readonly errors: number }
  /** Text on standard output, for a form in which nothing can be counted. */
  | { readonly text: string }
  /** A key that the server has. */
  | { readonly key: string }
  /** Watches that the server has. */
  | { readonly watchers: number };

export interface Conversation {
  readonly name: string;
  /** `{endpoint}` stands for the server's `host:port`. */
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  /** A signal, the end of input, or nothing: the tool ends by itself. */
  readonly end?: "SIGINT" | "SIGTERM" | "input";
}

/** A wait that takes longer has failed. */
const STEP_TIMEOUT_MS = 15_000;
const POLL_MS = 10;

/** Milliseconds in which a watch has begun on a server that does not tell. */
const WATCH_START_MS = 500;

/** Runs the tool that `command` starts through `conversation`, against the server of `identity`. */
export async function converse(
  command: readonly string[],
  conversation: Conversation,
  identity: ClusterIdentity,
): Promise<MaskedOutcome & { readonly signal: string | null }> {
  const fill = (text: string): string => text.replaceAll("{endpoint}", identity.endpoint);
  const [file, ...words] = command;
  const { args, environment = {}, steps, end } = conversation;
  const child = spawn(file, [...words, ...args.map(fill)], {
    env: { PATH: process.env["PATH"], ...environment },
  });
  const run = new Run(child, identity);
  try {
    for (const step of steps) await run.step(step);
    if (end === "input") child.stdin.end();
    else if (end !== undefined) child.kill(end);
    return await run.outcome();
  } finally {
    child.kill("SIGKILL");
  }
}

class Run {
  readonly #child: ChildProcess;
  readonly #identity: ClusterIdentity;
  readonly #out: Buffer[] = [];
  readonly #error: Buffer[] = [];
  #ended: { readonly code: number; readonly signal: string | null } | undefined;

  constructor(child: ChildProcess, identity: ClusterIdentity) {
    this.#child = child;
    this.#identity = identity;
    child.stdout?.on("data", (chunk: Buffer) => this.#out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#error.push(chunk));
    // A tool that ends without reading closes the pipe under us, which is its right.
    child.stdin?.on("error", () => undefined);
    child.once("close", (code, signal) => {
      this.#ended = { code: code ?? -1, signal };
    });
  }

  async step(step: Step): Promise<void> {
    if ("run" in step) {
      const { endpoint } = this.#identity;
      const { code, stderr } = await realEtcdctl([`--endpoints=${endpoint}`, ...step.run], {});
      if (code !== 0) throw new Error(`Cannot run ${step.run.join(" ")}: ${stderr.toString()}`);
    } else if ("type" in step) {
      this.#child.stdin?.write(step.type);
    } else if ("lines" in step) {
      await this.#until(() => lineCount(this.#out) >= step.lines, `${step.lines} lines`);
    } else if ("errors" in step) {
      await this.#until(() => lineCount(this.#error) >= step.errors, `${step.errors} error lines`);
    } else if ("text" in step) {
      const seen = (): string => Buffer.concat(this.#out).toString("latin1");
      await this.#until(() => seen().includes(step.text), step.text);
    } else if ("key" in step) {
      const { endpoint } = this.#identity;
      await this.#until(async () => {
        const { stdout } = await realEtcdctl([`--endpoints=${endpoint}`, "get", step.key], {});
        return stdout.length > 0;
      }, step.key);
    } else {
      const pauseEndMs = Date.now() + WATCH_START_MS;
      await this.#until(async () => {
        const count = await this.#watchers();
        return count === undefined ? Date.now() > pauseEndMs : count === step.watchers;
      }, "watchers");
    }
  }

  async outcome(): Promise<MaskedOutcome & { readonly signal: string | null }> {
    await this.#until(() => this.#ended !== undefined, "the end");
    const { code = -1, signal = null } = this.#ended ?? {};
    const [stdout, stderr] = [Buffer.concat(this.#out), Buffer.concat(this.#error)];
    return { ...maskOutcome({ code, stdout, stderr }, this.#identity), signal };
  }

  /** How many watchers the server has; `undefined` when it does not count them. */
  async #watchers(): Promise<number | undefined> {
    const answer = await fetch(`http://${this.#identity.endpoint}/metrics`);
    const found = /^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(await answer.text());
    return found === null ? undefined : Number(found[1]);
  }

  async #until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = Date.now() + STEP_TIMEOUT_MS;
    while (!(await holds())) {
      if (Date.now() > deadline) {
        const shown = `${Buffer.concat(this.#out).toString()}${Buffer.concat(this.#error).toString()}`;
        throw new Error(`Waited for ${what} in vain: ${shown}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function lineCount(chunks: readonly Buffer[]): number {
  return Buffer.concat(chunks).toString("latin1").split("\n").length - 1;
}
