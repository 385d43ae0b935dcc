/**
 * Watches of the npm package `etcd3`: what they tell, when they begin and end, and how they go on over breaks,
 * against our server and the real one.
 */
import {
  EtcdPermissionDeniedError,
  type IKeyValue,
  type IWatchResponse,
  type WatchBuilder,
  type Watcher,
} from "etcd3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ClientProxy } from "../harness/client-proxy.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { nextEvent, SharedEtcd } from "../harness/shared-etcd.ts";

/** Everything that a watcher tells, as it comes. */
class Telling {
  readonly said: string[] = [];
  readonly watcher: Watcher;
  #waiting: (() => void) | undefined;

  constructor(watcher: Watcher) {
    this.watcher = watcher;
    const tell = (kind: string, kv: IKeyValue, before: IKeyValue | null | undefined) => {
      const value = kind === "put" ? ` ${kv.value.toString()}` : "";
      const was = before === undefined || before === null ? "" : ` was ${before.value.toString()}`;
      this.said.push(`${kind} ${kv.key.toString()}${value}${was}`);
      this.#waiting?.();
    };
    watcher.on("put", (kv, before) => tell("put", kv, before));
    watcher.on("delete", (kv, before) => tell("delete", kv, before));
  }

  static async of(builder: WatchBuilder): Promise<Telling> {
    return new Telling(await builder.create());
  }

  /** The first `count`. */
  async first(count: number): Promise<string[]> {
    while (this.said.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.said.slice(0, count);
  }
}

describe.each(CLIENT_SERVERS)("watches on %s", (_, start) => {
  const etcd = SharedEtcd.use({
    ...start,
    flags: [
      "--experimental-watch-progress-notify-interval=200ms",
      "--grpc-keepalive-min-time=50ms",
      "--bcrypt-cost=4",
    ],
  });
  let proxy: ClientProxy | undefined;

  beforeEach(() => etcd.client.delete().all().exec());

  afterEach(async () => {
    await proxy?.close();
    proxy = undefined;
  });

  async function proxied(grpcOptions = {}) {
    proxy = await ClientProxy.open(etcd.port);
    return { link: proxy, client: etcd.connect({ hosts: proxy.endpoint, grpcOptions }) };
  }

  test("a key, a prefix and a range are told of, and nothing else", async () => {
    const { client } = etcd;
    const one = await Telling.of(client.watch().key("b"));
    const prefix = await Telling.of(client.watch().prefix("b"));
    const range = await Telling.of(client.watch().inRange({ start: "bb", end: "c" }));
    const all = await Telling.of(client.watch().prefix(""));
    for (const key of ["a", "b", "bb", "c"]) await client.put(key).value(key.toUpperCase());
    await client.delete().all();
    expect(await all.first(8)).toEqual([
      ...["put a A", "put b B", "put bb BB", "put c C"],
      ...["delete a", "delete b", "delete bb", "delete c"],
    ]);
    expect(await one.first(2)).toEqual(["put b B", "delete b"]);
    expect(await prefix.first(4)).toEqual(["put b B", "put bb BB", "delete b", "delete bb"]);
    expect(await range.first(2)).toEqual(["put bb BB", "delete bb"]);
    for (const { watcher } of [one, prefix, range, all]) await watcher.cancel();
    expect([one, prefix, range].map(({ said }) => said.length)).toEqual([2, 4, 2]);
  });

  test("one kind of change alone is told, and what was there before", async () => {
    const { client } = etcd;
    const puts = await Telling.of(client.watch().key("k").only("put"));
    const deletions = await Telling.of(client.watch().key("k").only("delete").withPreviousKV());
    const both = await Telling.of(client.watch().key("k").withPreviousKV());
    await client.put("k").value("1");
    await client.put("k").value("2");
    await client.delete().key("k");
    await client.put("k").value("3");
    expect(await puts.first(3)).toEqual(["put k 1", "put k 2", "put k 3"]);
    expect(await deletions.first(1)).toEqual(["delete k was 2"]);
    expect(await both.first(4)).toEqual(["put k 1", "put k 2 was 1", "delete k was 2", "put k 3"]);
    for (const { watcher } of [puts, deletions, both]) await watcher.cancel();
  });

  test("the past is told from a revision on; changes of one transaction come together", async () => {
    const { client } = etcd;
    const { header } = await client.put("past").value("1");
    await client.put("past").value("2");
    const past = await Telling.of(client.watch().prefix("").startRevision(header.revision));
    expect(await past.first(2)).toEqual(["put past 1", "put past 2"]);
    const told = nextEvent<IWatchResponse>(past.watcher, "data");
    const changes = [
      client.delete().key("past"),
      client.put("x").value("1"),
      client.put("y").value("2"),
    ];
    await client
      .if("past", "Version", "==", 2)
      .then(...changes)
      .commit();
    const { events } = await told;
    expect(events.map(({ type, kv }) => `${type} ${kv.key.toString()}`)).toEqual([
      "Delete past",
      "Put x",
      "Put y",
    ]);
    expect(new Set(events.map(({ kv }) => kv.mod_revision)).size).toBe(1);
    await past.watcher.cancel();
  });

  test("keys of a lease are told to be deleted when it is revoked", async () => {
    const lease = etcd.client.lease(60, { autoKeepAlive: false });
    await lease.put("leased/1").value("");
    await lease.put("leased/2").value("");
    const telling = await Telling.of(etcd.client.watch().prefix("leased/"));
    await lease.revoke();
    expect((await telling.first(2)).sort()).toEqual(["delete leased/1", "delete leased/2"]);
    await telling.watcher.cancel();
  });

  test("who begins in the compacted past is told that it is gone", async () => {
    const { header } = await etcd.client.put("old").value("1");
    const { header: newer } = await etcd.client.put("old").value("2");
    await etcd.client.kv.compact({ revision: newer.revision });
    const watcher = etcd.client.watch().key("old").startRevision(header.revision).watcher();
    const error = await nextEvent<Error>(watcher, "error");
    expect(error.message).toMatch(/^Watcher canceled/);
  });

  test("it is told how far it has come while nothing happens", async () => {
    const watcher = await etcd.client.watch().key("quiet").create();
    const put = await etcd.client.put("other").value("1");
    const { header, events } = await nextEvent<IWatchResponse>(watcher, "data");
    expect(events).toEqual([]);
    expect(header.revision).toBe(put.header.revision);
    expect(watcher.lastRevision()).toBe(String(Number(header.revision) + 1));
    await watcher.cancel();
  });

  test("watchers come one after the other, at once, and while the first is still on its way", async () => {
    const client = etcd.connect();
    const order: string[] = [];
    const started = ["one", "two", "three"].map((key) => {
      const watcher = client.watch().key(key).watcher();
      watcher.on("connecting", () => order.push(`${key} asks`));
      watcher.on("connected", () => order.push(`${key} watches`));
      return watcher;
    });
    await nextEvent(started[2], "connected");
    expect(order).toEqual(
      ["one", "two", "three"].flatMap((key) => [`${key} asks`, `${key} watches`]),
    );
    const late = await client.watch().key("late").create();
    const watchers = [...started, late];
    expect(new Set(watchers.map(({ id }) => id)).size).toBe(4);
    const tellings = watchers.map((watcher) => new Telling(watcher));
    for (const key of ["late", "three", "two", "one"]) await client.put(key).value("1");
    const said = await Promise.all(tellings.map((telling) => telling.first(1)));
    expect(said.flat()).toEqual(["put one 1", "put two 1", "put three 1", "put late 1"]);
    for (const watcher of watchers) await watcher.cancel();
  });

  test("a hundred watchers on one stream all hear of one change", async () => {
    const client = etcd.connect();
    const watchers = await Promise.all(
      Array.from({ length: 100 }, (__, i) =>
        client
          .watch()
          .prefix(i % 2 ? "a" : "")
          .create(),
      ),
    );
    const heard = watchers.map((watcher) => nextEvent<IKeyValue>(watcher, "put"));
    await client.put("all").value("1");
    const values = await Promise.all(heard);
    expect(values.every(({ value }) => value.toString() === "1")).toBe(true);
    await Promise.all(watchers.map((watcher) => watcher.cancel()));
  });

  test("one that is cancelled hears nothing more, and its key can be watched again", async () => {
    const client = etcd.connect();
    const gone = await Telling.of(client.watch().key("k"));
    await client.put("k").value("1");
    await gone.first(1);
    const ended = nextEvent(gone.watcher, "end");
    await gone.watcher.cancel();
    await ended;
    const again = await Telling.of(client.watch().key("k"));
    await client.put("k").value("2");
    expect(await again.first(1)).toEqual(["put k 2"]);
    expect(gone.said).toEqual(["put k 1"]);
    await again.watcher.cancel();
  });

  test("a watcher that is not connected can be cancelled", async () => {
    const { client, link } = await proxied();
    const telling = await Telling.of(client.watch().key("k"));
    const lost = nextEvent(telling.watcher, "disconnected");
    link.break();
    await lost;
    await telling.watcher.cancel();
    await etcd.client.put("k").value("1");
    await (await client.watch().key("other").create()).cancel();
    expect(telling.said).toEqual([]);
  });

  test("what happens during a break is told behind it, once", async () => {
    const { client, link } = await proxied();
    const telling = await Telling.of(client.watch().prefix("r/"));
    const expected: string[] = [];
    for (let round = 0; round < 3; round++) {
      await etcd.client.put("r/before").value(round);
      expected.push(`put r/before ${round}`);
      await telling.first(expected.length);
      const lost = nextEvent(telling.watcher, "disconnected");
      const connected = nextEvent(telling.watcher, "connected");
      link.break();
      await lost;
      await etcd.client.put("r/during").value(round);
      expected.push(`put r/during ${round}`);
      await connected;
    }
    await etcd.client.delete().prefix("r/");
    expected.push("delete r/before", "delete r/during");
    expect(await telling.first(expected.length)).toEqual(expected);
    await telling.watcher.cancel();
    expect(telling.said).toEqual(expected);
  });

  test("a link that carries nothing is noticed by pings, and left", async () => {
    const { client, link } = await proxied({
      "grpc.keepalive_time_ms": 200,
      "grpc.keepalive_timeout_ms": 200,
    });
    const telling = await Telling.of(client.watch().key("k"));
    const lost = nextEvent(telling.watcher, "disconnected");
    link.hold();
    await etcd.client.put("k").value("1");
    await lost;
    link.heal();
    expect(await telling.first(1)).toEqual(["put k 1"]);
    await telling.watcher.cancel();
  });

  test("a watch without permission is refused with the reason", async () => {
    const { auth } = etcd.client;
    await etcd.client.role("root").create();
    const root = await etcd.client.user("root").create("secret");
    await root.addRole("root");
    const reader = await etcd.client.role("reader").create();
    await reader.grant({ permission: "Read", range: etcd.client.range({ prefix: "open/" }) });
    const ann = await etcd.client.user("ann").create("secret");
    await ann.addRole(reader);
    await auth.authEnable();
    const asRoot = etcd.connect({ auth: { username: "root", password: "secret" } });
    try {
      const asAnn = () => etcd.connect({ auth: { username: "ann", password: "secret" } });
      const refused = asAnn().watch().key("closed").create();
      await expect(refused).rejects.toThrow(EtcdPermissionDeniedError);
      const telling = await Telling.of(asAnn().watch().prefix("open/"));
      await asRoot.put("open/door").value("1");
      expect(await telling.first(1)).toEqual(["put open/door 1"]);
      await telling.watcher.cancel();
    } finally {
      await asRoot.auth.authDisable();
    }
  });
});
