/**
 * A server among clients that flood, stall, break rules, read nothing or never finish what they began: others
 * are served, and what it keeps is bounded. How fast it is then, the benchmark `bad-clients` shows.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { connectClient } from "../harness/socket-client.ts";

const CLIENTS = 96;
const KEYS = 5000;
const PUTS = 600;
const PREFIX = "bench/";
/** Some 100 MB are the process itself, and each of the clients may have it keep some megabytes. */
const RESIDENT_MB_MAX = 900;

const LOAD = path.join(import.meta.dirname, "../../bench/loads/bad-clients.mjs");
function residentMb(pid: number): number {
  const text = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1]) / 1000;
}

test("others are served, and memory is bounded", async () => {
  const server = await startEtcd({ command: OUR_ETCD });
  const client = connectClient([server.endpoint]);
  const value = new Uint8Array(256);
  const put = (i: number) => client.kv.put({ key: bytesFromUtf8(`${PREFIX}${i % KEYS}`), value });
  for (let at = 0; at < KEYS; at += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => put(at + i)));
  }
  const orders = {
    port: Number(server.endpoint.split(":").at(-1)),
    clients: CLIENTS,
    prefix: PREFIX,
  };
  const load = spawn(process.execPath, [LOAD, JSON.stringify(orders)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = readline.createInterface({ input: load.stdout })[Symbol.asyncIterator]();
  try {
    expect(await said.next()).toEqual({ done: false, value: '{"ready":true}' });
    for (let i = 0; i < PUTS; i++) await put(i);
    expect(residentMb(server.process.pid ?? 0)).toBeLessThan(RESIDENT_MB_MAX);
    load.stdin.write('{"end":true}\n');
    const { connections, ended } = JSON.parse(String((await said.next()).value)) as {
      readonly connections: number;
      readonly ended: number;
    };
    expect(ended).toBeGreaterThan(0);
    expect(connections).toBeGreaterThanOrEqual(CLIENTS);
    await put(0);
  } finally {
    load.kill("SIGKILL");
    client.close();
    await server.remove();
  }
}, 120_000);
