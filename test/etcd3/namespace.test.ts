/** Namespaces of the npm package `etcd3`: what is done in one stays in it. Against our server and the real one. */
import { beforeEach, describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { nextEvent, SharedEtcd } from "../harness/shared-etcd.ts";

describe.each(CLIENT_SERVERS)("namespaces of %s", (_, start) => {
  const etcd = SharedEtcd.use(start);

  beforeEach(async () => {
    await etcd.client.delete().all();
    await etcd.client.put("outside").value("untouched");
  });

  test("writes, reads and deletions see their namespace alone, also in one within another", async () => {
    const { client } = etcd;
    const team = client.namespace("team/");
    const member = team.namespace(Buffer.from("ann/"));
    await team.put("a").value("1");
    await member.put("b").value("2");
    expect(await client.getAll()).toEqual({
      outside: "untouched",
      "team/a": "1",
      "team/ann/b": "2",
    });
    expect(await team.getAll()).toEqual({ a: "1", "ann/b": "2" });
    expect(await member.getAll()).toEqual({ b: "2" });
    expect(await member.get("b")).toBe("2");
    expect(await team.getAll().prefix("ann").keys()).toEqual(["ann/b"]);
    expect((await member.delete().all()).deleted).toBe("1");
    expect(await team.getAll().keys()).toEqual(["a"]);
    await team.delete().key("a");
    expect(await client.getAll()).toEqual({ outside: "untouched" });
  });

  test("transactions and software transactions are in it", async () => {
    const team = etcd.client.namespace("team/");
    await team.put("a").value("1");
    const { succeeded, responses } = await team
      .if("a", "Value", "==", "1")
      .then(team.put("a").value("2"), team.get("a"))
      .commit();
    expect(succeeded).toBe(true);
    // What a transaction answers is not stripped of the namespace.
    expect(responses[1].response_range.kvs).toMatchObject([{ key: Buffer.from("team/a") }]);
    await team.stm().transact(async (tx) => {
      await tx.put("a").value(`${await tx.get("a")}3`);
    });
    expect(await etcd.client.get("team/a")).toBe("23");
  });

  test("leases and locks are in it", async () => {
    const team = etcd.client.namespace("team/");
    const lease = team.lease(60, { autoKeepAlive: false });
    await lease.put("leased").value("");
    const lock = await team.lock("lock").acquire();
    expect(await etcd.client.getAll().prefix("team/").keys()).toEqual(["team/leased", "team/lock"]);
    // Who locks the same name outside of it locks something else.
    const other = await etcd.client.lock("lock").acquire();
    await other.release();
    await lock.release();
    await lease.revoke();
    expect(await etcd.client.getAll().prefix("team/").keys()).toEqual([]);
  });

  test("watches tell of its keys alone, by their short names", async () => {
    const team = etcd.client.namespace("team/");
    const watcher = await team.watch().prefix("").withPreviousKV().create();
    const next = nextEvent<{ readonly key: Buffer }>(watcher, "put");
    await etcd.client.put("outside").value("changed");
    await team.put("a").value("1");
    expect((await next).key.toString()).toBe("a");
    await watcher.cancel();
  });
});
