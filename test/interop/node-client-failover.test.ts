/**
 * The client library on a cluster whose members freeze, die, join and hand over: calls go to those that answer, nothing
 * is made twice, leases and watches live on.
 */
import { expect, test } from "vitest";
import { connect, type EtcdClient, UnknownOutcomeError } from "../../src/node-client/index.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { sleep } from "../harness/sleep.ts";

/** Puts one key `count` times; how often that succeeded, and how often nobody knows. */
async function putMany(
  client: EtcdClient,
  count: number,
): Promise<{ done: number; unknown: number }> {
  let [done, unknown] = [0, 0];
  for (let i = 0; i < count; i++) {
    try {
      await client.kv.put("count", `${i}`, { timeoutMs: 4000 });
      done++;
    } catch (error) {
      if (error instanceof UnknownOutcomeError) unknown++;
    }
    await sleep(2);
  }
  return { done, unknown };
}

async function whileFaulty(cluster: EtcdCluster, client: EtcdClient): Promise<void> {
  const lease = await client.lease({ ttlSeconds: 10 });
  await client.kv.put("leased", "", { lease });
  const stream = await client.watch("count");
  const puts = putMany(client, 600);
  const reads = (async (): Promise<number> => {
    let count = 0;
    for (let i = 0; i < 200; i++) {
      await client.kv.get("count", { timeoutMs: 15_000 });
      await sleep(20);
      count++;
    }
    return count;
  })();
  await sleep(300);
  const frozen = await cluster.untilLeader();
  frozen.pause();
  await sleep(4000);
  frozen.resume();
  await cluster.untilHealthy();
  const killed = cluster.members.find((member) => member !== frozen);
  await killed?.kill();
  await sleep(500);
  if (killed !== undefined) await cluster.restart(killed);
  const { done, unknown } = await puts;
  expect(await reads).toBe(200);
  const version = (await client.kv.get("count"))?.version ?? 0;
  expect(version).toBeGreaterThanOrEqual(done);
  expect(version).toBeLessThanOrEqual(done + unknown);
  expect(done).toBeGreaterThan(500);
  // Every change once, in order.
  for (let told = 1; told <= version; told++) {
    const event = await stream.next();
    expect(event?.type === "put" && event.entry.version).toBe(told);
  }
  expect(lease.isLost).toBe(false);
  expect(await client.kv.get("leased")).toBeDefined();
  await lease.revoke();
  stream.cancel();
}

test("a client of a cluster lives through what happens to its members", async () => {
  await withCluster({ members: ["ours", "ours", "ours"] }, async (cluster) => {
    const hosts = cluster.members.map(({ endpoint }) => endpoint);
    const client = await connect({ hosts });
    await whileFaulty(cluster, client);

    for (const { id } of await client.cluster.members()) {
      await client.maintenance.moveLeader(id);
      // It is done for those who have a quorum; the others hear of it a little later.
      while ((await client.maintenance.status(hosts[0])).leaderId !== id) await sleep(20);
    }

    const synced = await connect({ hosts: hosts[0], syncHostsMs: 100 });
    const joined = await connect({ hosts: hosts[0] });
    await joined.syncHosts();
    await sleep(500);
    await cluster.members[0].kill();
    for (let i = 0; i < 10; i++) {
      await synced.kv.get("count", { timeoutMs: 10_000 });
      await joined.kv.get("count", { timeoutMs: 10_000 });
    }
    for (const each of [client, synced, joined]) each.close();
  });
}, 120_000);
