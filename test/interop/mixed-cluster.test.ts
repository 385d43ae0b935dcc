/** Members of ours in a cluster of the real etcd, and the other way round: they join, lead and serve. */
import { describe, expect, test } from "vitest";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import type { ClusterMember, Program } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { REFERENCE } from "../harness/reference.ts";

/** More than a log keeps behind its snapshot: who starts behind it needs the snapshot. */
const BURST = 400;
const FLAGS = ["--snapshot-count=100", "--experimental-snapshot-catchup-entries=20"];

const PAIRS: readonly (readonly [host: Program, guest: Program])[] = [
  ["real", "ours"],
  ["ours", "real"],
];

const key = bytesFromUtf8("key");

/** Puts through one member and reads through every other one. */
async function expectServed(cluster: EtcdCluster, through: ClusterMember): Promise<void> {
  const value = `${through.name} ${performance.now()}`;
  await cluster.clientOf(through).kv.put({ key, value: bytesFromUtf8(value) });
  for (const member of cluster.running) {
    const { kvs } = await cluster.clientOf(member).kv.range({ key });
    expect(
      kvs.map((kv) => utf8FromBytes(kv.value)),
      member.name,
    ).toEqual([value]);
  }
}

async function putMany(cluster: EtcdCluster): Promise<void> {
  const { kv } = cluster.clientOf(await cluster.untilLeader());
  const puts = Array.from({ length: BURST }, (_, at) =>
    kv.put({ key: bytesFromUtf8(`many/${at}`), value: bytesFromUtf8(`${at}`) }),
  );
  await Promise.all(puts);
}

describe.skipIf(REFERENCE === undefined).each(PAIRS)(
  "a cluster of %s, joined by %s",
  (host, guest) => {
    test("learner by log, voter, leader; then another by snapshot, and both live through kills", async () => {
      await withCluster({ members: [host, host, host], flags: FLAGS }, async (cluster) => {
        const [founder] = cluster.members;
        await expectServed(cluster, founder);
        const first = await cluster.join(guest, { learner: true });
        expect((await cluster.status(first)).isLearner).toBe(true);
        await cluster.promote(first);
        await cluster.moveLeader(first);
        await expectServed(cluster, first);
        await putMany(cluster);
        await cluster.expel(founder);
        await cluster.moveLeader(cluster.members[0]);
        const second = await cluster.join(guest);
        expect(second.log(), "the second one got a snapshot").toMatch(/appl(?:ied|ying) snapshot/);
        await expectServed(cluster, second);
        for (const member of [first, second]) {
          await cluster.moveLeader(member);
          await member.kill();
          await expectServed(cluster, await cluster.untilLeader());
          await cluster.restart(member);
          await expectServed(cluster, member);
        }
        await cluster.expectEqualHashes();
      });
    }, 180_000);
  },
);
