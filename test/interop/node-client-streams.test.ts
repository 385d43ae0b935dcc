/**
 * Watches, leases, locks and elections of the client library as Node programs use it, over restarts, lost packets and
 * compactions, against our server and the real one. What users of other clients complain of has a test each: two
 * leaders after a partition, watches that are dead after a reconnect, leases that are lost unnoticed, leases that
 * cannot be let expire.
 */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  compare,
  connect,
  Errors,
  type EtcdClient,
  GrpcCode,
  type LeaseHandle,
  LeaseLostError,
  op,
  type WatchEvent,
  type WatchStream,
} from "../../src/node-client/index.ts";
import { ClientProxy } from "../harness/client-proxy.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { freePorts } from "../harness/processes.ts";

async function take(stream: WatchStream, count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let event: WatchEvent | undefined; seen.length < count; ) {
    event = await stream.next();
    if (event === undefined) break;
    seen.push(`${event.type} ${event.key}${event.type === "put" ? ` ${event.entry.value}` : ""}`);
  }
  return seen;
}

/** Waits for the end of a lease; its reason. */
async function lossOf({ signal }: Pick<LeaseHandle, "signal">): Promise<unknown> {
  if (!signal.aborted) await once(signal, "abort");
  return signal.reason;
}

describe.each(CLIENT_SERVERS)("client of %s", (_, start) => {
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

  async function behindProxy(): Promise<{ proxy: ClientProxy; cut: EtcdClient }> {
    const proxy = await ClientProxy.open(ports[0]);
    return { proxy, cut: await connect({ hosts: proxy.endpoint }) };
  }

  test("watches a key, a namespace and the past, with what was before", async () => {
    const inner = client.namespace("w/");
    const { revision } = await inner.kv.put("a", "0");
    const one = await client.watch("w/a");
    const all = await inner.watch({ prefix: "" }, { previous: true });
    const past = await inner.watch("a", { startRevision: revision });
    const deletions = await inner.watch({ prefix: "" }, { only: "delete" });
    const put = await inner.kv.put("a", "1");
    await inner.kv.delete({ prefix: "" });
    expect(await take(one, 2)).toEqual(["put w/a 1", "delete w/a"]);
    expect(await all.next()).toMatchObject({
      type: "put",
      key: "a",
      revision: put.revision,
      previous: { key: "a", value: "0" },
      entry: { key: "a", value: "1", version: 2 },
    });
    expect(await all.next()).toMatchObject({ type: "delete", previous: { value: "1" } });
    expect(await take(past, 3)).toEqual(["put a 0", "put a 1", "delete a"]);
    expect(await take(deletions, 1)).toEqual(["delete a"]);
    for (const stream of [one, all, past, deletions]) stream.cancel();
    expect(await one.next()).toBeUndefined();
  });

  test("a loop over a watch ends when the signal aborts, and ends the watch when it is left", async () => {
    const hand = new AbortController();
    const stream = await client.watch("loop", { signal: hand.signal });
    await client.kv.put("loop", "1");
    const seen: string[] = [];
    for await (const { key } of stream) {
      seen.push(key);
      hand.abort();
    }
    expect(seen).toEqual(["loop"]);
    const left = await client.watch("loop");
    await client.kv.put("loop", "2");
    for await (const { type } of left) if (type === "put") break;
    expect(await left.next()).toBeUndefined();
    const aborted = client.watch("loop", { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: GrpcCode.Canceled });
  });

  test("a watch goes on over broken connections and restarts; nothing is missed or told twice", async () => {
    const { proxy, cut } = await behindProxy();
    const stream = await cut.watch({ prefix: "r/" });
    const expected: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) {
        await client.kv.put(`r/${i}`, `${round}`);
        expected.push(`put r/${i} ${round}`);
      }
      if (round !== 1) {
        proxy.break();
        continue;
      }
      await server.stop("SIGKILL");
      server = await startEtcd({ ...start, ports, dataDir: server.dataDir });
    }
    expect(await take(stream, expected.length)).toEqual(expected);
    await client.kv.put("r/last", "x");
    expect(await take(stream, 1)).toEqual(["put r/last x"]);
    cut.close();
    await proxy.close();
  }, 60_000);

  // Which server it is makes no difference here, and noticing takes its time.
  test.runIf(start.command)(
    "a watch whose packets are all lost comes back",
    async () => {
      const { proxy, cut } = await behindProxy();
      const stream = await cut.watch("lost");
      proxy.hold();
      await client.kv.put("lost", "1");
      proxy.heal();
      expect(await take(stream, 1)).toEqual(["put lost 1"]);
      cut.close();
      await proxy.close();
    },
    60_000,
  );

  test("a watch says when what it would tell is compacted, and goes on where that is wanted", async () => {
    const first = (await client.kv.put("c", "1")).revision;
    const second = (await client.kv.put("c", "2")).revision;
    await client.kv.compact(second);
    const failing = await client.watch("c", { startRevision: first });
    await expect(failing.next()).rejects.toMatchObject({
      name: "WatchCanceledError",
      message: Errors.Compacted.message,
      response: { compactRevision: second },
    });
    const going = await client.watch("c", { startRevision: first, onCompacted: "restart" });
    expect(await going.next()).toEqual({ type: "compacted", revision: second });
    expect(await going.next()).toMatchObject({ type: "put", revision: second });
    await client.kv.put("c", "3");
    expect(await going.next()).toMatchObject({ type: "put", entry: { value: "3" } });
    going.cancel();
  });

  test("a watch tells how far it has come, and starts within its time", async () => {
    const { revision } = await client.kv.put("far", "0");
    const stream = await client.watch("far", { progress: true, ownStream: true });
    expect(stream.revision).toBe(revision);
    const put = await client.kv.put("far", "1");
    expect((await stream.next())?.type).toBe("put");
    expect(stream.revision).toBe(put.revision);
    const other = await client.kv.put("elsewhere", "1");
    stream.requestProgress();
    expect(await stream.next()).toEqual({ type: "progress", revision: other.revision });
    expect(stream.revision).toBe(other.revision);
    stream.cancel();
    const [port] = await freePorts(1);
    const lost = await connect({ hosts: `127.0.0.1:${port}`, timeoutMs: 50 });
    await expect(lost.watch("far")).rejects.toBe(Errors.DeadlineExceeded);
    const longer = lost.watch("far", { timeoutMs: 100 });
    await expect(longer).rejects.toBe(Errors.DeadlineExceeded);
    lost.close();
  });

  test("a lease keeps itself alive, and tells at once when somebody else ends it", async () => {
    const lease = await client.lease({ ttlSeconds: 2 });
    await client.kv.put("leased", "1", { lease });
    await new Promise((resolve) => setTimeout(resolve, (lease.ttlSeconds + 2) * 1000));
    expect(lease.isLost).toBe(false);
    expect(await lease.remainingSeconds()).toBeGreaterThan(0);
    expect((await client.kv.get("leased"))?.lease).toBe(lease.id);
    await client.raw.lease.revoke(lease.id);
    const reason = await lossOf(lease);
    expect(reason).toBeInstanceOf(LeaseLostError);
    expect(reason).toMatchObject({ leaseId: lease.id, message: Errors.LeaseNotFound.message });
    expect(lease.isLost).toBe(true);
    expect(await lease.remainingSeconds()).toBe(-1);
    await lease.revoke();
  }, 30_000);

  test("a lease whose renewals get lost tells before the server gives its keys away", async () => {
    const { proxy, cut } = await behindProxy();
    const lease = await cut.lease({ ttlSeconds: 2 });
    await cut.kv.put("mine", "1", { lease });
    const gone = await client.watch("mine");
    const order: string[] = [];
    proxy.hold();
    await Promise.all([
      lossOf(lease).then(() => order.push("told")),
      gone.next().then((event) => order.push(event?.type ?? "")),
    ]);
    expect(order).toEqual(["told", "delete"]);
    gone.cancel();
    cut.close();
    await proxy.close();
  }, 30_000);

  test("a lease that is not kept alive, or no longer, expires", async () => {
    const never = await client.lease({ ttlSeconds: 1, keepAlive: false });
    const stopped = await client.lease({ ttlSeconds: 1 });
    const kept = await client.lease({ ttlSeconds: 1 });
    stopped.stopKeepAlive();
    for (const [key, lease] of Object.entries({ never, stopped, kept })) {
      await client.kv.put(`off/${key}`, "", { lease });
    }
    const stream = await client.watch({ prefix: "off/" }, { only: "delete" });
    expect((await take(stream, 2)).sort()).toEqual(["delete off/never", "delete off/stopped"]);
    expect([never.isLost, stopped.isLost, kept.isLost]).toEqual([true, true, false]);
    expect(stopped.signal.aborted).toBe(false);
    await kept.revoke();
    stream.cancel();
  }, 30_000);

  test("a lease can be renewed by hand, taken over, looked at, and ended with its block", async () => {
    const byHand = await client.lease({ ttlSeconds: 2, keepAlive: false });
    await client.kv.put("hand", "", { lease: byHand });
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(await byHand.renew()).toBe(byHand.ttlSeconds);
      expect(byHand.isLost).toBe(false);
    }
    expect(await byHand.keys()).toEqual(["hand"]);
    expect(await client.leases()).toContain(byHand.id);
    {
      await using taken = await client.leaseOf(byHand.id);
      expect(taken.ttlSeconds).toBe(byHand.ttlSeconds);
    }
    expect(await client.kv.get("hand")).toBeUndefined();
    await expect(byHand.renew()).rejects.toBe(Errors.LeaseNotFound);
    await expect(client.leaseOf(byHand.id)).rejects.toBe(Errors.LeaseNotFound);
  }, 30_000);

  test("a client that is closed tells its leases", async () => {
    const other = await connect({ hosts: server.endpoint });
    const lease = await other.namespace("x").lease();
    other.close();
    expect(await lossOf(lease)).toMatchObject({ code: GrpcCode.Canceled });
    await client.raw.lease.revoke(lease.id);
  });

  test("locks exclude each other, with fences that grow", async () => {
    const held = await client.lock("job");
    expect(await client.tryLock("job")).toBeUndefined();
    await expect(client.lock("job", { timeoutMs: 50 })).rejects.toBe(Errors.DeadlineExceeded);
    const hand = new AbortController();
    const impatient = client.lock("job", { signal: hand.signal });
    setTimeout(() => hand.abort(), 20);
    await expect(impatient).rejects.toMatchObject({ code: GrpcCode.Canceled });
    const next = client.lock("job");
    const fenced = client.txn().if(held.isHeld()).then(op.put("fenced", "1"));
    expect((await fenced.commit()).succeeded).toBe(true);
    await held.release();
    await held.release();
    const other = await next;
    expect(other.revision).toBeGreaterThan(held.revision);
    expect((await fenced.commit()).succeeded).toBe(false);
    await other.release();
    let isInside = false;
    const work = async (): Promise<number> => {
      expect(isInside).toBe(false);
      isInside = true;
      await client.kv.put("inside", "");
      isInside = false;
      return 1;
    };
    const all = [1, 2, 3, 4].map(() => client.namespace("l/").withLock("job", work));
    expect(await Promise.all(all)).toEqual([1, 1, 1, 1]);
    expect(await client.kv.count({ prefix: "l/" })).toBe(0);
    const failing = client.withLock("job", () => Promise.reject(new Error("work failed")));
    await expect(failing).rejects.toThrow("work failed");
    const lost = client.withLock("job", async ({ lease }) => {
      await client.raw.lease.revoke(lease.id);
      await lossOf(lease);
    });
    await expect(lost).rejects.toBeInstanceOf(LeaseLostError);
    const lease = await client.lease();
    const free = await client.tryLock("job", { lease });
    await free?.release();
    expect(lease.isLost).toBe(false);
    await lease.revoke();
  }, 30_000);

  test("a wait for a lock ends when its lease does", async () => {
    const held = await client.lock("busy");
    const lease = await client.lease({ ttlSeconds: 2 });
    const waiting = client.lock("busy", { lease });
    while ((await client.kv.count({ prefix: "busy/" })) < 2);
    await client.raw.lease.revoke(lease.id);
    await expect(waiting).rejects.toBeInstanceOf(LeaseLostError);
    const refused = client.lock("free", { lease });
    await expect(refused).rejects.toMatchObject({ name: "LeaseLostError", leaseId: lease.id });
    await held.release();
  });

  test("an election: leaders, proclamations, observers, candidates who give up", async () => {
    const election = client.election("boss");
    expect(await election.leader()).toBeUndefined();
    const hand = new AbortController();
    const seen: string[] = [];
    const observing = (async () => {
      for await (const { value } of election.observe({ signal: hand.signal })) seen.push(value);
    })();
    const first = await election.campaign("a");
    await expect(election.campaign("c", { timeoutMs: 50 })).rejects.toBe(Errors.DeadlineExceeded);
    const waiting = election.campaign("b");
    await first.proclaim("a!");
    expect((await election.leader())?.value).toBe("a!");
    while (!seen.includes("a!")) await new Promise((resolve) => setTimeout(resolve, 5));
    await first.resign();
    const second = await waiting;
    expect(second.revision).toBeGreaterThan(first.revision);
    await expect(first.proclaim("late")).rejects.toBe(Errors.ElectionNotLeader);
    const guarded = await client.txn().if(second.isLeading()).then(op.get("boss")).commit();
    expect(guarded.succeeded).toBe(true);
    while (!seen.includes("b")) await new Promise((resolve) => setTimeout(resolve, 5));
    hand.abort();
    await observing;
    await second.resign();
  }, 30_000);

  test("there are never two leaders: one that is cut off steps down before another leads", async () => {
    const { proxy, cut } = await behindProxy();
    const order: string[] = [];
    const old = await cut.election("partition").campaign("old", { ttlSeconds: 2 });
    const term = client.election("partition").campaign("new", { ttlSeconds: 2 });
    proxy.hold();
    const stepsDown = lossOf(old).then(() => order.push("old steps down"));
    const leads = term.then(() => order.push("new leads"));
    await Promise.all([stepsDown, leads]);
    expect(order).toEqual(["old steps down", "new leads"]);
    const late = client.txn().if(old.isLeading()).then(op.put("partition-state", "old"));
    expect((await late.commit()).succeeded).toBe(false);
    expect(await client.kv.get("partition-state")).toBeUndefined();
    await (await term).resign();
    cut.close();
    await proxy.close();
  }, 60_000);

  test("a lock and a leadership tell when somebody deletes their keys, and not when they are given up", async () => {
    const lock = await client.lock("watched");
    const term = await client.election("watched-too").campaign("me");
    // The history that is looked at first is gone when somebody wants to know.
    const { revision } = await client.kv.put("unwatched", "");
    await client.kv.compact(revision);
    const losses = Promise.all([lossOf(lock), lossOf(term)]);
    await client.kv.delete({ prefix: "watched" });
    for (const reason of await losses) expect(reason).toMatchObject({ name: "KeyLostError" });
    expect([lock.lease.isLost, term.lease.isLost]).toEqual([false, false]);
    await Promise.all([lock.release(), term.resign()]);
    const signals: AbortSignal[] = [];
    {
      await using own = await client.lock("watched");
      await using lease = await client.lease();
      await using other = await client.lock("watched-lease", { lease });
      await using led = await client.election("watched-too").campaign("me");
      signals.push(own.signal, other.signal, led.signal);
    }
    expect(await client.kv.count({ prefix: "watched" })).toBe(0);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
  }, 30_000);

  test("compare and conditions of locks stand beside each other", async () => {
    const lock = await client.lock("beside");
    const both = client.txn().if(lock.isHeld(), compare.missing("beside-state"));
    expect((await both.then(op.put("beside-state", "1")).commit()).succeeded).toBe(true);
    expect((await both.commit()).succeeded).toBe(false);
    await lock.release();
  });
});
