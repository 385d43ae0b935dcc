/**
 * The same conversations about watches with the real etcd and with ours: the same responses, in the same
 * order, with the same revisions in their headers.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { createRequestOp, FilterType } from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";
import { WatchPeer, type WatchTalk } from "../harness/watch-conversation.ts";

/** Talks to a server, on which nothing but these conversations happens, and returns what it said. */
type Script = (peer: WatchPeer, say: (line: unknown) => void) => Promise<void>;

const put = (key: string, value: string): ReturnType<typeof createRequestOp> =>
  createRequestOp({
    request: {
      case: "requestPut",
      value: {
        key: bytesFromLatin1(key),
        value: bytesFromLatin1(value),
        lease: 0n,
        prevKv: false,
        ignoreValue: false,
        ignoreLease: false,
      },
    },
  });

const del = (key: string): ReturnType<typeof createRequestOp> =>
  createRequestOp({
    request: {
      case: "requestDeleteRange",
      value: { key: bytesFromLatin1(key), rangeEnd: new Uint8Array(0), prevKv: false },
    },
  });

async function newestRevision(peer: WatchPeer): Promise<number> {
  const answer = await peer.call(KVService.range, { key: bytesFromLatin1("nothing") });
  return (answer as { header: { revision: number } }).header.revision;
}

const ids: Script = async (peer, say) => {
  const talk = peer.talk();
  const ask = async (...parts: Parameters<WatchTalk["create"]>): Promise<void> => {
    talk.create(...parts);
    say(await talk.next(1));
  };
  await ask({ on: "ids" });
  await ask({ on: "ids" });
  await ask({ on: "ids", watchId: 2n });
  await ask({ on: "ids", watchId: 2n });
  await ask({ on: "ids" });
  await ask({ on: "ids", watchId: 2n ** 62n + 3n });
  await ask({ on: "ids", watchId: 2n ** 62n + 3n });
  await ask({ on: "ids", watchId: -7n });
  await ask({ on: "", to: "" });
  await ask({ on: "ids", to: "ida" });
  await ask({ on: "ids", to: "ids" });
  await ask({ on: "", to: "\0" });
  talk.cancel(99n);
  talk.cancel(1n);
  say(await talk.next(1));
  talk.cancel(1n);
  say(await talk.rest());
  await ask({ on: "ids", watchId: 1n });
  await ask({ on: "ids" });
  talk.cancel(2n ** 62n + 3n);
  say(await talk.next(1));
  await peer.put("ids", "1");
  // Watchers of one stream are told in no particular order.
  say((await talk.next(7)).sort(byId));
  talk.end();
};

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

const ranges: Script = async (peer, say) => {
  const specs = [
    { on: "r/b" },
    { on: "r/", to: "r0" },
    { on: "r/b", to: "r/d" },
    { on: "r/c", to: "\0" },
    { on: "r/b", filters: [FilterType.NOPUT] },
    { on: "r/b", filters: [FilterType.NODELETE] },
    { on: "r/", to: "r0", filters: [FilterType.NODELETE, FilterType.NOPUT] },
    { on: "r/", to: "r0", prevKv: true },
  ];
  const talks = specs.map(() => peer.talk());
  for (const [i, talk] of talks.entries()) {
    talk.create(specs[i]);
    say(await talk.next(1));
  }
  await peer.put("r/a", "1");
  await peer.put("r/b", "1");
  await peer.put("r/b", "2");
  await peer.delete("r/b");
  await peer.delete("r/b");
  await peer.put("r/c", "1");
  await peer.put("s", "1");
  const success = [put("r/a", "2"), put("r/b", "3"), del("r/c"), put("r/d", "1")];
  await peer.call(KVService.txn, { success });
  await peer.delete("r/", "r0");
  for (const talk of talks) {
    say(await talk.rest());
    talk.end();
  }
};

const history: Script = async (peer, say) => {
  for (const value of ["1", "2", "3"]) await peer.put("h", value);
  await peer.delete("h");
  await peer.put("h2", "1");
  await peer.put("h", "4");
  const now = await newestRevision(peer);
  const specs = [
    { on: "h", startRevision: now - 5 },
    { on: "h", startRevision: now - 3, prevKv: true },
    { on: "h", to: "i", startRevision: 1, prevKv: true },
    { on: "h", startRevision: now },
    { on: "h", startRevision: now + 1 },
    { on: "h", startRevision: now + 3 },
    { on: "h2", startRevision: now + 100 },
  ];
  const talks = specs.map(() => peer.talk());
  for (const [i, talk] of talks.entries()) {
    talk.create(specs[i]);
    say(await talk.next(i < 4 ? 2 : 1));
  }
  for (const value of ["5", "6", "7", "8"]) await peer.put("h", value);
  for (const [i, talk] of talks.entries()) {
    say(await talk.next([4, 4, 4, 4, 4, 2, 0][i]));
    talk.end();
  }
};

const compaction: Script = async (peer, say) => {
  for (const value of ["1", "2", "3", "4"]) await peer.put("c", value);
  await peer.delete("c");
  await peer.put("c", "5");
  const now = await newestRevision(peer);
  const waiting = peer.talk();
  waiting.create({ on: "c" });
  await waiting.next(1);
  await peer.compact(now - 1);
  const talk = peer.talk();
  talk.create({ on: "c", startRevision: now - 2 });
  say(await talk.next(2));
  talk.create({ on: "c", startRevision: now - 2, watchId: 5n });
  say(await talk.next(2));
  talk.create({ on: "c", watchId: 5n });
  say(await talk.next(1));
  talk.cancel(5n);
  say(await talk.next(1));
  talk.create({ on: "c", watchId: 5n });
  say(await talk.next(1));
  talk.create({ on: "c", startRevision: now - 1, watchId: 6n, prevKv: true });
  say(await talk.next(2));
  await peer.compact(now);
  await peer.put("c", "6");
  say((await talk.next(2)).sort(byId));
  say(await waiting.rest());
  talk.end();
  waiting.end();
};

const progress: Script = async (peer, say) => {
  const talk = peer.talk();
  talk.progress();
  say(await talk.rest());
  await peer.put("p", "1");
  const now = await newestRevision(peer);
  talk.create({ on: "p", startRevision: now });
  say(await talk.next(2));
  talk.progress();
  say(await talk.next(1));
  talk.create({ on: "p2" });
  say(await talk.next(1));
  talk.progress();
  say(await talk.rest());
  await peer.put("q", "1");
  talk.progress();
  say(await talk.next(1));
  talk.cancel(0n);
  say(await talk.next(1));
  talk.progress();
  say(await talk.next(1));
  talk.cancel(1n);
  say(await talk.next(1));
  talk.progress();
  say(await talk.rest());
  talk.end();
};

const fragments: Script = async (peer, say) => {
  const value = "x".repeat(100_000);
  for (let i = 0; i < 45; i++) await peer.put(`f/${i}`, value);
  const whole = peer.talk();
  const split = peer.talk();
  whole.create({ on: "f/", to: "f0", prevKv: true });
  split.create({ on: "f/", to: "f0", prevKv: true, fragment: true });
  say([await whole.next(1), await split.next(1)]);
  await peer.delete("f/", "f0");
  say(await whole.next(1));
  say(await split.next(3));
  await peer.put("f/a", value);
  say([await whole.next(1), await split.next(1)]);
  whole.end();
  split.end();
};

const leases: Script = async (peer, say) => {
  const id = 4711n;
  await peer.call(LeaseService.leaseGrant, { id, ttl: 1000 });
  const talk = peer.talk();
  talk.create({ on: "l/", to: "l0", prevKv: true });
  say(await talk.next(1));
  for (const key of ["l/1", "l/2", "l/3"]) await peer.put(key, "v", id);
  say(await talk.next(3));
  await peer.call(LeaseService.leaseRevoke, { id });
  const [revoked] = await talk.next(1);
  say({ ...revoked, events: revoked.events.toSorted() });
  talk.end();
};

const ends: Script = async (peer, say) => {
  const half = peer.talk();
  half.create({ on: "e" });
  await half.next(1);
  half.halfClose();
  await peer.put("e", "1");
  say(await half.next(1));
  say(half.status);
  half.end();
  const empty = peer.talk();
  empty.sendBytes(new Uint8Array(0));
  empty.create({ on: "e" });
  say(await empty.next(1));
  empty.end();
  const broken = peer.talk();
  broken.create({ on: "e" });
  await broken.next(1);
  broken.sendBytes(bytesFromLatin1("\x0a\x05ab"));
  await broken.next(1);
  say(broken.status);
  const unused = peer.talk();
  unused.halfClose();
  say(await unused.rest());
  say(unused.status);
  unused.end();
};

const SCRIPTS: Readonly<Record<string, Script>> = {
  ids,
  ranges,
  history,
  compaction,
  progress,
  fragments,
  leases,
  ends,
};

describe.skipIf(REFERENCE === undefined)("watch streams", () => {
  const servers: EtcdProcess[] = [];
  const peers: WatchPeer[] = [];

  beforeAll(async () => {
    servers.push(await startEtcd());
    servers.push(await startEtcd({ command: OUR_ETCD }));
    for (const { endpoint } of servers) peers.push(await WatchPeer.open(endpoint));
  });

  afterAll(async () => {
    for (const peer of peers) peer.close();
    await Promise.all(servers.map((server) => server.remove()));
  });

  test.each(Object.keys(SCRIPTS))("the conversation about %s is the same", async (name) => {
    const outcomes = await Promise.all(
      peers.map(async (peer) => {
        const lines: unknown[] = [];
        await SCRIPTS[name](peer, (line) => lines.push(line));
        return lines;
      }),
    );
    expect(outcomes[0].length).toBeGreaterThan(0);
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  test("a stop ends the streams at once, as unavailable", async () => {
    const talks = peers.map((peer) => peer.talk());
    for (const talk of talks) talk.create({ on: "a" });
    await Promise.all(talks.map((talk) => talk.next(1)));
    const startMs = Date.now();
    await Promise.all(servers.map((server) => server.stop()));
    for (const talk of talks) {
      await talk.next(1);
      expect(talk.status).toMatch(/^14 /);
    }
    expect(Date.now() - startMs).toBeLessThan(1500);
  });
});
