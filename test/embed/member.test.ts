/** Members inside this process: started, used without a socket, stopped, started again. */
import * as fs from "node:fs";
import net from "node:net";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { Election } from "../../src/client/election.ts";
import { Mutex } from "../../src/client/mutex.ts";
import { openSession } from "../../src/client/session.ts";
import {
  bytesFromUtf8,
  type Etcd,
  type EtcdLogLine,
  startEtcd,
  utf8FromBytes,
} from "../../src/embed/index.ts";

let folder = "";

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "embed-test-"));
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

async function put(client: Client, key: string, value: string): Promise<void> {
  await client.kv.put({ key: bytesFromUtf8(key), value: bytesFromUtf8(value) });
}

async function get(client: Client, key: string): Promise<string | undefined> {
  const { kvs } = await client.kv.range({ key: bytesFromUtf8(key) });
  return kvs.length === 0 ? undefined : utf8FromBytes(kvs[0].value);
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
      await put(etcd.client, "round", String(round));
      expect(await get(etcd.client, "round")).toBe(String(round));
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
      expect(await get(etcd.client, "round")).toBe(round === 0 ? undefined : String(round - 1));
      await put(etcd.client, "round", String(round));
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
      for (let index = 0; index < 5; index++) await put(one.client, `key${index}`, "of one");
      await put(other.client, "key0", "of other");
      expect(await get(one.client, "key0")).toBe("of one");
      expect(await get(other.client, "key0")).toBe("of other");
      expect(await get(other.client, "key1")).toBeUndefined();
      const page = await (await fetch(`${other.urls.metrics[0]}/metrics`)).text();
      expect(page).toMatch(/^etcd_mvcc_put_total 1$/m);
      await one.stop();
      expect(await get(other.client, "key0")).toBe("of other");
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
      const { members } = await etcd.client.cluster.memberList();
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
    const key = bytesFromUtf8("watched");
    const watcher = await client.watch.open({ key });
    const value = new Uint8Array(200_000).fill(7);
    const count = 60;
    const putting = (async () => {
      for (let index = 0; index < count; index++) await client.kv.put({ key, value });
    })();
    let seen = 0;
    for await (const { events } of watcher) {
      for (const { kv } of events) {
        expect(kv?.value.length).toBe(value.length);
        expect(kv?.version).toBe(++seen);
      }
      if (seen === count) break;
    }
    await putting;
    expect(seen).toBe(count);
  });

  test("keeps a lease alive, and keys go with it", async () => {
    const { client } = etcd;
    const { id } = await client.lease.grant({ ttl: 60 });
    await client.kv.put({ key: bytesFromUtf8("leased"), lease: id });
    const keeper = client.lease.keepAlive(id);
    expect((await keeper.next())?.ttl).toBe(60);
    keeper.cancel();
    await client.lease.revoke(id);
    expect(await get(client, "leased")).toBeUndefined();
  });

  test("locks and elects", async () => {
    const client = await etcd.openClient();
    const first = await openSession(etcd.client);
    const second = await openSession(client);
    const mutex = new Mutex(etcd.client, first, bytesFromUtf8("lock"));
    await mutex.lock();
    const waiting = new Mutex(client, second, bytesFromUtf8("lock"));
    const order: string[] = [];
    const locked = waiting.lock().then(() => order.push("locked"));
    await put(client, "between", "x");
    order.push("unlocked");
    await mutex.unlock();
    await locked;
    expect(order).toEqual(["unlocked", "locked"]);
    const election = new Election(client, second, bytesFromUtf8("election"));
    await election.campaign(bytesFromUtf8("me"));
    await second.close();
    await first.close();
    client.close();
  });

  test("is refused by a member that was stopped", async () => {
    const other = await startEtcd({ temporary: true });
    await put(other.client, "a", "b");
    await other.stop();
    await expect(get(other.client, "a")).rejects.toThrow(/closing/);
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

  test("a data directory that cannot be used", async () => {
    const file = path.join(folder, "file");
    fs.writeFileSync(file, "");
    await expect(startEtcd({ dataDir: file })).rejects.toMatchObject({ name: "StartError" });
  });
});
