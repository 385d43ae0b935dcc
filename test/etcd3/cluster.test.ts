/**
 * The npm package `etcd3` on a cluster of ours whose leader is killed: calls go on with the members that are left,
 * watches miss nothing, leases, locks and leaders of elections stay.
 */
import { Etcd3, EtcdLockFailedError, type IKeyValue } from "etcd3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EtcdCluster } from "../harness/etcd-cluster.ts";
import { ONCE, persist } from "../harness/shared-etcd.ts";
import { sleep } from "../harness/sleep.ts";

const PAUSE_MS = 100;
/** Longer than an election takes where there is much else to do. */
const CALL_MS = 20_000;
const START_MS = 90_000;
const ROUNDS = 3;

describe("etcd3 on three members of ours", () => {
  let cluster: EtcdCluster;
  const clients: Etcd3[] = [];

  beforeAll(async () => {
    cluster = await EtcdCluster.start({ members: ["ours", "ours", "ours"] });
  }, START_MS);

  afterAll(async () => {
    for (const client of clients) client.close();
    await cluster.remove();
  });

  function connect(): Etcd3 {
    const client = new Etcd3({
      hosts: cluster.members.map(({ endpoint }) => endpoint),
      faultHandling: { host: () => ONCE },
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + CALL_MS }),
    });
    clients.push(client);
    return client;
  }

  test("leaders die one after the other, and programs go on", { timeout: 120_000 }, async () => {
    const client = connect();
    const watching = connect();
    const told: number[] = [];
    const watcher = await watching.watch().key("number").create();
    watcher.on("put", ({ value }: IKeyValue) => told.push(Number(value.toString())));
    const lost: Error[] = [];
    const lease = client.lease(60);
    lease.on("lost", (error) => lost.push(error));
    await lease.put("leased").value("1");
    const lock = await client.lock("door").ttl(60).acquire();
    const campaign = await client.election("seat", 60).campaign("ann").wait();
    campaign.on("error", (error) => lost.push(error));

    const acknowledged: number[] = [];
    let next = 0;
    const write = async () => {
      const number = next++;
      await client.put("number").value(number);
      acknowledged.push(number);
    };
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < 10; i++) await persist(write);
      const leader = await cluster.untilLeader();
      await leader.kill();
      for (let i = 0; i < 10; i++) await persist(write);
      expect(await persist(() => client.get("number").number())).toBe(acknowledged.at(-1));
      await cluster.restart(leader);
    }

    while (!told.includes(next - 1)) await sleep(PAUSE_MS);
    await watcher.cancel();
    // Each once, and those that were acknowledged in their order; others may have been made although they failed.
    expect(new Set(told).size).toBe(told.length);
    expect(told.filter((number) => acknowledged.includes(number))).toEqual(acknowledged);

    expect(await persist(() => client.election("seat").leader())).toBe("ann");
    const other = connect();
    const refused = await persist(() =>
      other
        .lock("door")
        .acquire()
        .catch((error: unknown) => {
          if (error instanceof EtcdLockFailedError) return "held";
          throw error;
        }),
    );
    expect(refused).toBe("held");
    expect(await persist(() => other.get("leased").exists())).toBe(true);
    await persist(() => campaign.resign());
    await persist(() => lock.release());
    await persist(() => lease.revoke());
    expect(lost).toEqual([]);
    await cluster.expectEqualHashes();
  });

  test("members are listed, and calls to any of them are answered alike", async () => {
    const { members } = await persist(() => connect().cluster.memberList({ linearizable: true }));
    expect(members.map(({ name }) => name).sort()).toEqual(["m1", "m2", "m3"]);
    const seen = new Set<string>();
    for (const { endpoint } of cluster.members) {
      const client = new Etcd3({ hosts: endpoint });
      clients.push(client);
      const { header, leader } = await client.maintenance.status();
      seen.add(header.member_id);
      expect(members.map(({ ID }) => ID)).toContain(leader);
      await client.put("from").value(header.member_id);
      expect(await clients[0].get("from")).toBe(header.member_id);
    }
    expect(seen.size).toBe(3);
  });
});
