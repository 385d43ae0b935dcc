/**
 * The client library as Node programs use it, through its public entry, against our server and the real one:
 * keys, transactions, namespaces, TLS, users, bounds of calls.
 */
import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import {
  compare,
  connect,
  type Entry,
  Errors,
  type EtcdClient,
  EtcdError,
  GrpcCode,
  op,
  type PutResult,
  UnknownOutcomeError,
} from "../../src/node-client/index.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { freePorts } from "../harness/processes.ts";

describe.each(CLIENT_SERVERS)("client of %s", (_, start) => {
  let server: EtcdProcess;
  let client: EtcdClient;

  beforeAll(async () => {
    server = await startEtcd(start);
    client = await connect({ hosts: server.endpoint });
  }, 60_000);

  afterAll(async () => {
    client.close();
    await server.remove();
  });

  test("puts, gets and deletes texts and bytes", async () => {
    const { kv } = client;
    expect(await kv.get("k")).toBeUndefined();
    const first = await kv.put("k", "schön");
    expect(first.previous).toBeUndefined();
    const second = await kv.put(new TextEncoder().encode("k"), '{"a":1}', { previous: true });
    expect(second.previous?.value).toBe("schön");
    const entry = await kv.get("k");
    expect(entry).toMatchObject({
      key: "k",
      value: '{"a":1}',
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2,
      lease: 0n,
    });
    expect(entry?.json()).toEqual({ a: 1 });
    expect((await kv.get("k", { revision: first.revision, serializable: true }))?.value).toBe(
      "schön",
    );
    await kv.put("bytes", new Uint8Array([0xff, 0]));
    expect((await kv.get("bytes"))?.valueBytes).toEqual(new Uint8Array([0xff, 0]));
    const deletion = await kv.delete("k", { previous: true });
    expect(deletion.deleted).toBe(1);
    expect(deletion.previous.map(({ value }) => value)).toEqual(['{"a":1}']);
    expect(await kv.delete("k")).toMatchObject({ deleted: 0, previous: [] });
  });

  test("reads ranges: prefixes, bounds, orders, limits, counts", async () => {
    const { kv } = client;
    const keys = async (...range: Parameters<typeof kv.range>) =>
      (await kv.range(...range)).entries.map(({ key }) => key);
    for (const [key, value] of ["ac", "bb", "ca"]) await kv.put(`r/${key}`, value);
    await kv.put("r0", "behind");
    expect(await keys({ prefix: "r/" })).toEqual(["r/a", "r/b", "r/c"]);
    expect(await keys({ from: "r/b", to: "r/c" })).toEqual(["r/b"]);
    expect(await keys({ from: "r/b" })).toEqual(["r/b", "r/c", "r0"]);
    expect(await keys({ prefix: "r/" }, { sortBy: "value" })).toEqual(["r/c", "r/b", "r/a"]);
    expect(await keys({ prefix: "r/" }, { descending: true })).toEqual(["r/c", "r/b", "r/a"]);
    expect(await kv.range({ prefix: "r/" }, { limit: 2, keysOnly: true })).toMatchObject({
      count: 3,
      more: true,
      entries: [{ value: "" }, { value: "" }],
    });
    expect(await kv.count({ prefix: "r/" })).toBe(3);
    const { modRevision = 0 } = (await kv.get("r/b")) ?? {};
    expect(await keys({ prefix: "r/" }, { minModRevision: modRevision })).toEqual(["r/b", "r/c"]);
    expect(await keys({ prefix: "r/" }, { maxModRevision: modRevision })).toEqual(["r/a", "r/b"]);
    await expect(kv.range({ from: "b", to: "a" })).rejects.toBeInstanceOf(RangeError);
    await expect(kv.range({ from: "b", to: "" })).rejects.toBeInstanceOf(RangeError);
    await expect(kv.get("")).rejects.toBe(Errors.EmptyKey);
  });

  test("reads page by page at one revision, whatever happens meanwhile", async () => {
    const { kv } = client;
    for (let i = 0; i < 7; i++) await kv.put(`p/${i}`, "old");
    const seen: string[] = [];
    for await (const { key, value } of kv.iterate({ prefix: "p/" }, { pageSize: 3 })) {
      if (seen.length === 0) {
        await kv.put("p/5", "new");
        await kv.put("p/55", "new");
        await kv.delete("p/6");
      }
      seen.push(`${key} ${value}`);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `p/${i} old`));
    await expect(async () => {
      for await (const { key } of kv.iterate({ prefix: "p/" }, { pageSize: 2 })) {
        if (key === "p/0") await kv.compact((await kv.put("p/0", "")).revision);
      }
    }).rejects.toBe(Errors.Compacted);
  });

  test("carries transactions out, with results of the types of their operations", async () => {
    const create = client
      .txn()
      .if(compare.missing("t"))
      .then(op.put("t", "1"), op.get("t"))
      .else(op.get("t"), op.count({ prefix: "t" }));
    const made = await create.commit();
    expect(made.succeeded).toBe(true);
    if (!made.succeeded) throw new Error("refused");
    expectTypeOf(made.results).toEqualTypeOf<readonly [PutResult, Entry | undefined]>();
    expect(made.results[0].revision).toBe(made.revision);
    expect(made.results[1]?.value).toBe("1");
    const again = await create.commit();
    if (again.succeeded) throw new Error("twice");
    expectTypeOf(again.results).toEqualTypeOf<readonly [Entry | undefined, number]>();
    expect(again.results[0]?.value).toBe("1");
    expect(again.results[1]).toBe(1);
    const holds = [
      compare.exists("t"),
      compare.value("t", "=", "1"),
      compare.value("t", "!=", "2"),
      compare.version("t", "<", 2),
      compare.modRevision("t", ">", made.revision - 1),
      compare.createRevision("t", "=", made.revision),
      compare.lease("t", "=", 0n),
      compare.value({ prefix: "t" }, ">", "0"),
    ];
    const swapped = await client
      .txn()
      .if(...holds)
      .then(op.delete("t", { previous: true }), op.range({ prefix: "t" }))
      .commit();
    expect(swapped.succeeded && swapped.results[0].previous[0].value).toBe("1");
    expect(swapped.succeeded && swapped.results[1].entries).toEqual([]);
    await expect(client.txn().then(op.get("")).commit()).rejects.toBe(Errors.EmptyKey);
  });

  test("a transaction that is awaited instead of committed says so", async () => {
    const awaited = Promise.resolve<unknown>(client.txn());
    await expect(awaited).rejects.toThrow("commit() carries it out");
  });

  test("namespaces show and touch their own keys alone", async () => {
    const inner = client.namespace("n/").namespace("m/");
    await client.kv.put("n/m/a", "1");
    await client.kv.put("n/m0", "other");
    await client.kv.put("n/l", "other");
    await inner.kv.put("b", "2");
    const all = await inner.kv.range({ prefix: "" });
    expect(all.entries.map(({ key }) => key)).toEqual(["a", "b"]);
    expect((await inner.kv.range({ from: "" })).count).toBe(2);
    expect((await inner.kv.range({ from: "", to: "b" })).count).toBe(1);
    const keys: string[] = [];
    for await (const { key } of inner.kv.iterate({ prefix: "" }, { pageSize: 1 })) keys.push(key);
    expect(keys).toEqual(["a", "b"]);
    const txn = await inner
      .txn()
      .if(compare.value("a", "=", "1"), compare.missing("c"))
      .then(op.put("c", "3", { previous: true }), op.get("c"))
      .then(op.delete({ prefix: "a" }))
      .commit();
    expect(txn.succeeded && txn.results[1]?.key).toBe("c");
    expect((await client.kv.get("n/m/c"))?.value).toBe("3");
    expect((await inner.kv.delete({ prefix: "" }, { previous: true })).previous[0].key).toBe("b");
    expect(await client.kv.count({ prefix: "n/" })).toBe(2);
    const bound = await connect({ hosts: server.endpoint, namespace: "n/" });
    expect((await bound.kv.get("l"))?.value).toBe("other");
    bound.close();
  });

  test("transactions lie within transactions, with the types of their results", async () => {
    await client.kv.put("outer", "1");
    const inner = op.txn(
      [compare.value("outer", "=", "2")],
      [op.put("never", "")],
      [op.get("outer"), op.txn([], [op.count({ prefix: "outer" })])],
    );
    const txn = await client
      .txn()
      .if(compare.exists("outer"))
      .then(inner, op.delete("outer"))
      .commit();
    if (!txn.succeeded) throw new Error("Cannot be: the key is there");
    const [nested, deletion] = txn.results;
    expect(deletion.deleted).toBe(1);
    if (nested.succeeded) throw new Error("Cannot be: the value is another");
    expectTypeOf(nested.results[0]).toEqualTypeOf<Entry | undefined>();
    expect(nested.results[0]?.value).toBe("1");
    const innermost = nested.results[1];
    expect(innermost.succeeded && innermost.results[0]).toBe(1);
    if (innermost.succeeded) expectTypeOf(innermost.results[0]).toEqualTypeOf<number>();
    expect(await client.kv.get("never")).toBeUndefined();
  });

  test("errors have etcd's code and text", async () => {
    const error: unknown = await client.kv.put("k", "v", { lease: 77n }).catch((e: unknown) => e);
    expect(error).toBe(Errors.LeaseNotFound);
    expect(error).toBeInstanceOf(EtcdError);
    expect(error).toMatchObject({
      code: GrpcCode.NotFound,
      message: "etcdserver: requested lease not found",
    });
    await expect(client.kv.get("k", { revision: 1e9 })).rejects.toBe(Errors.FutureRevision);
  });

  test("a call ends at its time, and when its signal aborts, while nobody answers", async () => {
    const [port] = await freePorts(1);
    const lost = await connect({ hosts: `127.0.0.1:${port}`, timeoutMs: 100 });
    await expect(lost.kv.get("k")).rejects.toMatchObject({ code: GrpcCode.DeadlineExceeded });
    await expect(lost.kv.put("k", "", { timeoutMs: 20 })).rejects.toBe(Errors.DeadlineExceeded);
    const hand = new AbortController();
    const { signal } = hand;
    const waiting = lost.kv.get("k", { timeoutMs: Infinity, signal });
    hand.abort();
    await expect(waiting).rejects.toMatchObject({ code: GrpcCode.Canceled });
    await expect(lost.txn().then(op.get("k")).commit({ signal })).rejects.toMatchObject({
      code: GrpcCode.Canceled,
    });
    const why = lost.ready({ timeoutMs: 20 });
    await expect(why).rejects.toThrow(/connect: connection refused|context deadline exceeded/);
    lost.close();
    await client.ready();
  });

  test("messages are no larger than was said", async () => {
    const small = await connect({
      hosts: server.endpoint,
      requestBytesMax: 2000,
      responseBytesMax: 1000,
    });
    const tooLarge = small.kv.put("large", "x".repeat(3000));
    await expect(tooLarge).rejects.toMatchObject({
      name: "EtcdError",
      code: GrpcCode.ResourceExhausted,
    });
    await small.kv.put("large", "x".repeat(1500));
    const reading = small.kv.get("large");
    await expect(reading).rejects.toMatchObject({ code: GrpcCode.ResourceExhausted });
    // The change is made, and its answer refused.
    const changing = small.kv.put("large", "small", { previous: true });
    await expect(changing).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect((await small.kv.get("large"))?.value).toBe("small");
    small.close();
  });

  test("one signal for many calls, leases and watches has one listener", async () => {
    const warnings: string[] = [];
    const onWarning = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", onWarning);
    const hand = new AbortController();
    const { signal } = hand;
    const many = Array.from({ length: 30 }, (_unused, i) => i);
    await Promise.all(many.map((i) => client.kv.put(`many/${i}`, "", { signal })));
    const leases = await Promise.all(many.map(() => client.lease({ signal })));
    const streams = await Promise.all(many.map((i) => client.watch(`many/${i}`, { signal })));
    hand.abort();
    for (const stream of streams) expect(await stream.next()).toBeUndefined();
    await Promise.all(leases.map((lease) => lease.revoke()));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  test("calls go to the hosts that answer", async () => {
    const [dead] = await freePorts(1);
    const both = await connect({ hosts: [`127.0.0.1:${dead}`, server.endpoint] });
    for (let i = 0; i < 10; i++) await both.kv.put("both", `${i}`);
    expect((await both.kv.get("both"))?.version).toBe(10);
    both.close();
  });
});

describe.each(CLIENT_SERVERS)("client with a user of %s", (_, start) => {
  test("gets a new token when the old one is no longer known", async () => {
    const ports = await freePorts(2);
    const pair = [ports[0], ports[1]] as const;
    let server = await startEtcd({ ...start, ports: pair });
    const credentials = { username: "root", password: "secret" };
    const open = await connect({ hosts: server.endpoint, credentials });
    await open.auth.addUser("root", { password: "secret" });
    await open.auth.addRole("root");
    await open.auth.grantRole("root", "root");
    await open.auth.enable();
    open.close();
    const anybody = await connect({ hosts: server.endpoint });
    await expect(anybody.kv.get("k")).rejects.toBe(Errors.UserEmpty);
    anybody.close();
    const wrong = connect({
      hosts: server.endpoint,
      credentials: { ...credentials, password: "x" },
    });
    await expect(wrong).rejects.toBe(Errors.AuthFailed);
    const client = await connect({ hosts: server.endpoint, credentials });
    await client.kv.put("k", "1");
    // Simple tokens live in the memory of the server.
    await server.stop("SIGKILL");
    server = await startEtcd({ ...start, ports: pair, dataDir: server.dataDir });
    expect((await client.kv.get("k"))?.value).toBe("1");
    await client.kv.put("k", "2");
    client.close();
    await server.remove();
  }, 60_000);
});

describe.each(CLIENT_SERVERS)("client over TLS of %s", (_, start) => {
  const made = new CertificateFolder();
  let server: EtcdProcess;
  let hosts: string;

  beforeAll(async () => {
    const [clientPort, peerPort, healthPort] = await freePorts(3);
    hosts = `https://127.0.0.1:${clientPort}`;
    server = await startEtcd({
      ...start,
      ports: [clientPort, peerPort],
      healthPort,
      flags: [
        `--listen-client-urls=${hosts}`,
        `--advertise-client-urls=${hosts}`,
        `--listen-metrics-urls=http://127.0.0.1:${healthPort}`,
        `--cert-file=${made.server.certFile}`,
        `--key-file=${made.server.keyFile}`,
        `--trusted-ca-file=${made.authority.caFile}`,
        "--client-cert-auth",
      ],
    });
  }, 60_000);

  afterAll(async () => {
    await server.remove();
    made.remove();
  });

  test("proves who it is by files and by texts", async () => {
    const { certFile, keyFile, certPem: cert, keyPem: key } = made.client;
    const { caFile } = made.authority;
    for (const tls of [
      { caFile, certFile, keyFile },
      { caFile, cert, key },
      { insecureSkipVerify: true, cert, key },
    ]) {
      const client = await connect({ hosts: hosts.slice("https://".length), tls });
      await client.kv.put("k", "v");
      client.close();
    }
    await expect(connect({ hosts, tls: { certFile } })).rejects.toBeInstanceOf(TypeError);
    await expect(connect({ hosts, tls: { caFile: "missing.pem" } })).rejects.toMatchObject({
      code: "ENOENT",
    });
    const copies = { certFile: `${certFile}.copy`, keyFile: `${keyFile}.copy` };
    fs.copyFileSync(certFile, copies.certFile);
    fs.copyFileSync(keyFile, copies.keyFile);
    const renewed = await connect({ hosts, tls: { caFile, ...copies } });
    await renewed.kv.put("k", "1");
    const strange = made.otherAuthority().issue({ cn: "client" });
    fs.writeFileSync(copies.certFile, strange.certPem);
    fs.writeFileSync(copies.keyFile, strange.keyPem);
    const late = await connect({ hosts, tls: { caFile, ...copies }, timeoutMs: 1000 });
    await expect(late.ready()).rejects.toMatchObject({ code: GrpcCode.DeadlineExceeded });
    fs.copyFileSync(certFile, copies.certFile);
    fs.copyFileSync(keyFile, copies.keyFile);
    await late.ready({ timeoutMs: 20_000 });
    await late.kv.put("k", "2");
    for (const each of [late, renewed]) each.close();
    const other = made.otherAuthority().issue({ cn: "client" });
    const mixed = { caFile, cert, key: other.keyPem };
    await expect(connect({ hosts, tls: mixed })).rejects.toBeInstanceOf(TypeError);
  });
});
