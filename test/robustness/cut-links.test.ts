/** The ways in which tests cut members off from each other do what they say. */
import { describe, expect, onTestFinished, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import type { ClusterMember } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { HAS_NAMESPACES, NetworkNamespaces } from "../harness/network-namespaces.ts";
import { PeerProxies } from "../harness/peer-proxies.ts";
import { REFERENCE } from "../harness/reference.ts";

const members = ["real", "real", "real"] as const;
const key = bytesFromUtf8("key");

/** Waits until someone else than `old` leads, and writes through it. */
async function expectOtherLeader(cluster: EtcdCluster, old: ClusterMember): Promise<void> {
  let next = await cluster.untilLeader();
  while (next === old) next = await cluster.untilLeader();
  await cluster.clientOf(next).kv.put({ key, value: bytesFromUtf8(next.name) });
}

function othersOf(cluster: EtcdCluster, member: ClusterMember): string[] {
  return cluster.members.filter((other) => other !== member).map(({ name }) => name);
}

describe.skipIf(REFERENCE === undefined)("PeerProxies", () => {
  test("hold, refuse and slow down links, and let them go on", async () => {
    const proxies = new PeerProxies();
    onTestFinished(() => proxies.close());
    await withCluster({ members, place: proxies.place }, async (cluster) => {
      for (const fault of ["held", "refused"] as const) {
        const old = await cluster.untilLeader();
        proxies.isolate(old.name, othersOf(cluster, old), fault);
        await expectOtherLeader(cluster, old);
        proxies.heal();
        await cluster.untilHealthy();
      }
      const leader = await cluster.untilLeader();
      for (const other of othersOf(cluster, leader)) {
        proxies.set(leader.name, other, { slowMs: 150 });
        proxies.drop(other, leader.name);
      }
      const startMs = performance.now();
      await cluster.clientOf(leader).kv.put({ key, value: bytesFromUtf8("slow") });
      expect(performance.now() - startMs).toBeGreaterThan(140);
      proxies.heal();
      await cluster.expectEqualHashes();
    });
  }, 120_000);
});

if (!HAS_NAMESPACES) console.log("no network namespaces on this machine: runs in them are skipped");

describe.skipIf(REFERENCE === undefined || !HAS_NAMESPACES)("NetworkNamespaces", () => {
  test("lose the packets of a leader both ways, and then only those that it sends", async () => {
    const network = await NetworkNamespaces.create();
    onTestFinished(() => network.remove());
    await withCluster({ members, place: network.place }, async (cluster) => {
      const first = await cluster.untilLeader();
      await network.isolate(first.name, othersOf(cluster, first));
      await expectOtherLeader(cluster, first);
      await network.heal();
      await cluster.untilHealthy();
      const second = await cluster.untilLeader();
      for (const other of othersOf(cluster, second)) await network.lose(second.name, other);
      await expectOtherLeader(cluster, second);
      await network.heal();
      await cluster.untilHealthy();
      await cluster.expectEqualHashes();
    });
  }, 120_000);
});
