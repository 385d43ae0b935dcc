/** How the npm package `etcd3` reaches servers: several, wrong ones, over TLS. Against our server and the real one. */
import fs from "node:fs";
import net from "node:net";
import { compressionAlgorithms, logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import {
  type Etcd3,
  EtcdAuthenticationFailedError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCUnavailableError,
  type IOptions,
  KVClient,
} from "etcd3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CertificateFolder, type IssuedCertificate } from "../harness/certificates.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { freePorts } from "../harness/processes.ts";
import { type FaultPolicy, nextEvent, ONCE, SharedEtcd } from "../harness/shared-etcd.ts";

/** Calls with each of two hosts, so that no run is lucky: the client takes them at random. */
const CALLS = 20;

describe.each(CLIENT_SERVERS)("connections to %s", (_, start) => {
  const etcd = SharedEtcd.use(start);
  let nowhere = "";

  beforeAll(async () => {
    const [port] = await freePorts(1);
    nowhere = `127.0.0.1:${port}`;
  });

  test("hosts are given with and without a protocol, one or many", async () => {
    const { endpoint } = etcd.server;
    const names = [endpoint, `http://${endpoint}`, [endpoint], [`http://${endpoint}`, endpoint]];
    for (const hosts of names) {
      await etcd.connect({ hosts }).put("hosts").value(String(hosts));
      expect(await etcd.client.get("hosts")).toBe(String(hosts));
    }
    const none = () => etcd.connect({ hosts: [] });
    expect(none).toThrow(/no hosts specified/);
    const mixed = () => etcd.connect({ hosts: ["https://a:1", "http://b:1"] });
    expect(mixed).toThrow(/mix of secure and insecure hosts/);
  });

  test("calls go around a host that is not there", async () => {
    const client = etcd.connect({ hosts: [nowhere, etcd.server.endpoint] });
    for (let i = 0; i < CALLS; i++) {
      await client.put("around").value(i);
      expect(await client.get("around").number()).toBe(i);
    }
    const watcher = await client.watch().key("around").create();
    const heard = nextEvent(watcher, "put");
    await client.put("around").value("watched");
    await heard;
    await watcher.cancel();
    const lease = client.lease(60, { autoKeepAlive: false });
    await lease.grant();
    await lease.revoke();
  });

  test("without any server calls end, each with an error that says so", async () => {
    const client = etcd.connect({ hosts: nowhere });
    await expect(client.get("a").exec()).rejects.toThrow(GRPCUnavailableError);
    // Three failures, of which two were calls that were made again, and the client stops to try for a while.
    const next = client.put("a").value("").exec();
    await expect(next).rejects.toThrow(/circuit breaker is open/);
  });

  test("what happens to failed calls can be chosen", async () => {
    let calls = 0;
    const execute: FaultPolicy["execute"] = (run, ...rest) => {
      calls++;
      return ONCE.execute(run, ...rest);
    };
    const client = etcd.connect({
      hosts: nowhere,
      faultHandling: { global: { ...ONCE, execute } },
    });
    await expect(client.get("a").exec()).rejects.toThrow(GRPCUnavailableError);
    expect(calls).toBe(1);
  });

  test("options of calls reach the call, with its names", async () => {
    const asked: string[] = [];
    const late = (method: string) => (method === "range" ? { deadline: new Date(0) } : {});
    const defaultCallOptions: IOptions["defaultCallOptions"] = ({ service, method, isStream }) => {
      asked.push(`${service}.${method}${isStream ? " stream" : ""}`);
      return late(method);
    };
    const client = etcd.connect({ defaultCallOptions });
    await client.put("a").value("1");
    const later = { deadline: Date.now() + 60_000 };
    expect(await client.get("a").options(later)).toBe("1");
    // Each method can be called as it is, below the builders.
    const { kvs } = await client.kv.range({ key: Buffer.from("a") }, later);
    expect(kvs).toMatchObject([{ value: Buffer.from("1") }]);
    expect(client.kv).toBeInstanceOf(KVClient);
    await (await client.watch().key("a").create()).cancel();
    expect(asked).toEqual(["KV.put", "KV.range", "KV.range", "Watch.watch stream"]);
    await expect(client.get("a").exec()).rejects.toThrow(GRPCDeadlineExceededError);
  });

  test("options of channels: compressed requests, limits, and pings that are too many", async () => {
    const value = "v".repeat(500);
    const outcome = async (grpcOptions: IOptions["grpcOptions"]) => {
      const faultHandling = { host: () => ONCE, global: ONCE };
      const client = etcd.connect({ faultHandling, ...(grpcOptions && { grpcOptions }) });
      return client.put("channel").value(value).exec();
    };
    const { gzip, deflate } = compressionAlgorithms;
    await outcome({ "grpc.default_compression_algorithm": gzip });
    expect(await etcd.client.get("channel")).toBe(value);
    await expect(outcome({ "grpc.default_compression_algorithm": deflate })).rejects.toThrow(
      '12 UNIMPLEMENTED: grpc: Decompressor is not installed for grpc-encoding "deflate"',
    );
    await expect(outcome({ "grpc.max_send_message_length": 10 })).rejects.toThrow(
      "8 RESOURCE_EXHAUSTED",
    );
    // It would print the refusal.
    setLogVerbosity(logVerbosity.NONE);
    const client = etcd.connect({ grpcOptions: { "grpc.keepalive_time_ms": 50 } });
    const watcher = await client.watch().key("channel").create();
    const refusal = await nextEvent<Error>(watcher, "disconnected");
    expect(refusal.message).toContain("8 RESOURCE_EXHAUSTED");
    await watcher.cancel();
  });

  test("a client that was closed makes no calls", async () => {
    const closed = etcd.connect();
    await closed.put("a").value("1");
    closed.close();
    await expect(closed.get("a").exec()).rejects.toThrow(/already closed/);
  });

  test("a stand-in takes the place of the server, and leaves it", async () => {
    await etcd.client.put("real").value("1");
    const client = etcd.connect();
    client.mock({ exec: () => Promise.resolve({ kvs: [] } as never) });
    expect(await client.get("real")).toBeNull();
    client.unmock();
    expect(await client.get("real")).toBe("1");
  });

  test("a server that answers nothing is given up with the deadline", async () => {
    const sockets: net.Socket[] = [];
    const silent = net.createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : 0;
    const client = etcd.connect({ hosts: `127.0.0.1:${port}` });
    const call = client.get("a").options({ deadline: Date.now() + 300 });
    await expect(call.exec()).rejects.toThrow(GRPCDeadlineExceededError);
    client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});

const PORTS_EACH = 3;
const PORTS = await freePorts(CLIENT_SERVERS.length * PORTS_EACH);
const SECURE_SERVERS = CLIENT_SERVERS.map(([name, start], i) => {
  const [client, peer, health] = PORTS.slice(i * PORTS_EACH);
  return { name, start, ports: [client, peer] as const, health };
});

describe.each(SECURE_SERVERS)("TLS connections to $name", ({ start, ports, health }) => {
  const made = new CertificateFolder();
  const secure = `https://127.0.0.1:${ports[0]}`;
  const etcd = SharedEtcd.use({
    ...start,
    ports,
    healthPort: health,
    flags: [
      `--listen-client-urls=${secure}`,
      `--advertise-client-urls=${secure}`,
      `--listen-metrics-urls=http://127.0.0.1:${health}`,
      `--cert-file=${made.server.certFile}`,
      `--key-file=${made.server.keyFile}`,
      `--trusted-ca-file=${made.authority.caFile}`,
      "--client-cert-auth",
      "--bcrypt-cost=4",
    ],
  });

  afterAll(() => made.remove());

  function credentials(own: IssuedCertificate | undefined, authority = made.authority) {
    const rootCertificate = fs.readFileSync(authority.caFile);
    if (own === undefined) return { rootCertificate };
    const [certChain, privateKey] = [Buffer.from(own.certPem), Buffer.from(own.keyPem)];
    return { rootCertificate, certChain, privateKey };
  }

  function connectAs(own: IssuedCertificate | undefined, more = {}): Etcd3 {
    return etcd.connect({ hosts: secure, credentials: credentials(own), ...more });
  }

  test("a certificate opens the door to every kind of call", async () => {
    const client = connectAs(made.client);
    await client.put("tls").value("1");
    expect(await client.get("tls")).toBe("1");
    const watcher = await client.watch().key("tls").create();
    const heard = nextEvent(watcher, "put");
    const lease = client.lease(60);
    await lease.put("tls").value("2");
    await heard;
    await watcher.cancel();
    await lease.revoke();
    const bare = connectAs(made.client, { hosts: [secure.slice("https://".length)] });
    expect(await bare.get("tls").exists()).toBe(false);
  });

  test("who has no certificate, one of others, or does not trust the server's is not let in", async () => {
    const other = made.otherAuthority();
    const stranger = other.issue({ cn: "client", usage: "client" });
    const mistrust = credentials(made.client, other);
    for (const client of [
      connectAs(undefined),
      connectAs(stranger),
      connectAs(undefined, { credentials: mistrust }),
      etcd.connect({ hosts: etcd.server.endpoint }),
    ]) {
      await expect(client.get("tls").exec()).rejects.toThrow(GRPCUnavailableError);
    }
  });

  test("users sign in with passwords, or are who their certificate says", async () => {
    const open = connectAs(made.client);
    await (await open.user("root").create("secret")).addRole(await open.role("root").create());
    const reader = await open.role("reader").create();
    await reader.grant({ permission: "Read", range: open.range({ prefix: "open/" }) });
    await (await open.user("client").create("unused")).addRole(reader);
    await open.put("open/door").value("1");
    await open.auth.authEnable();
    const root = connectAs(made.client, { auth: { username: "root", password: "secret" } });
    try {
      const named = connectAs(made.client);
      expect(await named.get("open/door")).toBe("1");
      await expect(named.put("open/door").value("2").exec()).rejects.toThrow(
        EtcdPermissionDeniedError,
      );
      await root.put("open/door").value("3");
      expect(await named.get("open/door")).toBe("3");
      const wrong = connectAs(made.client, { auth: { username: "root", password: "wrong" } });
      await expect(wrong.get("open/door").exec()).rejects.toThrow(EtcdAuthenticationFailedError);
    } finally {
      await root.auth.authDisable();
    }
  });
});
