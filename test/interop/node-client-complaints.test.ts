/**
 * What users of clients for Node.js file against them, each with a test that naive code fails: two leaders after an
 * outage, watches that are dead after a reconnect or say nothing of what they missed, leases lost while another host was
 * there, calls that hang while nobody answers, processes that never end, errors that nobody can catch, watches that pile
 * up on the server. Others are in node-client-streams.test.ts (keep-alive that cannot be switched off, leases lost
 * unnoticed, partitions, order) and node-client-admin.test.ts (tokens that end).
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  Errors,
  type EtcdClient,
  GrpcCode,
  type Leadership,
} from "../../src/node-client/index.ts";
import { ClientProxy } from "../harness/client-proxy.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { freePorts } from "../harness/processes.ts";
import { sleep } from "../harness/sleep.ts";

const ENTRY = path.join(import.meta.dirname, "..", "..", "dist", "node-client", "index.js");

/** Runs a program of its own; what it prints, and whether it ended by itself. */
async function runProgram(endpoint: string, body: string): Promise<string> {
  const program = `import { connect } from ${JSON.stringify(ENTRY)};
const client = await connect({ hosts: ${JSON.stringify(endpoint)}, timeoutMs: 2000 });
${body}`;
  const words = ["--input-type=module", "-e", program];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, {
    timeout: 30_000,
    env: { PATH: process.env["PATH"] },
  });
  return stdout + stderr;
}

describe.each(CLIENT_SERVERS)("complaints, with %s", (_, start) => {
  let ports: readonly [number, number];
  let server: EtcdProcess;
  let client: EtcdClient;

  beforeAll(async () => {
    const [clientPort, peerPort] = await freePorts(2);
    ports = [clientPort, peerPort];
    server = await startEtcd({ ...start, ports });
    client = await connect({ hosts: server.endpoint });
  }, 60_000);

  afterAll(async () => {
    client.close();
    await server.remove();
  });

  test("a watch whose history was compacted while it was cut off says so, or goes on behind it", async () => {
    const proxy = await ClientProxy.open(ports[0]);
    const cut = await connect({ hosts: proxy.endpoint });
    const failing = await cut.watch({ prefix: "gap/" });
    const going = await cut.watch({ prefix: "gap/" }, { onCompacted: "restart" });
    await client.kv.put("gap/1", "");
    expect([await failing.next(), await going.next()]).toMatchObject([
      { key: "gap/1" },
      { key: "gap/1" },
    ]);
    proxy.hold();
    proxy.break();
    await client.kv.put("gap/2", "");
    const { revision } = await client.kv.put("gap/3", "");
    await client.kv.compact(revision);
    // What was tried meanwhile is held for ever.
    proxy.heal();
    proxy.break();
    await expect(failing.next()).rejects.toMatchObject({
      name: "WatchCanceledError",
      message: Errors.Compacted.message,
    });
    expect(await going.next()).toEqual({ type: "compacted", revision });
    expect(await going.next()).toMatchObject({ key: "gap/3" });
    cut.close();
    await proxy.close();
  }, 60_000);

  test("a lease outlives the silence of any host while another one is there", async () => {
    const proxies = [await ClientProxy.open(ports[0]), await ClientProxy.open(ports[0])];
    const both = await connect({ hosts: proxies.map(({ endpoint }) => endpoint), hedgeMs: 500 });
    for (let i = 0; i < 4; i++) await both.kv.get("warm");
    const lease = await both.lease({ ttlSeconds: 3 });
    for (const proxy of proxies) {
      proxy.hold();
      const startMs = performance.now();
      // A host that was silent is asked again, and may still be: a read asks both.
      while (performance.now() - startMs < 5000) {
        await both.kv.get("warm", { timeoutMs: 4000 });
        await sleep(100);
      }
      expect(lease.isLost).toBe(false);
      proxy.heal();
      proxy.break();
      await both.ready();
      await sleep(600);
    }
    await lease.revoke();
    both.close();
    for (const proxy of proxies) await proxy.close();
  }, 60_000);

  test("nothing waits longer than it may while hosts accept connections and say nothing", async () => {
    const sockets = new Set<net.Socket>();
    const mute = net.createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => {
      mute.listen(0, "127.0.0.1", resolve);
    });
    const address = mute.address();
    const host = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const lost = await connect({ hosts: host, timeoutMs: 200 });
    const bounds = { timeoutMs: 200 };
    const calls: Promise<unknown>[] = [
      lost.kv.get("k"),
      lost.kv.put("k", ""),
      lost.kv.delete("k"),
      lost.txn().commit(),
      lost.stm((tx) => tx.get("k")),
      lost.watch("k"),
      lost.lease(),
      lost.lock("k", bounds),
      lost.tryLock("k", bounds),
      lost.election("k").campaign("", bounds),
      lost.election("k").leader(),
      lost.cluster.members(),
      lost.auth.users(),
      lost.maintenance.alarms(),
      lost.maintenance.status(host),
      lost.maintenance.snapshot(bounds).next(),
      lost.ready(),
      lost.syncHosts(),
    ];
    for (const { status, ...rest } of await Promise.allSettled(calls)) {
      expect(status).toBe("rejected");
      expect(rest).toMatchObject({ reason: { code: GrpcCode.DeadlineExceeded } });
    }
    lost.close();
    const both = await connect({ hosts: [host, server.endpoint], timeoutMs: 5000 });
    for (let i = 0; i < 4; i++) await both.kv.put("mute", "");
    both.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => mute.close(resolve));
  });

  test("what is closed ends at once, with errors that can be caught, and the process with it", async () => {
    const uses = `
process.on("unhandledRejection", (error) => console.log("unhandled", error));
const [proxyless] = await Promise.all([client.watch("exit"), client.lease({ ttlSeconds: 2 })]);
const lock = await client.lock("exit-lock");
lock.signal.addEventListener("abort", () => console.log("lost", lock.signal.reason.name));
void client.lock("exit-lock").catch((error) => console.log("lock", error.code));
void client.election("exit").campaign("a", {}).then(
  () => client.election("exit").campaign("b").catch((error) => console.log("campaign", error.code)),
);
void (async () => { for await (const _ of client.election("exit").observe()); })().catch((error) => console.log("observe", error.code));
const reading = proxyless.next();
await new Promise((resolve) => setTimeout(resolve, 500));
client.close();
console.log("read", await reading);
await client.kv.get("k").catch((error) => console.log("get", error.code));
await client.watch("k").catch((error) => console.log("watch", error.code));
`;
    const lines = (await runProgram(server.endpoint, uses)).trim().split("\n").sort();
    expect(lines).toEqual([
      "campaign 1",
      "get 1",
      "lock 1",
      "lost LeaseLostError",
      "observe 1",
      "read undefined",
      "watch 1",
    ]);
    const [dead] = await freePorts(1);
    const down = `
const watching = client.watch("k", { timeoutMs: Infinity }).catch((error) => console.log("watch", error.code));
client.close();
await watching;`;
    expect(await runProgram(`127.0.0.1:${dead}`, down)).toBe("watch 1\n");
    await client.kv.delete({ prefix: "exit" });
  }, 60_000);

  test("an error in the loop over a watch reaches its caller, and ends the watch", async () => {
    const stream = await client.watch("throws");
    await client.kv.put("throws", "");
    const loop = async (): Promise<void> => {
      for await (const { key } of stream) throw new Error(`cannot use ${key}`);
    };
    await expect(loop()).rejects.toThrow("cannot use throws");
    expect(await stream.next()).toBeUndefined();
  });

  test("watches that were left are gone from the server, whatever way they were left", async () => {
    const watchers = async (): Promise<number> => {
      const page = await (await fetch(`http://${server.endpoint}/metrics`)).text();
      return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(page)?.[1]);
    };
    const before = await watchers();
    for (let round = 0; round < 5; round++) {
      const hand = new AbortController();
      const { signal } = hand;
      const many = Array.from({ length: 100 }, (_unused, i) => client.watch(`m/${i}`, { signal }));
      const streams = await Promise.all(many);
      // A page may be some milliseconds old.
      while ((await watchers()) < before + 100) await sleep(20);
      for (const stream of streams.slice(0, 50)) stream.cancel();
      const opening = client.watch("m", { signal });
      hand.abort();
      await expect(opening).rejects.toThrow("context canceled");
    }
    while ((await watchers()) !== before) await sleep(20);
  }, 60_000);

  test("a leader whose process stands still does nothing when it goes on and another leads", async () => {
    const program = `import { connect } from ${JSON.stringify(ENTRY)};
const client = await connect({ hosts: ${JSON.stringify(server.endpoint)} });
const term = await client.election("frozen").campaign("child", { ttlSeconds: 2 });
for (;;) {
  if (term.lease.isLost) break;
  console.log(Date.now());
  await new Promise((resolve) => setTimeout(resolve, 5));
}
client.close();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] },
    });
    const output: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    const ended = once(child, "exit");
    while (output.length === 0) await sleep(10);
    child.kill("SIGSTOP");
    const term = await client.election("frozen").campaign("parent", { ttlSeconds: 2 });
    const ledFromMs = Date.now();
    await sleep(200);
    child.kill("SIGCONT");
    expect(await ended).toEqual([0, null]);
    const actedMs = output.join("").trim().split("\n").map(Number);
    expect(actedMs.length).toBeGreaterThan(0);
    expect(Math.max(...actedMs)).toBeLessThan(ledFromMs);
    expect(term.lease.isLost).toBe(false);
    await term.resign();
  }, 60_000);

  test("there is one leader at most at any time while the server is gone, and one when it is back", async () => {
    const over = new AbortController();
    const terms = new Map<string, Leadership>();
    const clients: EtcdClient[] = [];
    const stand = async (name: string): Promise<void> => {
      const own = await connect({ hosts: server.endpoint });
      clients.push(own);
      while (!over.signal.aborted) {
        const options = { ttlSeconds: 2, signal: over.signal };
        const term = await own
          .election("outage")
          .campaign(name, options)
          .catch(() => undefined);
        if (term === undefined) continue;
        terms.set(name, term);
        await new Promise<void>((resolve) => {
          AbortSignal.any([term.signal, over.signal]).addEventListener("abort", () => resolve());
        });
      }
    };
    const candidates = Promise.all(["a", "b", "c"].map(stand));
    const leaders = (): string[] => {
      return [...terms].filter(([, { lease }]) => !lease.isLost).map(([name]) => name);
    };
    const during = async (ms: number): Promise<void> => {
      for (const startMs = performance.now(); performance.now() - startMs < ms; ) {
        expect(leaders().length).toBeLessThanOrEqual(1);
        await sleep(5);
      }
    };
    while (leaders().length === 0) await during(10);
    await server.stop("SIGKILL");
    await during(4000);
    expect(leaders()).toEqual([]);
    server = await startEtcd({ ...start, ports, dataDir: server.dataDir });
    while (leaders().length === 0) await during(10);
    await during(3000);
    expect(leaders()).toHaveLength(1);
    over.abort();
    for (const own of clients) own.close();
    await candidates;
  }, 60_000);
});
