/** The harness of clusters, tried on three members of the real etcd; later tests put ours in their place. */
import { describe, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { withCluster } from "../harness/etcd-cluster.ts";
import { REFERENCE } from "../harness/reference.ts";

const key = bytesFromUtf8("key");

describe.skipIf(REFERENCE === undefined)("EtcdCluster", () => {
  test("kills, freezes, moves the lead, takes in a learner and lets a member go", async () => {
    await withCluster({ members: ["real", "real", "real"] }, async (cluster) => {
      const first = await cluster.untilLeader();
      await cluster.client().kv.put({ key, value: bytesFromUtf8("1") });
      await first.kill();
      const second = await cluster.untilLeader();
      expect(second).not.toBe(first);
      const rest = cluster.running.find((member) => member !== second);
      expect(rest).toBeDefined();
      if (rest === undefined) return;
      await cluster.restart(first);
      rest.pause();
      await cluster.clientOf(second).kv.put({ key, value: bytesFromUtf8("2") });
      rest.resume();
      await cluster.moveLeader(rest);
      const learner = await cluster.join("real", { learner: true });
      await cluster.promote(learner);
      await cluster.expel(second);
      expect(cluster.members.map(({ name }) => name)).not.toContain(second.name);
      const { kvs } = await cluster.clientOf(learner).kv.range({ key });
      expect(kvs.map(({ value }) => value)).toEqual([bytesFromUtf8("2")]);
      expect(await cluster.expectEqualHashes()).toBe(3);
    });
  }, 120_000);
});
