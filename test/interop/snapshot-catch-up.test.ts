/** Members that are too far behind for the log: ours behind a real leader, a real one behind ours. */
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import type { ClusterMember, Program } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { REFERENCE } from "../harness/reference.ts";

const FLAGS = ["--snapshot-count", "10", "--experimental-snapshot-catchup-entries", "5"];

/** Writes through one of the members that run, with deletions and a lease. */
async function write(cluster: EtcdCluster, count: number): Promise<void> {
  const [member] = cluster.running;
  const { kv, lease } = cluster.clientOf(member);
  const { id } = await lease.grant({ ttl: 100_000 });
  for (let at = 0; at < count; at++) {
    const key = bytesFromUtf8(`key${at % 17}`);
    if (at % 7 === 3) await kv.deleteRange({ key });
    else await kv.put({ key, value: new Uint8Array(300).fill(at), lease: at % 5 === 0 ? id : 0n });
  }
}

/** Changes a byte of a record in the middle of the newest segment. */
function damageLog(member: ClusterMember): void {
  const folder = path.join(member.dataDir, "member", "wal");
  const newest =
    fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(".wal"))
      .sort()
      .at(-1) ?? "";
  const file = fs.openSync(path.join(folder, newest), "r+");
  fs.writeSync(file, Uint8Array.of(0xff, 0xff, 0xff), 0, 3, 2000);
  fs.closeSync(file);
}

function mustHaveTaken(member: ClusterMember): void {
  expect(member.log(), `${member.name} has taken over a snapshot`).toContain("applied snapshot");
}

describe.skipIf(REFERENCE === undefined)("snapshots between members", () => {
  test.each<[Program, Program]>([
    ["ours", "real"],
    ["real", "ours"],
  ])(
    "a member of %s catches up from a leader of %s: one that was down, and a new one",
    async (program, others) => {
      await withCluster({ members: [program, others, others], flags: FLAGS }, async (cluster) => {
        const [late] = cluster.members;
        if (late === (await cluster.untilLeader())) await cluster.moveLeader(cluster.members[1]);
        await late.kill();
        await write(cluster, 60);
        await cluster.restart(late);
        await cluster.untilCaughtUp(late);
        mustHaveTaken(late);
        const learner = await cluster.join(program, { learner: true });
        mustHaveTaken(learner);
        await cluster.promote(learner);
        await write(cluster, 20);
        for (const member of [late, learner]) await cluster.untilCaughtUp(member);
        await cluster.expectEqualHashes();
        // What was taken over is there after a start.
        await late.stop();
        await cluster.restart(late);
        await cluster.untilCaughtUp(late);
        await cluster.expectEqualHashes();
      });
    },
    180_000,
  );

  test("a member of ours with a damaged log is repaired among members of the real etcd", async () => {
    const members: Program[] = ["ours", "real", "real"];
    await withCluster({ members, flags: FLAGS }, async (cluster) => {
      const [ours] = cluster.members;
      await write(cluster, 30);
      await ours.kill();
      damageLog(ours);
      await cluster.restart(ours, ["--experimental-repair-from-peers"]);
      await cluster.untilCaughtUp(ours);
      expect(ours.log()).toContain("this member was repaired");
      await write(cluster, 10);
      await cluster.moveLeader(ours);
      await write(cluster, 10);
      for (const member of cluster.members) await cluster.untilCaughtUp(member);
      await cluster.expectEqualHashes();
    });
  }, 180_000);
});
