/**
 * Leases of the npm package `etcd3`: how they are granted, kept alive, given up and lost, against our server and the
 * real one. Nothing is measured: that a lease lives longer than its time to live is what shows that it is kept alive.
 */
import { EtcdLeaseInvalidError, GRPCUnavailableError, type Lease } from "etcd3";
import { afterAll, describe, expect, test } from "vitest";
import { ClientProxy } from "../harness/client-proxy.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { nextEvent, SharedEtcd } from "../harness/shared-etcd.ts";

describe.each(CLIENT_SERVERS)("leases on %s", (_, start) => {
  const etcd = SharedEtcd.use(start);
  const held: Lease[] = [];
  const proxies: ClientProxy[] = [];

  afterAll(async () => {
    for (const lease of held) lease.release();
    for (const proxy of proxies) await proxy.close();
  });

  function leaseOf(seconds: number, options = {}, client = etcd.client): Lease {
    const lease = client.lease(seconds, options);
    held.push(lease);
    return lease;
  }

  async function proxied() {
    const proxy = await ClientProxy.open(etcd.port);
    proxies.push(proxy);
    return { proxy, client: etcd.connect({ hosts: proxy.endpoint }) };
  }

  /** Seconds that are left of it; -1 when it is gone. */
  async function secondsLeft(lease: Lease): Promise<number> {
    const ID = await lease.grant();
    return Number((await etcd.client.leaseClient.leaseTimeToLive({ ID })).TTL);
  }

  test("a time to live of less than a second is refused before anything is sent", () => {
    expect(() => etcd.client.lease(0)).toThrow(RangeError);
    expect(() => etcd.client.lease(0.5)).toThrow(/at least 1 second/);
    expect(() => etcd.client.lease(Number.NaN)).toThrow(/at least 1 second/);
  });

  test("keys of a lease live with it, also those that a transaction puts", async () => {
    const lease = leaseOf(60);
    await lease.put("alone").value("1");
    const { succeeded } = await etcd.client
      .if("within", "Create", "==", 0)
      .then(lease.put("within").value("2"))
      .commit();
    expect(succeeded).toBe(true);
    const id = await lease.grant();
    expect(await lease.grant()).toBe(id);
    for (const key of ["alone", "within"]) {
      expect((await etcd.client.get(key).exec()).kvs).toMatchObject([{ lease: id }]);
    }
    const { keys } = await etcd.client.leaseClient.leaseTimeToLive({ ID: id, keys: true });
    expect(keys.map(String).sort()).toEqual(["alone", "within"]);
    expect(lease.revoked()).toBe(false);
    await lease.revoke();
    expect(lease.revoked()).toBe(true);
    expect(await etcd.client.getAll().count()).toBe(0);
    // Once more is no error, nor is a put that comes too late taken.
    await lease.revoke();
    await expect(lease.put("late").value("").exec()).rejects.toThrow(EtcdLeaseInvalidError);
  });

  test("an id may be chosen, and a time to live has a minimum", async () => {
    const { leaseClient } = etcd.client;
    const ID = "7587822882194199413";
    expect(await leaseClient.leaseGrant({ ID, TTL: 60 })).toMatchObject({ ID, TTL: "60" });
    await expect(leaseClient.leaseGrant({ ID, TTL: 60 })).rejects.toThrow("lease already exists");
    await leaseClient.leaseRevoke({ ID });
    // A server gives no less than one and a half election time-outs, in whole seconds.
    expect(await leaseClient.leaseGrant({ ID, TTL: 1 })).toMatchObject({ ID, TTL: "2" });
    await leaseClient.leaseRevoke({ ID });
    await expect(leaseClient.leaseRevoke({ ID })).rejects.toThrow(EtcdLeaseInvalidError);
  });

  test("without a server it is lost before it is granted", async () => {
    const [port] = await freePorts(1);
    const lease = leaseOf(1, {}, etcd.connect({ hosts: `127.0.0.1:${port}` }));
    const error = await nextEvent<Error>(lease, "lost");
    expect(error).toBeInstanceOf(GRPCUnavailableError);
    await expect(lease.grant()).rejects.toBe(error);
    await lease.revoke();
  });

  test.concurrent("it lives as long as it is kept alive, and is renewed when that is asked for", async () => {
    const lease = leaseOf(3);
    await nextEvent(lease, "keepaliveEstablished");
    const other = leaseOf(100, { autoKeepAlive: false });
    expect(await other.keepaliveOnce()).toMatchObject({ ID: await other.grant(), TTL: "100" });
    expect(await other.keepaliveOnce()).toMatchObject({ TTL: "100" });
    let renewals = 0;
    const given = new Set<string>();
    lease.on("keepaliveSucceeded", ({ TTL }) => {
      given.add(TTL);
      renewals++;
    });
    // A second apart.
    while (renewals < 4) await nextEvent(lease, "keepaliveSucceeded");
    expect([...given]).toEqual(["3"]);
    expect(await secondsLeft(lease)).toBeGreaterThanOrEqual(0);
    expect(lease.revoked()).toBe(false);
    await other.revoke();
    await lease.revoke();
  });

  test.concurrent("it expires when it is released, and when it is not kept alive in the first place", async () => {
    const released = leaseOf(1);
    await released.put("expiry/released").value("");
    const never = leaseOf(1, { autoKeepAlive: false });
    let fired = 0;
    for (const lease of [released, never]) lease.on("keepaliveFired", () => fired++);
    await never.put("expiry/never").value("");
    const watcher = await etcd.client.watch().prefix("expiry/").only("delete").create();
    const gone = new Set<string>();
    watcher.on("delete", ({ key }) => gone.add(key.toString()));
    released.release();
    const before = fired;
    while (gone.size < 2) await nextEvent(watcher, "delete");
    await watcher.cancel();
    expect(fired).toBe(before);
    expect(await secondsLeft(released)).toBe(-1);
    await expect(never.keepaliveOnce()).rejects.toThrow(EtcdLeaseInvalidError);
    expect(never.revoked()).toBe(true);
  });

  test.concurrent("a lease that somebody else revokes is lost: by a renewal, by a put, by the next of the automatic ones", async () => {
    const { leaseClient } = etcd.client;
    const asked = leaseOf(100);
    await nextEvent(asked, "keepaliveSucceeded");
    const lostAsked = nextEvent<Error>(asked, "lost");
    await leaseClient.leaseRevoke({ ID: await asked.grant() });
    const refusal = await asked.keepaliveOnce().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(EtcdLeaseInvalidError);
    expect(await lostAsked).toBe(refusal);
    expect(asked.revoked()).toBe(true);

    const put = leaseOf(100, { autoKeepAlive: false });
    const lostPut = nextEvent<Error>(put, "lost");
    await leaseClient.leaseRevoke({ ID: await put.grant() });
    await expect(put.put("key").value("").exec()).rejects.toThrow(EtcdLeaseInvalidError);
    expect(await lostPut).toBeInstanceOf(EtcdLeaseInvalidError);

    const automatic = leaseOf(2);
    await nextEvent(automatic, "keepaliveSucceeded");
    const lostAutomatic = nextEvent<Error>(automatic, "lost");
    await leaseClient.leaseRevoke({ ID: await automatic.grant() });
    expect(await lostAutomatic).toBeInstanceOf(EtcdLeaseInvalidError);
    expect(automatic.revoked()).toBe(true);
  });

  test.concurrent("a program that closes its client ends; what it leased goes with its lease", async () => {
    const program = `
      const { Etcd3 } = require("etcd3");
      const client = new Etcd3({ hosts: "${etcd.server.endpoint}" });
      (async () => {
        const lease = client.lease(1);
        await lease.put("program/left").value("");
        const revoked = client.lease(60);
        await revoked.put("program/revoked").value("");
        await revoked.revoke();
        lease.release();
        client.close();
      })();`;
    const watcher = await etcd.client.watch().prefix("program/").only("delete").create();
    const gone: string[] = [];
    watcher.on("delete", ({ key }) => gone.push(key.toString()));
    const ended = await runProgram(process.execPath, ["-e", program], { timeoutMs: 60_000 });
    expect(ended).toMatchObject({ code: 0 });
    while (gone.length < 2) await nextEvent(watcher, "delete");
    expect(gone).toEqual(["program/revoked", "program/left"]);
    await watcher.cancel();
  });

  test.concurrent("it survives a connection that breaks, and is still the same lease", async () => {
    const { client, proxy: link } = await proxied();
    const lease = leaseOf(30, {}, client);
    await nextEvent(lease, "keepaliveSucceeded");
    await lease.put("carried").value("on");
    const failed = nextEvent(lease, "keepaliveFailed");
    const again = failed.then(() =>
      nextEvent<{ readonly ID: string }>(lease, "keepaliveSucceeded"),
    );
    link.break();
    expect((await again).ID).toBe(await lease.grant());
    expect(await etcd.client.get("carried")).toBe("on");
    await lease.revoke();
  });

  test.concurrent("who does not hear of a server for long enough has lost it", async () => {
    const { client, proxy: link } = await proxied();
    const lease = leaseOf(1, {}, client);
    await nextEvent(lease, "keepaliveSucceeded");
    let failures = 0;
    lease.on("keepaliveFailed", () => failures++);
    const lost = nextEvent<Error>(lease, "lost");
    // Nothing breaks: that renewals are not answered is all that the client has.
    link.hold();
    expect(await lost).toBeInstanceOf(EtcdLeaseInvalidError);
    expect(failures).toBeGreaterThan(0);
    expect(lease.revoked()).toBe(true);
  });
});
