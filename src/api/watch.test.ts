import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryNetwork, MemoryServer } from "../../test/harness/memory-grpc.ts";
import { WatchPeer, type WatchTalk } from "../../test/harness/watch-conversation.ts";
import { openAuthStore } from "../auth/testing/open-auth-store.ts";
import { ChangeFeed } from "../mvcc/change-feed.ts";
import { executeDeleteRange, executePut } from "../mvcc/kv-requests.ts";
import { WATCH_LIMITS, type WatchLimits } from "../mvcc/limits.ts";
import { MemoryStorage } from "../mvcc/memory-storage.ts";
import { MemoryLeases } from "../mvcc/testing/memory-leases.ts";
import { openStore } from "../mvcc/testing/open-store.ts";
import { WatchHub } from "../mvcc/watch-hub.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { systemClock } from "../platform/clock.ts";
import { Prng } from "../stdx/prng.ts";
import {
  createDeleteRangeRequest,
  createPutRequest,
  createWatchResponse,
  encodeWatchResponse,
} from "../wire/gen/rpc.ts";
import { NOBODY } from "./context.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import { RpcMetrics } from "./rpc-metrics.ts";
import { watchMethods } from "./watch.ts";

const FRAGMENT_BYTES_MAX = 1000;
const PUMP_BUDGET = 16;

/** The Watch service alone, over a store in memory, with clients on connections in memory. */
class WatchServer {
  readonly #feed = new ChangeFeed();
  readonly store = openStore(new MemoryStorage(), new MemoryLeases(), this.#feed);
  readonly hub: WatchHub;
  /** Of the hub; connections have the real one. */
  readonly #clock = new ManualClock();
  readonly #network = new MemoryNetwork();
  readonly #peers: WatchPeer[] = [];
  #pumping = false;

  constructor(limits: WatchLimits) {
    this.hub = new WatchHub(this.store, this.#feed, limits);
    const methods = watchMethods({
      clusterId: 5n,
      member: { id: 7n, term: 3, applier: { auth: openAuthStore() } },
      callers: NOBODY,
      rpcs: new RpcMetrics(new MetricsRegistry(), undefined),
      watches: {
        hub: this.hub,
        progressIntervalMs: 1000,
        fragmentBytesMax: FRAGMENT_BYTES_MAX,
        random: new Prng(1),
        wake: () => this.wake(),
      },
    });
    const server = new MemoryServer(systemClock, {}, Object.fromEntries(methods));
    this.#network.servers.set("server:1", server);
  }

  /** One connection of a client. */
  async connect(): Promise<WatchPeer> {
    const peer = await WatchPeer.open("server:1", this.#network);
    this.#peers.push(peer);
    return peer;
  }

  close(): void {
    for (const peer of this.#peers) peer.close();
  }

  put(key: string, value: Uint8Array): void {
    executePut(this.store, createPutRequest({ key: bytesFromLatin1(key), value }));
    this.wake();
  }

  deleteAll(): void {
    const everything = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
    executeDeleteRange(this.store, createDeleteRangeRequest(everything));
    this.wake();
  }

  /** What the run loop does: a slice of work in each turn. */
  wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      if (this.hub.pump(PUMP_BUDGET, this.#clock.nowMs())) this.wake();
    });
  }

  passTime(elapsedMs: number): void {
    this.#clock.advance(elapsedMs);
    this.wake();
  }
}

let server: WatchServer | undefined;

function startServer(limits = WATCH_LIMITS): WatchServer {
  server = new WatchServer(limits);
  return server;
}

afterEach(() => server?.close());

async function watchKey(peer: WatchPeer, on: string): Promise<WatchTalk> {
  const talk = peer.talk();
  talk.create({ on });
  expect(await talk.next(1)).toMatchObject([{ more: "created=true" }]);
  return talk;
}

describe("Watch", () => {
  test("refuses a negative start revision as compacted", async () => {
    const peer = await startServer().connect();
    const talk = peer.talk();
    talk.create({ on: "a", startRevision: -1 });
    const more =
      "created=true canceled=true " +
      "cancelReason=etcdserver: mvcc: required revision has been compacted";
    expect(await talk.next(1)).toEqual([{ revision: 1, id: "-1", more, events: [] }]);
  });

  test("refuses more watchers than one member keeps", async () => {
    const ours = startServer({ ...WATCH_LIMITS, watchers: 3, keyBytes: 100 });
    const talk = (await ours.connect()).talk();
    const ask = async (on: string): Promise<string> => {
      talk.create({ on });
      const [{ id, more }] = await talk.next(1);
      return `${id} ${more}`;
    };
    const refused = "-1 created=true canceled=true cancelReason=etcdserver: too many requests";
    expect(await ask("k".repeat(60))).toBe("0 created=true");
    expect(await ask("k".repeat(60))).toBe(refused);
    expect(await ask("k")).toBe("1 created=true");
    expect(await ask("k")).toBe("2 created=true");
    expect(await ask("k")).toBe(refused);
    talk.cancel(0n);
    await talk.next(1);
    expect(await ask("k".repeat(60))).toBe("3 created=true");
    expect(ours.hub.watchers).toBe(3);
  });

  test("forgets the watchers of a call that ends, however it ends", async () => {
    const ours = startServer();
    const [first, second] = [await ours.connect(), await ours.connect()];
    const cancelled = await watchKey(first, "a");
    const broken = await watchKey(first, "a");
    await watchKey(second, "a");
    expect(ours.hub.watchers).toBe(3);
    cancelled.end();
    broken.sendBytes(Uint8Array.of(0x0a, 0x7f));
    await broken.next(1);
    expect(broken.status).toContain("13 grpc: failed to unmarshal the received message: ");
    expect(ours.hub.watchers).toBe(1);
    second.close();
    await first.talk().rest();
    expect(ours.hub.watchers).toBe(0);
  });

  test("lets others go on while one does not read, who then misses nothing", async () => {
    const ours = startServer();
    const slow = await watchKey(await ours.connect(), "a");
    const fast = await watchKey(await ours.connect(), "a");
    slow.setReceiving(false);
    const count = 600;
    for (let i = 0; i < count; i++) {
      ours.put("a", new Uint8Array(20_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await fast.rest();
    const seen = (talk: WatchTalk): number[] =>
      talk.responses.flatMap(({ events }) => events.map(({ kv }) => kv?.modRevision ?? 0));
    const all = Array.from({ length: count }, (_, i) => i + 2);
    expect(seen(fast)).toEqual(all);
    expect(seen(slow).length).toBeLessThan(count);
    slow.setReceiving(true);
    await slow.rest();
    expect(seen(slow)).toEqual(all);
  });

  test("does not listen to a client that asks without reading the answers", async () => {
    const ours = startServer();
    const talk = (await ours.connect()).talk();
    talk.setReceiving(false);
    const count = 250_000;
    for (let i = 0; i < count; i++) talk.create({ on: "a" });
    await talk.rest();
    expect(ours.hub.watchers).toBeGreaterThan(1000);
    expect(ours.hub.watchers).toBeLessThan(count);
    talk.setReceiving(true);
    await talk.next(count - talk.responses.length);
    expect(ours.hub.watchers).toBe(count);
    expect(talk.responses).toHaveLength(count);
  });

  test("splits a large response for who allows it, between events", async () => {
    const ours = startServer();
    const peer = await ours.connect();
    const talks = [true, false].map((fragment) => {
      const talk = peer.talk();
      talk.create({ on: "", to: "\0", fragment, prevKv: true });
      return talk;
    });
    for (const talk of talks) await talk.next(1);
    for (const [i, size] of [10, 600, 300, 2000, 1, 990, 5, 5].entries()) {
      ours.put(`k${i}`, new Uint8Array(size));
    }
    for (const talk of talks) await talk.rest();
    ours.deleteAll();
    const [split, whole] = talks;
    await whole.next(1);
    const expected = whole.responses.at(-1);
    await split.rest();
    const pieces = split.responses.filter(({ events }) => events[0]?.kv?.modRevision === 10);
    expect(expected?.fragment).toBe(false);
    expect(pieces.flatMap(({ events }) => events)).toEqual(expected?.events);
    expect(pieces.map(({ fragment }) => fragment)).toEqual([true, true, true, true, true, false]);
    for (const piece of pieces) {
      const { length } = encodeWatchResponse(createWatchResponse(piece));
      expect(length < FRAGMENT_BYTES_MAX || piece.events.length === 1).toBe(true);
    }
  });

  test("tells progress now and then to who wants it, unless there were events", async () => {
    const ours = startServer();
    const peer = await ours.connect();
    const talk = peer.talk();
    talk.create({ on: "a", progressNotify: true });
    talk.create({ on: "a" });
    await talk.next(2);
    ours.put("b", new Uint8Array(1));
    ours.passTime(1200);
    expect(await talk.rest()).toEqual([{ revision: 2, id: "0", more: "", events: [] }]);
    ours.put("a", new Uint8Array(0));
    expect(await talk.next(2)).toHaveLength(2);
    ours.passTime(1200);
    expect(await talk.rest()).toEqual([]);
    ours.passTime(1200);
    expect(await talk.rest()).toEqual([{ revision: 3, id: "0", more: "", events: [] }]);
  });

  test("answers a request for progress once everything was shown", async () => {
    const ours = startServer();
    for (let i = 0; i < 3000; i++) ours.put("a", new Uint8Array(10));
    const talk = (await ours.connect()).talk();
    talk.create({ on: "a", startRevision: 1 });
    talk.progress();
    await talk.next(1);
    ours.wake();
    await talk.rest();
    const { responses } = talk;
    expect(responses.length).toBeGreaterThan(3);
    expect(responses.map(({ watchId }) => watchId)).toEqual([
      ...responses.slice(1).map(() => 0n),
      -1n,
    ]);
    expect(responses.at(-1)?.header?.revision).toBe(3001);
  });
});
