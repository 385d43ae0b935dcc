/** Locks of the npm package `etcd3`: one holder, and what happens when it goes. Against our server and the real one. */
import { EtcdLockFailedError } from "etcd3";
import { describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { nextEvent, SharedEtcd } from "../harness/shared-etcd.ts";

describe.each(CLIENT_SERVERS)("locks on %s", (_, start) => {
  const etcd = SharedEtcd.use(start);

  test("one holds it, others are refused until it is released", async () => {
    const held = await etcd.client.lock("door").acquire();
    const other = etcd.connect();
    await expect(other.lock("door").acquire()).rejects.toThrow(EtcdLockFailedError);
    await expect(etcd.client.lock("door").acquire()).rejects.toThrow(EtcdLockFailedError);
    await (await other.lock("another door").acquire()).release();
    await held.release();
    await (await other.lock("door").acquire()).release();
    expect(await etcd.client.get("door").exists()).toBe(false);
  });

  test("of many that want it at once, one gets it", async () => {
    const tries = Array.from({ length: 10 }, () => etcd.client.lock("rush").acquire());
    const ended = await Promise.allSettled(tries);
    const holders = ended.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    expect(holders).toHaveLength(1);
    await holders[0].release();
  });

  test("a function runs within it, and it is free behind the function, however that ends", async () => {
    const seen = await etcd.client.lock("room").do(async () => {
      await expect(etcd.client.lock("room").acquire()).rejects.toThrow(EtcdLockFailedError);
      return "seen";
    });
    expect(seen).toBe("seen");
    const failed = etcd.client.lock("room").do(() => {
      throw new Error("Cannot work");
    });
    await expect(failed).rejects.toThrow("Cannot work");
    await (await etcd.client.lock("room").acquire()).release();
  });

  test("its lease has the time to live that was asked for, before it is held", async () => {
    const lock = etcd.client.lock(Buffer.from("timed")).ttl(17);
    expect(await lock.leaseId()).toBeNull();
    expect(() => lock.release()).toThrow(/was not acquired/);
    await lock.acquire();
    expect(() => lock.ttl(5)).toThrow(/after acquiring/);
    const id = await lock.leaseId();
    expect((await etcd.client.get("timed").exec()).kvs).toMatchObject([{ lease: id }]);
    const { leases } = await etcd.client.leaseClient.leaseLeases();
    expect(leases).toContainEqual({ ID: id });
    const lease = await etcd.client.leaseClient.leaseTimeToLive({ ID: String(id), keys: true });
    expect(lease).toMatchObject({ grantedTTL: "17", keys: [Buffer.from("timed")] });
    await lock.release();
    const gone = await etcd.client.leaseClient.leaseTimeToLive({ ID: String(id) });
    expect(gone.TTL).toBe("-1");
  });

  test("who is gone without a word loses it with its lease", async () => {
    const gone = etcd.connect();
    const lease = gone.lease(1, { autoKeepAlive: false });
    const { succeeded } = await gone
      .if("left", "Create", "==", 0)
      .then(lease.put("left").value(""))
      .commit();
    expect(succeeded).toBe(true);
    const watcher = await etcd.client.watch().key("left").only("delete").create();
    const freed = nextEvent(watcher, "delete");
    await expect(etcd.client.lock("left").acquire()).rejects.toThrow(EtcdLockFailedError);
    await freed;
    await watcher.cancel();
    await (await etcd.client.lock("left").acquire()).release();
  });
});
