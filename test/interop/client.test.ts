/**
 * The streams of our client library against a real server: watches over restarts and compactions, leases,
 * snapshots.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, openClient } from "../../src/client/client.ts";
import type { Watcher } from "../../src/client/watch.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { Errors } from "../../src/errors/table.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { EventType } from "../../src/wire/gen/kv.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { freePorts } from "../harness/processes.ts";
import { QUIET_LOG } from "../harness/quiet-log.ts";
import { REFERENCE } from "../harness/reference.ts";

const bytes = bytesFromUtf8;

describe.skipIf(REFERENCE === undefined)("client library", () => {
  let ports: [number, number];
  let server: EtcdProcess;
  let client: Client;

  beforeAll(async () => {
    const [clientPort, peerPort] = await freePorts(2);
    ports = [clientPort, peerPort];
    server = await startEtcd({ ports });
    client = await openClient({
      endpoints: [server.endpoint],
      connector: socketConnector(undefined),
      clock: systemClock,
      random: systemRandom,
      log: QUIET_LOG,
    });
  });

  afterAll(async () => {
    client.close();
    await server.remove();
  });

  async function put(key: string, value: string, lease = 0n): Promise<number> {
    const { header } = await client.kv.put({ key: bytes(key), value: bytes(value), lease });
    return header?.revision ?? 0;
  }

  /** Reads `count` events, each as `PUT key value` or `DELETE key`. */
  async function events(watcher: Watcher, count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count) {
      for (const { type, kv } of (await watcher.next())?.events ?? []) {
        const key = utf8FromBytes(kv?.key ?? bytes(""));
        const shown = type === EventType.PUT ? ` ${utf8FromBytes(kv?.value ?? bytes(""))}` : "";
        seen.push(`${type === EventType.PUT ? "PUT" : "DELETE"} ${key}${shown}`);
      }
    }
    return seen;
  }

  test("watches a key, a prefix and the past", async () => {
    const revision = await put("w/a", "0");
    const one = await client.watch.open({ key: bytes("w/a") });
    const all = await client.watch.open({ key: bytes("w/"), rangeEnd: bytes("w0"), prevKv: true });
    const past = await client.watch.open({ key: bytes("w/a"), startRevision: revision });
    await put("w/a", "1");
    await put("w/b", "2");
    await client.kv.deleteRange({ key: bytes("w/"), rangeEnd: bytes("w0") });
    expect(await events(one, 2)).toEqual(["PUT w/a 1", "DELETE w/a"]);
    expect(await events(all, 4)).toEqual(["PUT w/a 1", "PUT w/b 2", "DELETE w/a", "DELETE w/b"]);
    expect(await events(past, 3)).toEqual(["PUT w/a 0", "PUT w/a 1", "DELETE w/a"]);
    client.watch.requestProgress();
    for (const watcher of [one, all, past]) {
      expect(await watcher.next()).toMatchObject({ events: [], watchId: -1n });
      watcher.cancel();
    }
  });

  test("misses and repeats nothing while the server restarts again and again", async () => {
    const watcher = await client.watch.open({ key: bytes("r/"), rangeEnd: bytes("r0") });
    const expected: string[] = [];
    let written = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++) {
        await put(`r/${written}`, String(round));
        expected.push(`PUT r/${written} ${round}`);
        written++;
      }
      await server.stop("SIGKILL");
      server = await startEtcd({ ports, dataDir: server.dataDir });
    }
    expect(await events(watcher, expected.length)).toEqual(expected);
    await put("r/last", "x");
    expect(await events(watcher, 1)).toEqual(["PUT r/last x"]);
    watcher.cancel();
  }, 60_000);

  test("is told when its revision is compacted", async () => {
    const revision = await put("c", "1");
    await put("c", "2");
    const watcher = await client.watch.open({ key: bytes("c"), startRevision: revision });
    expect(await events(watcher, 2)).toEqual(["PUT c 1", "PUT c 2"]);
    await client.kv.compact({ revision: revision + 1, physical: true });
    await put("c", "3");
    expect(await events(watcher, 1)).toEqual(["PUT c 3"]);
    watcher.cancel();
    const late = await client.watch.open({ key: bytes("c"), startRevision: 1 });
    await expect(late.next()).rejects.toMatchObject({
      message: Errors.Compacted.message,
      response: { canceled: true, compactRevision: revision + 1 },
    });
  });

  test("puts big answers together and many watches on one stream", async () => {
    const big = "x".repeat(1_000_000);
    const revision = await put("big/0", big);
    for (let i = 1; i < 6; i++) await put(`big/${i}`, big);
    const request = {
      key: bytes("big/"),
      rangeEnd: bytes("big0"),
      startRevision: revision,
      fragment: true,
    };
    const watcher = await client.watch.open(request);
    const first = await watcher.next();
    expect(first?.fragment).toBe(false);
    expect(first?.events.map(({ kv }) => kv?.value.length)).toEqual(
      [6, 6, 6, 6, 6, 6].map(() => big.length),
    );
    watcher.cancel();
    const watchers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => client.watch.open({ key: bytes(`many/${i}`) })),
    );
    for (let i = 0; i < 500; i++) await put(`many/${i}`, String(i));
    for (const [i, each] of watchers.entries()) {
      expect(await events(each, 1)).toEqual([`PUT many/${i} ${i}`]);
      each.cancel();
    }
  });

  test("receives an answer of 100 MB", async () => {
    const value = new Uint8Array(1_400_000).fill(7);
    for (let i = 0; i < 72; i++) await client.kv.put({ key: bytes(`huge/${i}`), value });
    const range = { key: bytes("huge/"), rangeEnd: bytes("huge0") };
    const { kvs } = await client.kv.range(range);
    expect(kvs.map(({ value: { length } }) => length)).toEqual(kvs.map(() => value.length));
    expect(kvs).toHaveLength(72);
    await client.kv.deleteRange(range);
  });

  test("keeps a lease alive past its time, until it is revoked", async () => {
    const { id, ttl } = await client.lease.grant({ ttl: 2 });
    await put("leased", "1", id);
    const keeper = client.lease.keepAlive(id);
    const renewals: number[] = [];
    const end = (async () => {
      for await (const renewal of keeper) renewals.push(renewal.ttl);
    })().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, (ttl + 2) * 1000));
    const left = await client.lease.timeToLive({ id, keys: true });
    expect(left.ttl).toBeGreaterThan(0);
    expect(left.keys.map((key) => utf8FromBytes(key))).toEqual(["leased"]);
    expect((await client.lease.leases()).leases).toEqual([{ id }]);
    await client.lease.keepAliveOnce(id);
    await client.lease.revoke(id);
    expect(await end).toBe(Errors.LeaseNotFound);
    expect(renewals.length).toBeGreaterThanOrEqual(4);
    expect((await client.kv.range({ key: bytes("leased") })).kvs).toEqual([]);
    await expect(client.lease.keepAliveOnce(id)).rejects.toBe(Errors.LeaseNotFound);
    await expect(client.lease.revoke(id)).rejects.toBe(Errors.LeaseNotFound);
    expect((await client.lease.timeToLive({ id })).ttl).toBe(-1);
  }, 20_000);

  test("receives a snapshot whose sum is right", async () => {
    const hash = createHash("sha256");
    let tail = new Uint8Array();
    let total = 0;
    for await (const { blob } of client.maintenance.snapshot()) {
      const joined = Buffer.concat([tail, blob]);
      const keep = Math.min(32, joined.length);
      hash.update(joined.subarray(0, joined.length - keep));
      tail = joined.subarray(joined.length - keep);
      total += blob.length;
    }
    expect(total % 4096).toBe(32);
    expect(hash.digest()).toEqual(Buffer.from(tail));
  });

  test("does the upkeep of a member", async () => {
    const { maintenance } = client;
    const { header, hash } = await maintenance.hashKv(server.endpoint, 0);
    expect((await maintenance.hashKv(server.endpoint, header?.revision ?? 0)).hash).toBe(hash);
    await maintenance.defragment(server.endpoint);
    expect((await maintenance.alarmDisarm()).alarms).toEqual([]);
    await expect(maintenance.moveLeader(5n)).rejects.toThrow("etcdserver: bad leader transferee");
    await expect(maintenance.downgrade(0, "3.6")).rejects.toThrow("etcdserver: invalid downgrade");
  });
});
