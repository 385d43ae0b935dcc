/** Members inside this process: started, used without a socket, stopped, started again. */
import * as fs from "node:fs";
import net from "node:net";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Etcd, type EtcdClient, type EtcdLogLine, startEtcd } from "../../src/embed/index.ts";

let folder = "";

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "embed-test-"));
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

async function valueOf(client: EtcdClient, key: string): Promise<string | undefined> {
  return (await client.kv.get(key))?.value;
}

describe("the life of a member", () => {
  test("it starts and stops many times in one process, and leaves nothing behind", async () => {
    const handles = (): number => process.getActiveResourcesInfo().filter(isOurs).length;
    const listeners = process.eventNames().map((name) => process.listenerCount(name));
    let before = 0;
    for (let round = 0; round < 12; round++) {
      const etcd = await startEtcd({
        temporary: true,
        listenClientUrls: "http://127.0.0.1:0",
        listenPeerUrls: "http://127.0.0.1:0",
      });
      expect(fs.existsSync(path.join(etcd.dataDir, "member", "snap", "db"))).toBe(true);
      await etcd.client.kv.put("round", String(round));
      expect(await valueOf(etcd.client, "round")).toBe(String(round));
      await etcd.stop();
      expect(fs.existsSync(etcd.dataDir)).toBe(false);
      if (round === 1) before = handles();
    }
    expect(handles()).toBeLessThanOrEqual(before);
    expect(process.eventNames().map((name) => process.listenerCount(name))).toEqual(listeners);
  });

  test("data that was written is there at the next start", async () => {
    const dataDir = path.join(folder, "again");
    for (let round = 0; round < 3; round++) {
      const etcd = await startEtcd({ dataDir, listenPeerUrls: "http://127.0.0.1:0" });
      expect(await valueOf(etcd.client, "round")).toBe(round === 0 ? undefined : String(round - 1));
      await etcd.client.kv.put("round", String(round));
      await etcd.stop();
    }
    expect(fs.existsSync(dataDir)).toBe(true);
  });

  test("members beside each other share nothing", async () => {
    const [one, other] = await Promise.all([
      startEtcd({ temporary: true, name: "one" }),
      startEtcd({ temporary: true, name: "other", listenMetricsUrls: "http://127.0.0.1:0" }),
    ]);
    try {
      for (let index = 0; index < 5; index++) await one.client.kv.put(`key${index}`, "of one");
      await other.client.kv.put("key0", "of other");
      expect(await valueOf(one.client, "key0")).toBe("of one");
      expect(await valueOf(other.client, "key0")).toBe("of other");
      expect(await valueOf(other.client, "key1")).toBeUndefined();
      const page = await (await fetch(`${other.urls.metrics[0]}/metrics`)).text();
      expect(page).toMatch(/^etcd_mvcc_put_total 1$/m);
      await one.stop();
      expect(await valueOf(other.client, "key0")).toBe("of other");
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  });

  test("stop before it is ready ends the wait, and so does stop before a client has called", async () => {
    // Of two members one alone has no leader.
    const etcd = await startEtcd({
      temporary: true,
      name: "a",
      initialCluster: "a=http://localhost:2380,b=http://127.0.0.1:1",
    });
    const waiting = expect(etcd.ready).rejects.toThrow("the member was stopped");
    await etcd.stop();
    await waiting;
    await expect(etcd.closed).resolves.toBeUndefined();
    await expect(etcd.stop()).resolves.toBeUndefined();
  });

  test("a client outside of it finds it where it listens", async () => {
    const etcd = await startEtcd({
      temporary: true,
      listenClientUrls: ["http://127.0.0.1:0", "http://localhost:0"],
    });
    try {
      await etcd.ready;
      expect(new Set(etcd.endpoints).size).toBe(2);
      for (const endpoint of etcd.endpoints) {
        const health = await fetch(`${endpoint}/health`);
        expect(await health.json()).toEqual({ health: "true", reason: "" });
      }
      const members = await etcd.client.cluster.members();
      expect(members.map(({ clientUrls }) => [...clientUrls].sort())).toEqual([
        [...etcd.endpoints].sort(),
      ]);
    } finally {
      await etcd.stop();
    }
  });

  test("its log goes to the callback alone, from the level on that was asked for", async () => {
    const lines: EtcdLogLine[] = [];
    const etcd = await startEtcd({ temporary: true, log: (line) => lines.push(line) });
    await etcd.ready;
    await etcd.stop();
    expect(lines.map(({ message }) => message)).toContain("ready to serve client requests");
    expect(new Set(lines.map(({ level }) => level))).not.toContain("debug");
    const quiet: EtcdLogLine[] = [];
    const other = await startEtcd({
      temporary: true,
      logLevel: "error",
      log: (line) => quiet.push(line),
    });
    await other.ready;
    await other.stop();
    expect(quiet).toEqual([]);
  });
});

/** What members open: sockets and timers, not what belongs to this process's own pipes. */
function isOurs(resource: string): boolean {
  return resource.startsWith("TCP") || resource === "Timeout" || resource === "Worker";
}

describe("the client without a socket", () => {
  let etcd: Etcd;

  beforeAll(async () => {
    etcd = await startEtcd({ temporary: true });
  });

  afterAll(() => etcd.stop());

  test("gives each watcher all events, large ones and many of them", async () => {
    const { client } = etcd;
    const watcher = await client.watch("watched");
    const value = new Uint8Array(200_000).fill(7);
    const count = 60;
    const putting = (async () => {
      for (let index = 0; index < count; index++) await client.kv.put("watched", value);
    })();
    let seen = 0;
    for await (const event of watcher) {
      if (event.type !== "put") throw new Error("nothing was deleted");
      expect(event.entry.valueBytes.length).toBe(value.length);
      expect(event.entry.version).toBe(++seen);
      if (seen === count) break;
    }
    await putting;
    expect(seen).toBe(count);
  });

  test("keeps a lease alive, and keys go with it", async () => {
    const { client } = etcd;
    const lease = await client.lease({ ttlSeconds: 60 });
    await client.kv.put("leased", "x", { lease });
    expect(await valueOf(client, "leased")).toBe("x");
    expect(await lease.remainingSeconds()).toBeGreaterThan(0);
    await lease.revoke();
    expect(await valueOf(client, "leased")).toBeUndefined();
  });

  test("locks and elects", async () => {
    const client = await etcd.openClient();
    const lock = await etcd.client.lock("lock");
    expect(await client.tryLock("lock")).toBeUndefined();
    const order: string[] = [];
    const waiting = client.lock("lock").then((second) => {
      order.push("locked");
      return second.release();
    });
    await client.kv.put("between", "x");
    order.push("released");
    await lock.release();
    await waiting;
    expect(order).toEqual(["released", "locked"]);
    client.close();
    await expect(client.kv.get("between")).rejects.toThrow(/closing/);
  });

  test("is refused by a member that was stopped", async () => {
    const other = await startEtcd({ temporary: true });
    await other.client.kv.put("a", "b");
    await other.stop();
    await expect(valueOf(other.client, "a")).rejects.toThrow(/closing/);
    await expect(other.connector.connect({ address: "", secure: false, serverName: "" }))
      .rejects //
      .toThrow("transport: Error while dialing: the member was stopped");
  });
});

describe("what is refused", () => {
  test("an address that is taken", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const before = fs.readdirSync(os.tmpdir()).filter((name) => /^etcd-\w{6}$/.test(name));
    const start = startEtcd({ temporary: true, listenClientUrls: `http://127.0.0.1:${port}` });
    await expect(start).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringContaining(
        `listen tcp 127.0.0.1:${port}: bind: address already in use`,
      ),
    });
    const after = fs.readdirSync(os.tmpdir()).filter((name) => /^etcd-\w{6}$/.test(name));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
    server.close();
  });

  test("a data directory that another member has, which goes on", async () => {
    const dataDir = path.join(folder, "shared");
    const etcd = await startEtcd({ dataDir });
    await expect(startEtcd({ dataDir })).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringContaining(
        "another member in this one, has it locked; stop that first",
      ),
    });
    await etcd.client.kv.put("a", "b");
    await etcd.stop();
    const next = await startEtcd({ dataDir });
    expect(await valueOf(next.client, "a")).toBe("b");
    await next.stop();
  });

  test("a data directory that cannot be used", async () => {
    const file = path.join(folder, "file");
    fs.writeFileSync(file, "");
    await expect(startEtcd({ dataDir: file })).rejects.toMatchObject({ name: "StartError" });
  });
});
