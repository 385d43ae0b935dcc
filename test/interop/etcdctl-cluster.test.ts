/**
 * A cluster of three under etcdctl: the same command lines in the same order by the real tool against a real
 * cluster, by the real tool against ours, and by our tool against a real one. They live one after the other
 * on the same ports, so that their founders have the same ids.
 */
import { describe, expect, test } from "vitest";
import { CLUSTER_LINES } from "../harness/etcdctl-cluster-lines.ts";
import { realEtcdctl, type Tool } from "../harness/etcdctl-comparison.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import type { Program } from "../harness/cluster-member.ts";
import {
  type EtcdCluster,
  loopbackPlace,
  type MemberPlace,
  withCluster,
} from "../harness/etcd-cluster.ts";
import { type ClusterIdentity, maskOutcome } from "../harness/etcdctl-mask.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

/** A member counts as connected when it has answered for five seconds. */
const CONNECTED_MS = 6000;

/** An address that no line names. */
const NOWHERE = "nowhere:0";

/** Runs all lines; each with its exit code and what it printed, masked. */
async function outcomesOf(
  tool: Tool,
  program: Program,
  places: readonly MemberPlace[],
): Promise<string[]> {
  const outcomes: string[] = [];
  let placed = 0;
  const options = {
    members: [program, program, program],
    place: () => Promise.resolve(places[placed++]),
  };
  await withCluster(options, async (cluster) => {
    const ids: bigint[] = [];
    for (const member of cluster.members) ids.push(await cluster.idOf(member));
    await cluster.moveLeader(cluster.members[0]);
    await sleep(CONNECTED_MS);
    const world = await worldOf(cluster, ids);
    for (const line of CLUSTER_LINES) {
      const words = await world.fill(line);
      const result = await tool(words, {});
      const [stdout, stderr] = [result.stdout, result.stderr].map((output) =>
        Buffer.from(world.hideIds(output.toString("latin1")), "latin1"),
      );
      const masked = maskOutcome({ code: result.code, stdout, stderr }, world.identity);
      const shown = [masked.stdout, masked.stderr].map(sorted);
      outcomes.push(`${line.join(" ")}\n${masked.code}\n${shown.join("\n")}`);
    }
  });
  return outcomes;
}

interface World {
  readonly identity: ClusterIdentity;
  fill(line: readonly string[]): Promise<string[]>;
  hideIds(text: string): string;
}

async function worldOf(cluster: EtcdCluster, founders: readonly bigint[]): Promise<World> {
  const { header } = await cluster.status(cluster.members[0]);
  const endpoints = cluster.members.map(({ endpoint }) => endpoint);
  const [endpoint] = endpoints;
  const seen = new Map(founders.map((id, at) => [id, `<m${at + 1}>`]));
  /** The id of the member that is no founder, or of the last one that was there. */
  let newest = 0n;
  const look = async (): Promise<void> => {
    const { members } = await cluster.clientOf(cluster.running[0]).cluster.memberList();
    const found = members.find(({ id }) => !founders.includes(id));
    if (found === undefined) return;
    newest = found.id;
    seen.set(newest, "<new>");
  };
  return {
    identity: {
      clusterId: header?.clusterId ?? 0n,
      memberId: 1n << 80n,
      endpoint,
      peer: NOWHERE,
      dead: NOWHERE,
    },
    async fill(line) {
      await look();
      return line.map((word) =>
        word
          .replaceAll("{all}", endpoints.join(","))
          .replace(/\{e(\d)\}/g, (_, at: string) => endpoints[Number(at) - 1])
          .replace(/\{m(\d)\}/g, (_, at: string) => founders[Number(at) - 1].toString(16))
          .replaceAll("{new}", newest.toString(16)),
      );
    },
    hideIds: (text) => hideIds(text, seen),
  };
}

/** Ids of members by their names; of one that was added just now, the one id of its width that is left. */
function hideIds(text: string, seen: ReadonlyMap<bigint, string>): string {
  let hidden = text;
  for (const [id, name] of seen) {
    hidden = hidden
      .replaceAll(new RegExp(`\\b0*${id.toString(16)}\\b`, "g"), name)
      .replaceAll(new RegExp(`\\b${id}\\b`, "g"), name);
  }
  return hidden
    .replace(/"ID":\d{15,}/g, '"ID":<new>')
    .replace(/Member [ 0-9a-f]{16} added/g, "Member <new> added")
    .replace(/Member +</g, "Member <");
}

/** Members stand in the order of their ids, and one that was added has any; the healthy as they answer. */
function sorted(text: string): string {
  return text
    .replace(/\[(\{.*\})\]/g, (_, list: string) => {
      const items = list.split(/(?<=\}),/).sort();
      return `[${items.join(",")}]`;
    })
    .replace(
      /"([^"]*=http[^"]*,[^"]*)"/g,
      (_, list: string) => `"${list.split(",").sort().join(",")}"`,
    )
    .split("\n")
    .sort()
    .join("\n");
}

describe.skipIf(REFERENCE === undefined)("etcdctl and a cluster of three", () => {
  test("says the same of ours and of the real one, and so does our etcdctl", async () => {
    const places = [await loopbackPlace(), await loopbackPlace(), await loopbackPlace()];
    const expected = await outcomesOf(realEtcdctl, "real", places);
    expect(await outcomesOf(realEtcdctl, "ours", places)).toEqual(expected);
    expect(await outcomesOf(runOurEtcdctl, "real", places)).toEqual(expected);
  }, 240_000);
});
