/**
 * One member of a cluster as a process of its own, ours or the real etcd. It can be killed, stopped, frozen,
 * started again on its data, and wiped. Its data and its log are in a folder of the cluster.
 */
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { OUR_ETCD } from "./our-etcd.ts";
import { REFERENCE } from "./reference.ts";
import { sleep } from "./sleep.ts";

/** Whose program a member runs. */
export type Program = "ours" | "real";

export interface MemberSettings {
  readonly name: string;
  readonly program: Program;
  /** Its data and its log go here. */
  readonly folder: string;
  /** Where it listens. */
  readonly host: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** What its peers are told. */
  readonly peerUrl: string;
  readonly flags: readonly string[];
  /** Words before the program, such as those that run it in a network namespace. */
  readonly prefix: readonly string[];
}

/** What a start on an empty folder is told of the cluster; a later one knows it from its data. */
export interface InitialCluster {
  /** As `--initial-cluster` wants it. */
  readonly members: string;
  readonly state: "new" | "existing";
}

/** Bytes of the log that a failure shows. */
const LAST_LOG_BYTES = 1500;

const PEER_POLL_MS = 5;
const PEER_ASK_MS = 1000;

export class ClusterMember {
  readonly #settings: MemberSettings;
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);
  #flags: readonly string[];

  constructor(settings: MemberSettings) {
    this.#settings = settings;
    this.#flags = settings.flags;
  }

  get name(): string {
    return this.#settings.name;
  }

  get program(): Program {
    return this.#settings.program;
  }

  /** `host:port` for clients. */
  get endpoint(): string {
    return `${this.#settings.host}:${this.#settings.clientPort}`;
  }

  /** What its peers are told. */
  get peerUrl(): string {
    return this.#settings.peerUrl;
  }

  get dataDir(): string {
    return path.join(this.#settings.folder, `${this.name}.etcd`);
  }

  get logFile(): string {
    return path.join(this.#settings.folder, `${this.name}.log`);
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Everything that it has logged, over all its lives. */
  log(): string {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, "utf8") : "";
  }

  lastLog(): string {
    return this.log().slice(-LAST_LOG_BYTES);
  }

  /** Starts the process, and does not wait for it. `flags` take the place of those from before. */
  start(initial: InitialCluster, flags = this.#flags): void {
    if (this.#child !== undefined) throw new Error(`Cannot start ${this.name}: it runs`);
    this.#flags = flags;
    const { prefix, program } = this.#settings;
    const server = program === "ours" ? OUR_ETCD : [path.join(REFERENCE ?? "", "etcd")];
    const [file = "", ...words] = [...prefix, ...server, ...this.#ownFlags(initial), ...flags];
    const log = fs.openSync(this.logFile, "a");
    const child = spawn(file, words, {
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", log, log],
    });
    fs.closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code) => {
        if (this.#child === child) this.#child = undefined;
        resolve(code);
      });
    });
  }

  /** SIGKILL: what is not durable is gone. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    this.#child?.kill("SIGTERM");
    await this.#ended;
  }

  /** Resolves when the process ends, with its exit code; with null when a signal ended it. */
  untilEnded(): Promise<number | null> {
    return this.#ended;
  }

  /** SIGSTOP: it stands still, with its connections open. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Removes the data of a member that does not run. */
  wipe(): void {
    if (this.#child !== undefined) throw new Error(`Cannot wipe ${this.name}: it runs`);
    fs.rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Waits until it answers on its peer URL: from then on its peers can reach it. */
  async untilPeersServed(timeoutMs: number): Promise<void> {
    const { host, peerPort } = this.#settings;
    const deadline = Date.now() + timeoutMs;
    while (!(await answers(`http://${host}:${peerPort}/version`))) {
      if (!this.isRunning) throw new Error(`${this.name} ended`);
      if (Date.now() > deadline) throw new Error(`${this.name} does not serve its peers`);
      await sleep(PEER_POLL_MS);
    }
  }

  /** Whether it says that it is healthy: it is up and has a leader. */
  async isHealthy(timeoutMs: number): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await fetch(`http://${this.endpoint}/health`, { signal });
      return answer.ok && (await answer.text()).includes('"true"');
    } catch {
      // It does not listen, or does not answer.
      return false;
    }
  }

  #ownFlags({ members, state }: InitialCluster): string[] {
    const { host, clientPort, peerPort, peerUrl } = this.#settings;
    const { protocol } = new URL(peerUrl);
    return [
      `--name=${this.name}`,
      `--data-dir=${this.dataDir}`,
      `--listen-client-urls=http://${host}:${clientPort}`,
      `--advertise-client-urls=http://${host}:${clientPort}`,
      `--listen-peer-urls=${protocol}//${host}:${peerPort}`,
      `--initial-advertise-peer-urls=${this.peerUrl}`,
      `--initial-cluster=${members}`,
      `--initial-cluster-state=${state}`,
    ];
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(PEER_ASK_MS) })).ok;
  } catch {
    // It does not listen.
    return false;
  }
}
