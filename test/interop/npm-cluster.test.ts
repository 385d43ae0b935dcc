/** `npm run cluster`, as somebody who tries it uses it. */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { freePorts } from "../harness/processes.ts";
import { sleep } from "../harness/sleep.ts";
import { connectClient } from "../harness/socket-client.ts";

const SCRIPT = path.join(import.meta.dirname, "../../tools/cluster.mjs");
const WAIT_MS = 60_000;
const POLL_MS = 50;

const key = bytesFromUtf8("greeting");

/** Ports for clients whose next ones are free, too. */
async function clientPorts(): Promise<number[]> {
  const ports = await freePorts(3);
  return ports.map((port) => port - 1);
}

describe("npm run cluster", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-npm-cluster-"));
  let child: ChildProcess | undefined;
  let output = "";

  afterEach(() => {
    child?.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
  });

  async function until(text: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!output.includes(text)) {
      if (Date.now() > deadline || child?.exitCode !== null) throw new Error(output);
      await sleep(POLL_MS);
    }
  }

  /** Runs the script; returns its end. */
  function run(ports: readonly number[]): Promise<number | null> {
    output = "";
    const started = spawn(
      process.execPath,
      [SCRIPT, `--data-dir=${path.join(folder, "data")}`, `--ports=${ports.join(",")}`],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    return new Promise((resolve) => {
      started.once("exit", resolve);
    });
  }

  test("starts three members, stops and starts one when told, and stops all", async () => {
    const ports = await clientPorts();
    const [first, second, third] = ports.map((port) => `127.0.0.1:${port}`);
    const ended = run(ports);
    await until("Ctrl-C stops all");
    expect(output).toContain(`--endpoints=${first},${second},${third} put greeting`);
    const client = connectClient([second, third]);
    await client.kv.put({ key, value: bytesFromUtf8("1") });
    child?.stdin?.write("1\n");
    await until("infra1 has ended");
    await client.kv.put({ key, value: bytesFromUtf8("2") });
    child?.stdin?.write("1\n");
    await until("starting infra1");
    const restarted = connectClient([first]);
    const { kvs } = await restarted.kv.range({ key });
    expect(kvs.map(({ value }) => utf8FromBytes(value))).toEqual(["2"]);
    restarted.close();
    client.close();
    child?.kill("SIGINT");
    expect(await ended).toBe(0);

    const endedAgain = run(ports);
    await until("with the data that was in");
    child?.kill("SIGTERM");
    expect(await endedAgain).toBe(0);
  }, 180_000);

  test("refuses ports that are none", async () => {
    const ended = run([1, 2]);
    expect(await ended).toBe(2);
    expect(output).toContain('--ports takes three ports, such as 2379,22379,32379; it was "1,2"');
  });
});
