/** Clusters whose members are all in this process. */
import * as fs from "node:fs";
import { expect, test } from "vitest";
import { EtcdConfigError, RemovedError, startCluster } from "../../src/embed/index.ts";

test("three members go on when their leader is stopped, and their watchers with them", async () => {
  const cluster = await startCluster();
  try {
    await cluster.ready;
    const { client } = cluster;
    await client.kv.put("key", "1");
    const leader = await cluster.leader();
    const followers = cluster.members.filter((member) => member !== leader);
    expect(followers).toHaveLength(2);
    const watcher = await followers[0].client.watch("key");
    await leader?.stop();
    await client.kv.put("key", "2");
    const seen = await watcher.next();
    expect(seen).toMatchObject({ type: "put", key: "key", entry: { value: "2", version: 2 } });
    for (const { client: own } of followers) {
      expect((await own.kv.get("key"))?.value).toBe("2");
    }
    expect(followers).toContain(await cluster.leader());
    if (leader === undefined) throw new Error("nobody led");
    const again = await cluster.restart(leader);
    await again.ready;
    expect((await again.client.kv.get("key"))?.value).toBe("2");
    expect(cluster.members).toContain(again);
    expect(cluster.members).not.toContain(leader);
    // The other one may go now: two of three are there.
    await followers[0].stop();
    await client.kv.put("key", "3");
    expect((await again.client.kv.get("key"))?.value).toBe("3");
  } finally {
    await cluster.stop();
  }
  await expect(cluster.restart(cluster.members[0])).rejects.toThrow("was stopped");
  expect(cluster.members.map(({ dataDir }) => fs.existsSync(dataDir))).toEqual([
    false,
    false,
    false,
  ]);
});

test("a member that is removed tells so, and ends by itself", async () => {
  const reasons: Error[] = [];
  const cluster = await startCluster({
    size: 2,
    strictReconfigCheck: false,
    onFatal: (reason) => reasons.push(reason),
  });
  try {
    await cluster.ready;
    const [stays, goes] = cluster.members;
    const { memberId } = await goes.client.maintenance.status(goes.name);
    await stays.client.cluster.remove(memberId);
    expect(await goes.closed).toBeInstanceOf(RemovedError);
    expect(reasons.map(({ name }) => name)).toEqual(["RemovedError"]);
    await stays.client.kv.put("key", "");
  } finally {
    await cluster.stop();
  }
});

test("a size that no cluster has, and a folder for all members, are refused", async () => {
  for (const size of [0, 10, 1.5]) {
    await expect(startCluster({ size })).rejects.toThrow(EtcdConfigError);
  }
  const options = { size: 2, dataDir: "data" };
  await expect(startCluster(options)).rejects.toThrow("option dataDir is not for the members");
});
