/**
 * A cluster of the real etcd and ours with authentication: users and roles are changed, and requests made by
 * users who may make some of them, through the real members and through ours. Every member applies all of it for
 * itself; at the end all of them hold the same, byte for byte.
 */
import { describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import {
  AuthOperations,
  passwordOf,
  setUpOperations,
  type UserOperation,
} from "../harness/auth-operations.ts";
import { dumpBuckets } from "../harness/bucket-dump.ts";
import type { ClusterMember } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { UserSessions } from "../harness/user-sessions.ts";

const SEED = Number(process.env["AUTH_SEED"] ?? 1);
const OPERATIONS = Number(process.env["AUTH_OPERATIONS"] ?? 400);

/** A hash of a password takes a millisecond; snapshots are made on the way. */
const FLAGS = ["--bcrypt-cost=4", "--snapshot-count=300"];

/**
 * What members need not hold alike: how far their logs go, and what they say of themselves, which stands in the
 * database since etcd 3.5.20 only.
 */
const OWN_BUCKETS = ["meta", "members"];

/** Makes operations through one member; how often each answer was given. */
async function operate(
  { endpoint }: ClusterMember,
  first: readonly UserOperation[],
  operations: AuthOperations,
): Promise<Map<string, number>> {
  const caller = await openRawCaller(endpoint);
  const sessions = new UserSessions(caller);
  const said = new Map<string, number>();
  for (const operation of first) await sessions.call(operation);
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
  const [first, ...others] = members.map(({ dataDir }) => {
    const dump = dumpBuckets(`${dataDir}/member/snap/db`);
    for (const bucket of OWN_BUCKETS) delete dump[bucket];
    return dump;
  });
  expect(Object.keys(first?.["authUsers"] ?? {}).length).toBeGreaterThan(1);
  for (const dump of others) expect(dump).toEqual(first);
}

describe.skipIf(REFERENCE === undefined)("a mixed cluster with authentication", () => {
  test("members hold the same users, roles, keys and leases", async () => {
    await withCluster({ members: ["real", "ours", "real"], flags: FLAGS }, async (cluster) => {
      const [real, ours] = cluster.members;
      const through = async (member: ClusterMember, prng: Prng, first: UserOperation[] = []) => {
        const operations = new AuthOperations(prng, member.program === "ours");
        const said = await operate(member, first, operations);
        expect(said.get("ok"), JSON.stringify([...said])).toBeGreaterThan(OPERATIONS / 8);
        expect(said.get("etcdserver: permission denied")).toBeGreaterThan(OPERATIONS / 20);
      };
      await through(real, new Prng(SEED), setUpOperations());
      await through(ours, new Prng(SEED + 1));
      await cluster.signIn({ username: "root", password: passwordOf("root") });
      await cluster.moveLeader(ours);
      await through(ours, new Prng(SEED + 2));
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
