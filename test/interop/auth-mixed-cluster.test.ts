/**
 * A cluster of the real etcd and ours with authentication: users and roles are changed, and requests made by
 * users who may make some of them, through the real members. Every member applies all of it for itself; at the
 * end all of them hold the same, byte for byte.
 */
import { describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import { AuthOperations, setUpOperations } from "../harness/auth-operations.ts";
import { dumpBuckets } from "../harness/bucket-dump.ts";
import type { ClusterMember } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { UserSessions } from "../harness/user-sessions.ts";

const SEED = Number(process.env["AUTH_SEED"] ?? 1);
const OPERATIONS = Number(process.env["AUTH_OPERATIONS"] ?? 600);

/** A hash of a password takes a millisecond; snapshots are made on the way. */
const FLAGS = ["--snapshot-count=300"];

/** What members must hold alike. */
const BUCKETS = ["auth", "authUsers", "authRoles", "key", "lease"];

/** Makes the operations of `seed` through one member; how often each answer was given. */
async function operate(member: ClusterMember, seed: number): Promise<Map<string, number>> {
  const caller = await openRawCaller(member.endpoint);
  const sessions = new UserSessions(caller);
  const said = new Map<string, number>();
  const operations = new AuthOperations(new Prng(seed), false);
  for (const operation of setUpOperations()) await sessions.call(operation);
  for (let made = 0; made < OPERATIONS; made++) {
    const { code, text } = await sessions.call(operations.next());
    const answer = code === 0 ? "ok" : text;
    said.set(answer, (said.get(answer) ?? 0) + 1);
  }
  caller.close();
  return said;
}

async function stopAll(cluster: EtcdCluster): Promise<void> {
  for (const member of cluster.members) await member.stop();
}

function expectEqualData(members: readonly ClusterMember[]): void {
  const [first, ...others] = members.map(({ dataDir }) => dumpBuckets(`${dataDir}/member/snap/db`));
  for (const bucket of BUCKETS) {
    for (const dump of others) expect(dump[bucket], bucket).toEqual(first?.[bucket]);
  }
}

describe.skipIf(REFERENCE === undefined)("a mixed cluster with authentication", () => {
  test("members hold the same users, roles, keys and leases", async () => {
    await withCluster({ members: ["real", "ours", "real"], flags: FLAGS }, async (cluster) => {
      const [real] = cluster.members;
      if (real === undefined) throw new Error("Cannot find a member");
      const said = await operate(real, SEED);
      expect(said.get("ok"), JSON.stringify([...said])).toBeGreaterThan(OPERATIONS / 4);
      expect(said.get("etcdserver: permission denied")).toBeGreaterThan(OPERATIONS / 16);
      await untilLevel(cluster);
      await stopAll(cluster);
      expectEqualData(cluster.members);
    });
  }, 180_000);
});

/** Until every member has applied everything. */
async function untilLevel(cluster: EtcdCluster): Promise<void> {
  for (const member of cluster.members) await cluster.untilCaughtUp(member);
}
