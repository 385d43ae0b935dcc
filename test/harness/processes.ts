/**
 * Programs run to their end, and free ports for those that listen.
 */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import net from "node:net";

/** How a program ended, and everything it wrote. */
export interface RunResult {
  /** -1 when it was ended by a signal. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface RunOptions {
  /** What the program reads; it meets the end of input behind it. */
  readonly input?: Uint8Array | undefined;
  /** The whole environment of the program; empty when absent. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds after which it is killed. */
  readonly timeoutMs?: number;
}

/** Of a program that runs in memory. */
export interface MemoryRunOptions extends RunOptions {
  /** Interrupts it when it resolves. */
  readonly interrupted?: Promise<unknown>;
}

const RUN_TIMEOUT_MS = 10_000;

/** Runs `file` to its end. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { environment = {}, input, timeoutMs = RUN_TIMEOUT_MS } = options;
  const child = spawn(file, args, { env: environment, timeout: timeoutMs, killSignal: "SIGKILL" });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A program that ends without reading closes the pipe under us, which is its right.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? new Uint8Array());
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? -1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    });
  });
}

/**
 * Ports below those that the kernel gives to outgoing connections (from 32768 on Linux): the port of a server
 * that is down for a while does not become the near end of somebody's connection.
 */
const PORT_MIN = 12_000;
const PORT_MAX = 32_000;

/** Ports that are tried for each one that is wanted. */
const PORT_TRIES = 100;

/** `count` different TCP ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

async function listenAnywhere(): Promise<net.Server> {
  for (let tried = 1; ; tried++) {
    try {
      return await listenOn(randomInt(PORT_MIN, PORT_MAX));
    } catch (error) {
      if (tried === PORT_TRIES) throw error;
    }
  }
}

function listenOn(port: number): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
