/**
 * `etcd grpc-proxy` against the real one: the same command lines of the real etcdctl through both, each in front of
 * a real server; what its watchers, leases and cache save the server; and servers that come and go.
 */
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  describeOutcomes,
  grantLeases,
  identify,
  isSameOutcome,
  maskedOutcome,
  realEtcdctl,
} from "../harness/etcdctl-comparison.ts";
import { type Client, openClient, type Watcher } from "../../src/client/index.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { commandList } from "../harness/etcdctl-commands.ts";
import type { ClusterIdentity, MaskedOutcome } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { type PagePorts, samePage } from "../harness/http-pages.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { type ProxyProcess, startProxy } from "../harness/proxy-process.ts";
import { QUIET_LOG } from "../harness/quiet-log.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const START_MS = 120_000;
const REAL_ETCD = [path.join(REFERENCE ?? "", "etcd")];

/** Lines with which the tool comes to the server, a part of them. TLS to a port without it ends in many ways. */
const LINES = commandList(3)
  .filter(({ args, environment }) => {
    const words = [...args, ...Object.values(environment ?? {})].join(" ");
    return /(?<!https:\/\/)\{endpoint\}/.test(words) && !/\{dead\}|check /.test(words);
  })
  .filter((_, index) => index % 4 === 0);

/** The real proxy crashes the tool when it watches a range without keys. */
function isCrash({ code, stderr }: MaskedOutcome): boolean {
  return code === 2 && stderr.startsWith("panic: ");
}

/** The real proxy makes "Unknown" of most codes. Ours hands on what the server says. */
function withoutCodes({ stderr, ...outcome }: MaskedOutcome): MaskedOutcome {
  return { ...outcome, stderr: stderr.replaceAll(/code = \w+/g, "code = <code>") };
}

/** A server with a proxy in front. */
interface Fronted {
  readonly server: EtcdProcess;
  readonly proxy: ProxyProcess;
  readonly port: number;
  readonly identity: ClusterIdentity;
}

function connect(port: number, username = "", password = ""): Promise<Client> {
  return openClient({
    endpoints: [`127.0.0.1:${port}`],
    connector: socketConnector(undefined),
    clock: systemClock,
    random: systemRandom,
    log: QUIET_LOG,
    username,
    password,
  });
}

/** The value of a metric of a server, or of the proxy itself on a port. */
async function metricOf(source: EtcdProcess | number, name: string): Promise<number> {
  const page =
    typeof source === "number" ? `127.0.0.1:${source}/proxy/metrics` : `${source.endpoint}/metrics`;
  const text = await (await fetch(`http://${page}`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? "0");
}

async function front(program: readonly string[], ...flags: string[]): Promise<Fronted> {
  const server = await startEtcd();
  const [port, dead] = await freePorts(2);
  const endpoint = `127.0.0.1:${port}`;
  const words = ["grpc-proxy", "start", `--endpoints=${server.endpoint}`];
  const own = [`--listen-addr=${endpoint}`, `--advertise-client-url=${endpoint}`];
  const proxy = await startProxy([...program, ...words, ...own, ...flags], "started gRPC proxy");
  const identity = { ...(await identify(server, dead)), endpoint };
  return { server, proxy, port, identity };
}

/** Proxies and servers of single tests, ended at the end whatever comes of these. */
const more: (() => Promise<void>)[] = [];

/** A proxy of ours for one test, with a client to it. */
async function startOurs(
  ready: string,
  port: number,
  endpoint: string,
  ...flags: string[]
): Promise<ProxyProcess> {
  const address = `127.0.0.1:${port}`;
  const words = ["grpc-proxy", "start", `--endpoints=${endpoint}`];
  const own = [`--listen-addr=${address}`, `--advertise-client-url=${address}`];
  const proxy = await startProxy([...OUR_ETCD, ...words, ...own, ...flags], ready);
  more.push(() => proxy.stop());
  return proxy;
}

const STARTED = "started gRPC proxy";

describe.skipIf(REFERENCE === undefined)("etcd grpc-proxy", () => {
  let real: Fronted;
  let ours: Fronted;

  beforeAll(async () => {
    [real, ours] = await Promise.all([front(REAL_ETCD), front(OUR_ETCD)]);
    await Promise.all([grantLeases(real.server), grantLeases(ours.server)]);
  }, START_MS);

  afterAll(async () => {
    for (const end of more) await end();
    for (const { proxy, server } of [real, ours]) {
      await proxy.stop();
      await server.remove();
    }
  });

  test(
    "answers the command lines of etcdctl as the real one",
    async () => {
      const differences: string[] = [];
      for (const line of LINES) {
        const [theirs, own] = await Promise.all(
          [real, ours].map(async ({ identity }) =>
            withoutCodes(await maskedOutcome(realEtcdctl, line, identity)),
          ),
        );
        if (!isCrash(theirs) && !isSameOutcome(theirs, own))
          differences.push(describeOutcomes(line, theirs, own));
      }
      expect(differences).toEqual([]);
    },
    START_MS,
  );

  test.each([
    ["GET", "/health"],
    ["POST", "/health"],
    ["GET", "/proxy/health"],
    ["HEAD", "/proxy/health"],
    ["GET", "/version"],
    ["GET", "/debug/pprof/"],
    ["GET", "/"],
  ] as const)("serves the same page: %s %s", async (method, page) => {
    const ports: PagePorts = { real: real.port, ours: ours.port };
    await samePage(ports, method, page);
  });

  test("relays metrics of the server, and has its own", async () => {
    const pages = await Promise.all(
      ["/metrics", "/proxy/metrics"].map(async (page) =>
        (await fetch(`http://127.0.0.1:${ours.port}${page}`)).text(),
      ),
    );
    expect(pages[0]).toContain("etcd_server_has_leader 1");
    for (const name of ["watchers_coalescing", "events_coalescing", "cache_keys", "cache_hits"]) {
      expect(pages[1]).toMatch(new RegExp(`^etcd_grpc_proxy_${name}_total \\d+$`, "m"));
    }
  });

  test("many watchers of a key are one on the server, and each is told once", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(ours.port)));
    const key = bytesFromUtf8("watched by many");
    const before = await metricOf(ours.server, "etcd_debugging_mvcc_watcher_total");
    const watchers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        clients[index % 5].watch.open({ key, prevKv: false }, { ownStream: true }),
      ),
    );
    expect((await metricOf(ours.server, "etcd_debugging_mvcc_watcher_total")) - before).toBe(1);
    expect(await metricOf(ours.port, "etcd_grpc_proxy_watchers_coalescing_total")).toBe(39);
    for (const value of ["1", "2"]) await clients[0].kv.put({ key, value: bytesFromUtf8(value) });
    for (const watcher of watchers) {
      const values: string[] = [];
      while (values.length < 2) {
        const { events = [] } = (await watcher.next()) ?? {};
        for (const { kv } of events) values.push(Buffer.from(kv?.value ?? []).toString());
      }
      expect(values).toEqual(["1", "2"]);
    }
    for (const watcher of watchers) watcher.cancel();
    for (const client of clients) client.close();
    while ((await metricOf(ours.server, "etcd_debugging_mvcc_watcher_total")) !== before) {
      await sleep(20);
    }
    expect(await metricOf(ours.port, "etcd_grpc_proxy_watchers_coalescing_total")).toBe(0);
  });

  test("watchers that start in the past are told the past, and then share", async () => {
    const client = await connect(ours.port);
    const key = bytesFromUtf8("with a past");
    const { header } = await client.kv.put({ key, value: bytesFromUtf8("1") });
    await client.kv.put({ key, value: bytesFromUtf8("2") });
    const now = await client.watch.open({ key }, { ownStream: true });
    const startRevision = header?.revision ?? 0;
    const past = await client.watch.open(
      { key, startRevision, prevKv: false },
      { ownStream: true },
    );
    await client.kv.put({ key, value: bytesFromUtf8("3") });
    const told = async (watcher: Watcher, count: number): Promise<string> => {
      let all = "";
      while (all.length < count) {
        const { events = [] } = (await watcher.next()) ?? {};
        all += events.map(({ kv }) => Buffer.from(kv?.value ?? []).toString()).join("");
      }
      return all;
    };
    expect(await told(past, 3)).toBe("123");
    expect(await told(now, 1)).toBe("3");
    while ((await metricOf(ours.port, "etcd_grpc_proxy_watchers_coalescing_total")) !== 1) {
      await sleep(10);
    }
    const compacted = startRevision + 1;
    await client.kv.compact({ revision: compacted });
    const late = await client.watch.open({ key, startRevision: 1 });
    await expect(late.next()).rejects.toMatchObject({ response: { compactRevision: compacted } });
    client.close();
  });

  test("renewals of a lease that come together are one on the server", async () => {
    const clients = await Promise.all(Array.from({ length: 30 }, () => connect(ours.port)));
    const { id } = await clients[0].lease.grant({ ttl: 60 });
    const received = (): Promise<number> =>
      metricOf(
        ours.server,
        'grpc_server_msg_received_total{grpc_method="LeaseKeepAlive",grpc_service="etcdserverpb.Lease",grpc_type="bidi_stream"}',
      );
    const before = await received();
    const answers = await Promise.all(clients.map((client) => client.lease.keepAliveOnce(id)));
    expect(new Set(answers.map(({ ttl }) => ttl))).toEqual(new Set([60]));
    expect((await received()) - before).toBeLessThan(5);
    await clients[0].lease.revoke(id);
    await expect(clients[1].lease.keepAliveOnce(id)).rejects.toThrow("requested lease not found");
    for (const client of clients) client.close();
  });

  test("what is kept for serializable reads goes with what is written", async () => {
    const client = await connect(ours.port);
    const direct = await connect(Number(ours.server.endpoint.split(":")[1]));
    const key = bytesFromUtf8("kept");
    const read = async (): Promise<string> => {
      const { kvs } = await client.kv.range({ key, serializable: true });
      return kvs.map(({ value }) => Buffer.from(value).toString()).join();
    };
    await client.kv.put({ key, value: bytesFromUtf8("1") });
    expect([await read(), await read()]).toEqual(["1", "1"]);
    await direct.kv.put({ key, value: bytesFromUtf8("behind its back") });
    expect(await read()).toBe("1");
    await client.kv.put({ key, value: bytesFromUtf8("2") });
    expect(await read()).toBe("2");
    await client.kv.deleteRange({ key: bytesFromUtf8("k"), rangeEnd: bytesFromUtf8("l") });
    expect(await read()).toBe("");
    const requestPut = {
      key,
      value: bytesFromUtf8("3"),
      lease: 0n,
      prevKv: false,
      ignoreValue: false,
      ignoreLease: false,
    };
    await client.kv.txn({ success: [{ request: { case: "requestPut", value: requestPut } }] });
    expect(await read()).toBe("3");
    client.close();
    direct.close();
  });

  test("keys below a namespace", async () => {
    const [port] = await freePorts(1);
    await startOurs(STARTED, port, ours.server.endpoint, "--namespace=n/");
    const inside = await connect(port);
    const outside = await connect(Number(ours.server.endpoint.split(":")[1]));
    const names = async (client: Client, prefix: string): Promise<string[]> => {
      const key = bytesFromUtf8(prefix);
      const rangeEnd = new Uint8Array(1);
      const { kvs } = await client.kv.range({ key: key.length === 0 ? rangeEnd : key, rangeEnd });
      return kvs.map((kv) => Buffer.from(kv.key).toString());
    };
    const watcher = await inside.watch.open({ key: bytesFromUtf8("a") });
    const { id } = await inside.lease.grant({ ttl: 60 });
    await inside.kv.put({ key: bytesFromUtf8("a"), lease: id });
    await outside.kv.put({ key: bytesFromUtf8("n0") });
    expect(await names(inside, "")).toEqual(["a"]);
    expect(await names(outside, "n/")).toEqual(["n/a", "n0", ...(await names(outside, "n1"))]);
    const [event] = (await watcher.next())?.events ?? [];
    expect(Buffer.from(event.kv?.key ?? []).toString()).toBe("a");
    const { keys } = await inside.lease.timeToLive({ id, keys: true });
    expect(keys.map((key) => Buffer.from(key).toString())).toEqual(["a"]);
    const all = new Uint8Array(1);
    expect(await inside.kv.deleteRange({ key: all, rangeEnd: all })).toMatchObject({ deleted: 1 });
    expect(await names(outside, "n0")).toContain("n0");
    await expect(inside.kv.put({ key: new Uint8Array(0) })).rejects.toThrow("key is not provided");
    inside.close();
    outside.close();
  });

  test("proxies of one prefix know each other", async () => {
    const ports = await freePorts(2);
    const flags = ["--resolver-prefix=proxies", "--resolver-ttl=60"];
    await Promise.all(
      ports.map((port) =>
        startOurs("registered session with lease", port, ours.server.endpoint, ...flags),
      ),
    );
    const client = await connect(ports[0]);
    const addresses = ports.map((port) => `127.0.0.1:${port}`).toSorted();
    for (;;) {
      const { members } = await client.cluster.memberList();
      const listed = members.flatMap(({ clientUrls }) => clientUrls).toSorted();
      if (listed.join() === addresses.join()) break;
      await sleep(50);
    }
    const direct = await connect(Number(ours.server.endpoint.split(":")[1]));
    const key = bytesFromUtf8(`proxies/${addresses[0]}`);
    const { kvs } = await direct.kv.range({ key });
    expect(JSON.parse(Buffer.from(kvs[0].value).toString())).toEqual({
      Op: 0,
      Addr: addresses[0],
      Metadata: JSON.stringify({ name: os.hostname() }),
    });
    client.close();
    direct.close();
  });

  test("follows where the members are", async () => {
    const [detour, port] = await freePorts(2);
    const server = net.createServer((near) => {
      const far = net.connect(Number(ours.server.endpoint.split(":")[1]), "127.0.0.1");
      near.pipe(far).pipe(near);
      for (const each of [near, far]) each.on("error", () => undefined);
      far.on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      sockets.push(near);
    });
    const sockets: net.Socket[] = [];
    server.listen(detour, "127.0.0.1");
    const syncing = "--endpoints-auto-sync-interval=50ms";
    const proxy = await startOurs(STARTED, port, `127.0.0.1:${detour}`, syncing);
    const client = await connect(port);
    await client.kv.put({ key: bytesFromUtf8("detour") });
    // The proxy leaves the way that it was given for the one that the member names.
    while (sockets.length === 0 || sockets.some(({ destroyed }) => !destroyed)) await sleep(10);
    server.close();
    expect((await client.kv.range({ key: bytesFromUtf8("detour") })).kvs).toHaveLength(1);
    const told = proxy.log().match(/"endpoints of the cluster","endpoints":\[[^\]]*\]/g) ?? [];
    expect(told).toEqual([expect.stringContaining(ours.server.endpoint)]);
    client.close();
  });

  test("speaks TLS with clients and with servers", async () => {
    const folder = new CertificateFolder();
    const { certFile, keyFile } = folder.server;
    const caFile = folder.authority.caFile;
    const [clientPort, peerPort, port] = await freePorts(3);
    const url = `https://127.0.0.1:${clientPort}`;
    const secure = [`--cert-file=${certFile}`, `--key-file=${keyFile}`];
    const server = await startEtcd({
      ports: [clientPort, peerPort],
      flags: [
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-metrics-urls=http://127.0.0.1:${port}`,
        ...secure,
      ],
      healthPort: port,
    });
    more.push(() => server.remove());
    const [own, free] = await freePorts(2);
    const address = `127.0.0.1:${own}`;
    const authorities = [`--cacert=${caFile}`, `--trusted-ca-file=${caFile}`];
    // Nobody's: a name would be taken for that of everybody behind the proxy.
    const nameless = folder.authority.issue({ usage: "client" });
    const shown = [`--cert=${nameless.certFile}`, `--key=${nameless.keyFile}`];
    await startOurs(STARTED, own, url, ...authorities, ...shown, ...secure);
    const etcdctl = (...args: string[]): ReturnType<typeof runReference> =>
      runReference("etcdctl", [`--endpoints=https://${address}`, `--cacert=${caFile}`, ...args]);
    const withCertificate = [`--cert=${certFile}`, `--key=${keyFile}`];
    expect(await etcdctl(...withCertificate, "put", "a", "b")).toMatchObject({ stdout: "OK\n" });
    expect(await etcdctl(...withCertificate, "get", "a")).toMatchObject({ stdout: "a\nb\n" });
    expect(await etcdctl("--command-timeout=2s", "get", "a")).toMatchObject({ code: 1 });
    const named = folder.client;
    const flags = [`--cert=${named.certFile}`, `--key=${named.keyFile}`];
    for (const [file, ...words] of [REAL_ETCD, OUR_ETCD]) {
      const args = [...words, "grpc-proxy", "start", `--listen-addr=127.0.0.1:${free}`, ...flags];
      const { code, stderr } = await runProgram(file, args, {});
      expect(code).toBe(1);
      const message = `cert has non empty Common Name (client): ${named.certFile}\n`;
      expect(stderr.toString()).toContain(message);
    }
    folder.remove();
  });

  test("goes on when the server was away", async () => {
    const client = await connect(ours.port);
    const key = bytesFromUtf8("over a restart");
    const watcher = await client.watch.open({ key });
    const { id } = await client.lease.grant({ ttl: 60 });
    const { server } = ours;
    const [, port] = server.endpoint.split(":");
    await server.stop("SIGKILL");
    const [peer] = await freePorts(1);
    const again = await startEtcd({ ports: [Number(port), peer], dataDir: server.dataDir });
    ours = { ...ours, server: again };
    for (;;) {
      try {
        await client.kv.put({ key, value: bytesFromUtf8("again") });
        break;
      } catch (error) {
        expect(String(error)).toMatch(/connection|transport|leader|EOF|refused/);
        await sleep(50);
      }
    }
    const { events = [] } = (await watcher.next()) ?? {};
    expect(Buffer.from(events[0].kv?.value ?? []).toString()).toBe("again");
    expect((await client.lease.keepAliveOnce(id)).ttl).toBe(60);
    client.close();
  });

  test("callers with rights and without", async () => {
    const client = await connect(ours.port);
    const { auth } = client;
    const key = bytesFromUtf8("secret");
    await client.kv.put({ key, value: bytesFromUtf8("x") });
    const read = { key, serializable: true };
    await client.kv.range(read);
    await auth.userAdd({ name: "root", password: "toor" });
    await auth.userGrantRole("root", "root");
    await auth.userAdd({ name: "eve", password: "eve" });
    await auth.enable();
    await expect(client.kv.range(read)).rejects.toThrow("user name is empty");
    const root = await connect(ours.port, "root", "toor");
    const eve = await connect(ours.port, "eve", "eve");
    for (let round = 0; round < 2; round++) {
      expect((await root.kv.range(read)).kvs).toHaveLength(1);
      await expect(eve.kv.range(read)).rejects.toThrow("permission denied");
      await expect(client.kv.range(read)).rejects.toThrow("user name is empty");
    }
    const watcher = await root.watch.open({ key });
    await expect(eve.watch.open({ key })).rejects.toThrow("permission denied");
    await root.kv.put({ key, value: bytesFromUtf8("y") });
    expect((await watcher.next())?.events).toHaveLength(1);
    await root.auth.disable();
    for (const each of [client, root, eve]) each.close();
  });
});
