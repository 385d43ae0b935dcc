/**
 * A member that runs as a process of its own in a temporary folder: the real etcd, or any program that takes
 * its flags.
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { freePorts } from "./processes.ts";
import { REFERENCE } from "./reference.ts";

/** A running member. */
export interface EtcdProcess {
  /** `127.0.0.1:port` for clients. */
  readonly endpoint: string;
  /** `host:port` that peers are told; nobody listens there, and a cluster of one needs nobody. */
  readonly peer: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  /** What it has logged so far. */
  log(): string;
  /** Ends it and waits for the end; its data stays. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

export interface EtcdProcessOptions {
  /** The program and the words before the flags; the real etcd when absent. */
  readonly command?: readonly string[];
  /** More flags. */
  readonly flags?: readonly string[];
  /** Ports for clients and peers; free ones when absent. */
  readonly ports?: readonly [client: number, peer: number];
  /** Where `/health` is, if not on the port for clients. */
  readonly healthPort?: number;
  /** An existing folder to start on; a fresh one when absent. */
  readonly dataDir?: string;
  /** Alarms with which it may start, as `/health` names them. */
  readonly alarms?: readonly string[];
}

/** The ids of cluster and member follow from it: they are the same in every test. */
const ADVERTISED_PEER = "127.0.0.1:2380";

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/** Starts a cluster of one member and waits until it serves requests. */
export async function startEtcd(options: EtcdProcessOptions = {}): Promise<EtcdProcess> {
  const [clientPort, peerPort] = options.ports ?? (await freePorts(2));
  const endpoint = `127.0.0.1:${clientPort}`;
  const dataDir = options.dataDir ?? fs.mkdtempSync(path.join(os.tmpdir(), "etcd-test-"));
  const [file, ...words] = options.command ?? [path.join(REFERENCE ?? "", "etcd")];
  const flags = [
    `--data-dir=${dataDir}`,
    `--listen-client-urls=http://${endpoint}`,
    `--advertise-client-urls=http://${endpoint}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://${ADVERTISED_PEER}`,
    `--initial-cluster=default=http://${ADVERTISED_PEER}`,
    ...(options.flags ?? []),
  ];
  const child = spawn(file, [...words, ...flags], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => log.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => log.push(chunk));
  const text = (): string => Buffer.concat(log).toString();
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  const remove = async (): Promise<void> => {
    await stop("SIGKILL");
    fs.rmSync(dataDir, { recursive: true, force: true });
  };
  const etcd: EtcdProcess = {
    endpoint,
    peer: ADVERTISED_PEER,
    dataDir,
    process: child,
    log: text,
    stop,
    remove,
  };
  const excluded = (options.alarms ?? []).map((alarm) => `exclude=${alarm}`);
  const port = options.healthPort ?? clientPort;
  await untilHealthy(etcd, `http://127.0.0.1:${port}/health?${excluded.join("&")}`);
  return etcd;
}

async function untilHealthy(etcd: EtcdProcess, url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && etcd.process.exitCode === null) {
    if (await isHealthy(url)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await etcd.remove();
  throw new Error(`Cannot start etcd on ${etcd.endpoint}:\n${etcd.log().slice(-4000)}`);
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    return answer.ok && (await answer.text()).includes('"true"');
  } catch {
    // Not listening yet.
    return false;
  }
}
