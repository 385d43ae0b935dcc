/** How a program governs its members: by a signal, and by what they tell of themselves. */
import { once } from "node:events";
import * as fs from "node:fs";
import net from "node:net";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LeaderChange, startCluster, startEtcd } from "../../src/embed/index.ts";

let folder = "";
let outerTmp: string | undefined;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "embed-control-"));
  outerTmp = process.env["TMPDIR"];
  // What is made in it is ours.
  process.env["TMPDIR"] = folder;
});

afterAll(() => {
  if (outerTmp === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = outerTmp;
  fs.rmSync(folder, { recursive: true });
});

/** A signal that knows who listens. */
function watchedSignal(): {
  abort: (reason?: unknown) => void;
  signal: AbortSignal;
  listeners: Set<unknown>;
} {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: () => void, options?: object) => {
    listeners.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: () => void) => {
    listeners.delete(listener);
    remove(type, listener);
  };
  return { abort: (reason) => controller.abort(reason), signal, listeners };
}

describe("a signal", () => {
  test("that has aborted starts nothing", async () => {
    const signal = AbortSignal.abort(new Error("not today"));
    await expect(startEtcd({ temporary: true, signal })).rejects.toThrow("not today");
    await expect(startCluster({ signal })).rejects.toThrow("not today");
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test("ends a start at every point of it, and nothing is left", async () => {
    const before = process.getActiveResourcesInfo().length;
    let started = 0;
    for (let turns = 0; started < 2; turns++) {
      const { abort, signal, listeners } = watchedSignal();
      const options = { temporary: true, listenClientUrls: "http://127.0.0.1:0", signal };
      const start = startEtcd(options).then(
        (etcd) => etcd.closed,
        (error: unknown) => error,
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      abort("enough");
      const outcome = await start;
      if (outcome === undefined) started++;
      else expect(outcome).toBe("enough");
      expect(listeners.size).toBe(0);
      expect(fs.readdirSync(folder)).toEqual([]);
    }
    await new Promise(setImmediate);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
  });

  test("ends a start that waits for others", async () => {
    const { abort, signal } = watchedSignal();
    const silent = net.createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const asked = once(silent, "connection");
    const { port } = silent.address() as net.AddressInfo;
    const start = startEtcd({
      temporary: true,
      name: "a",
      initialCluster: `a=http://localhost:2380,b=http://127.0.0.1:${port}`,
      initialClusterState: "existing",
      signal,
    });
    const rejected = expect(start).rejects.toBe("enough");
    const [socket] = await asked;
    abort("enough");
    await rejected;
    expect(fs.readdirSync(folder)).toEqual([]);
    socket.destroy();
    silent.close();
    await once(silent, "close");
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test("stops a member, and nothing listens to it once that was stopped otherwise", async () => {
    const { abort, signal, listeners } = watchedSignal();
    const [one, other] = await Promise.all([
      startEtcd({ temporary: true, signal }),
      startEtcd({ temporary: true, signal }),
    ]);
    await other.stop();
    expect(listeners.size).toBe(1);
    await one.client.kv.put("key", "value");
    abort();
    expect(await one.closed).toBeUndefined();
    await expect(one.client.kv.get("key")).rejects.toThrow(/closing/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test("ends the start of a cluster, and stops one that runs", async () => {
    for (const turns of [0, 1, 5, 20, 60]) {
      const { abort, signal, listeners } = watchedSignal();
      const start = startCluster({ size: 2, signal }).then(
        (cluster) => cluster.closed,
        (error: unknown) => error,
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      abort("enough");
      expect([undefined, "enough"]).toContain(await start);
      expect(listeners.size).toBe(0);
      expect(fs.readdirSync(folder)).toEqual([]);
    }
  });
});

test("members tell who leads, and what they count", async () => {
  const changes: LeaderChange[] = [];
  const cluster = await startCluster({ onLeader: (change) => changes.push(change) });
  try {
    await cluster.ready;
    const leader = await cluster.leader();
    if (leader === undefined) throw new Error("nobody leads");
    expect(cluster.members.filter(({ isLeader }) => isLeader)).toEqual([leader]);
    const { memberId: leaderId, name } = leader;
    expect(new Set(cluster.members.map((member) => member.leaderId))).toEqual(new Set([leaderId]));
    for (const member of cluster.members) {
      const { leaderId: seen, isLeader } = changes.filter(
        (change) => change.name === member.name,
      )[0];
      expect([seen, isLeader]).toEqual([leaderId, member.name === name]);
      expect(member.clusterId).toBe(leader.clusterId);
    }
    changes.length = 0;
    await leader.stop();
    await cluster.client.kv.put("key", "value");
    expect(leader.isLeader).toBe(false);
    const next = await cluster.leader();
    expect(next?.isLeader).toBe(true);
    expect(changes).toContainEqual({
      name: next?.name,
      leaderId: next?.memberId,
      isLeader: true,
    });
    expect(next?.metrics()).toMatch(/^etcd_server_is_leader 1$/m);
  } finally {
    await cluster.stop();
  }
});

test("what the program does with what it is told is its own", async () => {
  const caught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => caught.push(error));
  try {
    const etcd = await startEtcd({
      temporary: true,
      onLeader() {
        throw new Error("of the program");
      },
    });
    await etcd.client.kv.put("key", "value");
    await etcd.stop();
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  expect(caught.map(String)).toContain("Error: of the program");
});
