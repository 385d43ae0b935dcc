/**
 * A member whose database holds other data than that of the others: what a cluster of the real etcd and one of
 * ours notice of it, raise, refuse and say.
 */
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Backend } from "../../src/backend/backend.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { encodeRevision } from "../../src/mvcc/revision.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { createKeyValue, encodeKeyValue } from "../../src/wire/gen/kv.ts";
import { AlarmType } from "../../src/wire/gen/rpc.ts";
import type { ClusterMember, InitialCluster, Program } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const WAIT_MS = 30_000;
const POLL_MS = 100;

/** The revision of the key that is altered. */
const REVISION = 2;

/** Puts beside it: enough for several snapshots of the log. */
const PUTS = 12;

const key = bytesFromUtf8("key");

/** Gives the key of a member that does not run another value, at the same revision. */
async function alter(member: ClusterMember): Promise<void> {
  const backend = Backend.open(
    new SystemDisk({ warn: () => undefined }),
    path.join(member.dataDir, "member/snap/db"),
  );
  const altered = createKeyValue({
    ...{ key, value: bytesFromUtf8("altered"), version: 1 },
    ...{ createRevision: REVISION, modRevision: REVISION },
  });
  backend.put("key", encodeRevision(REVISION, 0, false), encodeKeyValue(altered));
  await new Promise<void>((resolve, reject) =>
    backend.commit(backend.position(), (failure) =>
      failure === undefined ? resolve() : reject(failure),
    ),
  );
  backend.close();
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await sleep(POLL_MS);
  }
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

/** What a cluster of `program` makes of a member with altered data. */
async function storyOf(program: Program): Promise<Record<string, unknown>> {
  const story: Record<string, unknown> = {};
  // Without a snapshot of the log a member does not know yet, before it serves, whom to ask.
  const flags = ["--experimental-corrupt-check-time=1s", "--snapshot-count=3"];
  await withCluster({ members: [program, program, program], flags }, async (cluster) => {
    const altered = await followerOf(cluster);
    const { kv, maintenance } = cluster.client();
    await kv.put({ key, value: bytesFromUtf8("value") });
    for (let count = 0; count < PUTS; count++) await kv.put({ key: bytesFromUtf8("other") });
    await cluster.expectEqualHashes();
    await altered.stop();
    await alter(altered);
    altered.start(existing(cluster), flags);
    await until("the alarm", async () => (await maintenance.alarmList()).alarms.length > 0);
    const { alarms } = await maintenance.alarmList();
    story["alarms"] = alarms.map(({ memberId, alarm }) => [memberId, alarm]);
    story["put"] = await refusalOf(kv.put({ key, value: key }));
    story["delete"] = await refusalOf(kv.deleteRange({ key }));
    story["serializable range"] = await refusalOf(kv.range({ key, serializable: true }));
    story["range"] = await refusalOf(kv.range({ key }));
    story["compaction"] = await refusalOf(kv.compact({ revision: REVISION }));
    const leader = await cluster.untilLeader();
    story["leader said"] = leader.log().includes("same compact revision then hashes must match");
    await altered.stop();
    altered.start(existing(cluster), [
      "--experimental-initial-corrupt-check=true",
      "--snapshot-count=3",
    ]);
    await until("its end", () => Promise.resolve(!altered.isRunning));
    story["it said"] = altered.log().includes("found data inconsistency with peers");
  });
  return story;
}

function existing({ members }: EtcdCluster): InitialCluster {
  const pairs = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`);
  return { members: pairs.join(","), state: "existing" };
}

async function followerOf(cluster: EtcdCluster): Promise<ClusterMember> {
  const leader = await cluster.untilLeader();
  const follower = cluster.members.find((member) => member !== leader);
  if (follower === undefined) throw new Error("a cluster of three has followers");
  return follower;
}

describe.skipIf(REFERENCE === undefined)("a member with altered data", () => {
  test("is noticed by ours as by the real etcd", async () => {
    const expected = await storyOf("real");
    expect(expected).toMatchObject({ alarms: [[0n, AlarmType.CORRUPT]], "it said": true });
    expect(await storyOf("ours")).toEqual(expected);
  }, 240_000);
});
