/**
 * A cluster of the real etcd becomes one of ours, member by member and under load, and then one of the real
 * etcd again: no acknowledged write is lost, watchers see everything, and all members have the same keys
 * at every step.
 *
 * REPLACEMENT_ROUNDS says how often it goes there and back, REPLACEMENT_WRITERS how many clients write.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { ClusterLoad } from "../harness/cluster-load.ts";
import type { Program } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { judgeHistory } from "../harness/judge-history.ts";
import { REFERENCE } from "../harness/reference.ts";

const ROUNDS = Number(process.env["REPLACEMENT_ROUNDS"] ?? 1);
const WRITERS = Number(process.env["REPLACEMENT_WRITERS"] ?? 4);
const THINK_MS = 20;
const SIZE = 3;

/** Milliseconds that watchers may take at the end to see everything. */
const CATCH_UP_MS = 30_000;

/** Puts a member of `program` into the place of each one, the leader last. */
async function replaceAll(
  cluster: EtcdCluster,
  load: ClusterLoad,
  program: Program,
): Promise<void> {
  for (let count = 0; count < SIZE; count++) {
    const leader = await cluster.untilLeader();
    const old = cluster.members.filter((member) => member.program !== program);
    const leaving = old.find((member) => member !== leader) ?? old[0];
    const joining = await cluster.join(program, { learner: true });
    await cluster.promote(joining);
    load.reconnect();
    if (leaving === leader) await cluster.moveLeader(joining);
    await cluster.expel(leaving);
    load.reconnect();
    await cluster.untilHealthy();
    await cluster.expectEqualHashes();
  }
  expect(cluster.members.map((member) => member.program)).toEqual([program, program, program]);
}

describe.skipIf(REFERENCE === undefined)("a cluster whose members are replaced under load", () => {
  test(
    `goes from the real etcd to ours and back, ${ROUNDS} times`,
    async () => {
      await withCluster({ members: ["real", "real", "real"] }, async (cluster) => {
        const load = new ClusterLoad({
          members: () => cluster.members,
          seed: 1,
          writers: WRITERS,
          thinkMs: THINK_MS,
          compacts: false,
        });
        onTestFinished(() => load.close());
        load.start();
        for (let round = 0; round < ROUNDS; round++) {
          await replaceAll(cluster, load, "ours");
          await replaceAll(cluster, load, "real");
        }
        await load.stopWriting();
        await load.finish(await cluster.expectEqualHashes(), CATCH_UP_MS);
        judgeHistory(load.recorder, cluster.folder, 0);
      });
    },
    300_000 * ROUNDS,
  );
});
