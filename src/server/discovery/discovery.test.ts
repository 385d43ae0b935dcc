/** Members that find each other by DNS, from a name server of this test, and by a registry in memory. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ManualClock } from "../../../sim/manual-clock.ts";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { type DnsServer, startDnsServer } from "../../../test/harness/dns-server.ts";
import { sha1 } from "../../platform/digest.ts";
import { createSrvLookup } from "../../platform/srv-lookup.ts";
import type { HostLookup, SrvRecord } from "../../ports/network.ts";
import { configFromFlags, type ServerConfig } from "../config/config.ts";
import { initialFlagValues } from "../flags/table.ts";
import { parseServerUrls } from "../config/server-url.ts";
import { discoveredConfig, type DiscoveryEnvironment } from "./discovered-config.ts";
import type { DiscoveryRegistry, RegistryEntry } from "./registry.ts";

function memberConfig(name: string, urls: string, flags: object): ServerConfig {
  const values = { ...initialFlagValues(), ...flags, "initial-cluster": "" };
  const parsed = parseServerUrls(urls);
  if (parsed instanceof Error) throw parsed;
  return { ...configFromFlags(values, "info"), name, initialAdvertisePeerUrls: parsed };
}

const ADDRESSES: Readonly<Record<string, string>> = {
  "a.example.com": "10.0.0.1",
  "b.example.com": "10.0.0.2",
  "c.example.com": "10.0.0.3",
  "10.0.0.1": "10.0.0.1",
};

const lookUpHost: HostLookup = (host, done) => {
  done(ADDRESSES[host] ?? new Error(`lookup ${host}: no such host`));
};

const record = (target: string, port = 2380, priority = 0): SrvRecord => ({
  target,
  port,
  priority,
  weight: 0,
});

describe("--discovery-srv", () => {
  let server: DnsServer;

  beforeAll(async () => {
    server = await startDnsServer({
      "_etcd-server._tcp.example.com": [
        record("b.example.com"),
        record("a.example.com", 2380, 1),
        record("c.example.com", 2380, 2),
      ],
      "_etcd-server-ssl._tcp.secure.com": [record("a.example.com")],
      "_etcd-server-ssl-blue._tcp.example.com": [record("a.example.com"), record("b.example.com")],
      "_etcd-server._tcp.lost.com": [record("nowhere.example.com")],
      "_etcd-server._tcp.other.com": [record("b.example.com")],
    });
  });

  afterAll(() => server.close());

  function found(srv: string, url: string, srvName = "", log = new MemoryLog()): Promise<string> {
    const flags = { "discovery-srv": srv, "discovery-srv-name": srvName };
    const environment: DiscoveryEnvironment = {
      clock: new ManualClock(),
      log,
      lookUpHost,
      lookUpSrv: createSrvLookup([server.address]),
      sha1,
    };
    return discoveredConfig(memberConfig("first", url, flags), environment).then(
      ({ initialCluster }) => initialCluster,
    );
  }

  test("names itself by its address and the others by numbers, in order of priority", async () => {
    const log = new MemoryLog();
    expect(await found("example.com", "http://10.0.0.1:2380", "", log)).toBe(
      "0=http://b.example.com:2380,first=http://a.example.com:2380,1=http://c.example.com:2380",
    );
    const lines = log.lines.map(({ message }) => message);
    expect(lines).toContain("failed to resolve during SRV discovery");
    expect(lines).toContain("got bootstrap from DNS for etcd-server");
  });

  test("--discovery-srv-name chooses among the clusters of a domain", async () => {
    expect(await found("example.com", "https://a.example.com:2380", "blue")).toBe(
      "first=https://a.example.com:2380,0=https://b.example.com:2380",
    );
  });

  test.each([
    [
      "none.com",
      "http://10.0.0.1:2380",
      /^error setting up initial cluster: error querying DNS SRV records for _etcd-server-ssl lookup _etcd-server-ssl\._tcp\.none\.com on 127\.0\.0\.1:\d+: no such host; error querying DNS SRV records for _etcd-server lookup _etcd-server\._tcp\.none\.com on 127\.0\.0\.1:\d+: no such host$/,
    ],
    [
      "lost.com",
      "http://10.0.0.1:2380",
      /_etcd-server lookup nowhere\.example\.com: no such host$/,
    ],
    [
      "secure.com",
      "http://a.example.com:2380",
      /bootstrap at https:\/\/a\.example\.com:2380 from DNS for etcd-server-ssl has scheme mismatch with expected peer http:\/\/a\.example\.com:2380/,
    ],
    [
      "other.com",
      "http://10.0.0.1:2380",
      /^error setting up initial cluster: cannot find local etcd member "first" in SRV records$/,
    ],
  ])("says why %s is no cluster", async (domain, url, message) => {
    await expect(found(domain, url)).rejects.toThrow(message);
  });
});

/** The registry that every member of a test shares. */
class MemoryRegistry {
  readonly #values = new Map<string, { value: string; createRevision: number }>();
  readonly #watchers = new Set<() => void>();
  #revision = 1;
  /** Calls that fail before one succeeds. */
  failures = 0;

  set(key: string, value: string): void {
    this.#revision++;
    const createRevision = this.#values.get(key)?.createRevision ?? this.#revision;
    this.#values.set(key, { value, createRevision });
    for (const wake of this.#watchers) wake();
  }

  open(): DiscoveryRegistry {
    const entries = (prefix: string): RegistryEntry[] =>
      [...this.#values]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { value, createRevision }]) => ({ key, value, createRevision }));
    const attempt = <T>(run: () => T): Promise<T> =>
      this.failures-- > 0
        ? Promise.reject(new Error("connection refused"))
        : Promise.resolve(run());
    return {
      get: (key) => attempt(() => this.#values.get(key)?.value),
      list: (prefix) => Promise.resolve({ entries: entries(prefix), revision: this.#revision }),
      put: (key, value) => attempt(() => this.set(key, value)),
      watch: (prefix, revision, onEntry) =>
        new Promise((resolve) => {
          const wake = (): void => {
            const isOver = entries(prefix)
              .filter(({ createRevision }) => createRevision >= revision)
              .map(onEntry)
              .some(Boolean);
            if (!isOver) return;
            this.#watchers.delete(wake);
            resolve();
          };
          this.#watchers.add(wake);
          wake();
        }),
      close: () => undefined,
    };
  }
}

describe("--discovery-endpoints", () => {
  const SIZE = "/_etcd/registry/tok/_config/size";

  interface Joined {
    readonly cluster: Promise<ServerConfig>;
    readonly clock: ManualClock;
    readonly log: MemoryLog;
  }

  function join(registry: MemoryRegistry, name: string, urls = `http://${name}:2380`): Joined {
    const clock = new ManualClock();
    const log = new MemoryLog();
    const flags = { "discovery-endpoints": ["x:2379"], "discovery-token": "tok" };
    const environment = { clock, log, sha1, openRegistry: () => Promise.resolve(registry.open()) };
    const cluster = discoveredConfig(memberConfig(name, urls, flags), environment);
    return { cluster, clock, log };
  }

  test("all founders learn the same cluster, in the order in which they came", async () => {
    const registry = new MemoryRegistry();
    registry.set(SIZE, "3");
    const members = ["a", "b", "c"].map((name) => join(registry, name));
    const found = await Promise.all(members.map(({ cluster }) => cluster));
    const [first] = found;
    expect(first.initialCluster.split(",").sort()).toEqual([
      "a=http://a:2380",
      "b=http://b:2380",
      "c=http://c:2380",
    ]);
    expect(first.initialClusterToken).toBe("tok");
    expect(new Set(found.map(({ initialCluster }) => initialCluster)).size).toBe(1);
    // Who comes again, because it crashed, finds itself; who comes too late is told.
    expect((await join(registry, "b").cluster).initialCluster).toBe(first.initialCluster);
    await expect(join(registry, "d").cluster).rejects.toThrow(
      "failed to join discovery cluster (discovery: cluster is full)",
    );
  });

  test.each([
    [undefined, "discovery: size key not found"],
    ["three", "discovery: size key is bad"],
    ["0", "discovery: size key is bad"],
    ["-1", "discovery: size key is bad"],
    ["1000000000", "discovery: size key is bad"],
  ])("says what is wrong with the size %s", async (size, problem) => {
    const registry = new MemoryRegistry();
    if (size !== undefined) registry.set(SIZE, size);
    const { cluster, log } = join(registry, "a");
    await expect(cluster).rejects.toThrow(`failed to join discovery cluster (${problem})`);
    expect(log.lines.map(({ message }) => message)).toContain(
      "failed to bootstrap; discovery token was already used",
    );
  });

  test("leaves out what is no member, and refuses URLs that are none", async () => {
    const registry = new MemoryRegistry();
    registry.set(SIZE, "2");
    registry.set("/_etcd/registry/tok/members/1", "nonsense");
    registry.set("/_etcd/registry/tok/members/2", "x=foo");
    await expect(join(registry, "a").cluster).rejects.toThrow("discovery: invalid peer URL");
  });

  test("asks again, with pauses that double, a service that does not answer", async () => {
    const registry = new MemoryRegistry();
    registry.set(SIZE, "1");
    registry.failures = 3;
    const { cluster, clock, log } = join(registry, "a");
    let isOver = false;
    const done = cluster.finally(() => {
      isOver = true;
    });
    for (let seconds = 0; !isOver && seconds < 20; seconds++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(1000);
    }
    expect((await done).initialCluster).toBe("a=http://a:2380");
    const pauses = log.lines.filter(({ message }) => message.startsWith("retry connecting"));
    expect(pauses.map(({ fields }) => fields?.["backoff"])).toEqual(["2s", "4s", "8s"]);
  });

  test("without --initial-cluster-state=new nobody is asked", async () => {
    const flags = {
      "discovery-endpoints": ["x:2379"],
      "discovery-token": "tok",
      "initial-cluster-state": "existing",
    };
    const config = memberConfig("a", "http://a:2380", flags);
    const environment = { clock: new ManualClock(), log: new MemoryLog(), sha1 };
    expect(await discoveredConfig(config, environment)).toBe(config);
  });
});
