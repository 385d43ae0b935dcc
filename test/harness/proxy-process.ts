/** A proxy that runs as a process of its own: `etcd gateway` or `etcd grpc-proxy`. */
import { spawn } from "node:child_process";
import { sleep } from "./sleep.ts";

export interface ProxyProcess {
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/** Starts `command` and waits until its log has `ready`. */
export async function startProxy(command: readonly string[], ready: string): Promise<ProxyProcess> {
  const [file, ...words] = command;
  const child = spawn(file, words, {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!log.includes(ready)) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`Cannot start ${command.join(" ")}:\n${log}`);
    }
    await sleep(20);
  }
  return { log: () => log, stop };
}
