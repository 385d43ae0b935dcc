/**
 * Joining a cluster that exists: who its members are, which of them this one is, and whether this version may
 * run beside them. All of it comes from the other members, which have been told of this one before.
 *
 * Source: etcd server/etcdserver/server.go (NewServer), cluster_util.go, api/membership/cluster.go
 * (ValidateClusterAndAssignIDs) (3.5).
 */
import { formatId, type MemberInfo } from "../../membership/member-info.ts";
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from "../../membership/version.ts";
import type { PeerNetwork } from "../../peer/network.ts";
import type { Log } from "../../ports/log.ts";
import { JOIN_PROBE_TIMEOUT_MS } from "../limits.ts";
import { type UrlComparison, urlDifference } from "./peer-urls.ts";
import {
  askForCluster,
  askForDowngrade,
  askForVersions,
  type RemoteCluster,
} from "./remote-cluster.ts";
import { StartError } from "./start-error.ts";
import { ETCD_VERSION } from "../version.ts";

/** A member as a flag names it. */
export interface NamedMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface Joining {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** The members of the cluster, this one among them. */
  readonly members: readonly MemberInfo[];
}

/** The oldest version of a cluster that may be joined. */
const OLDEST_CLUSTER: Version = { major: 3, minor: 0 };

/**
 * Asks the members of `named` beside `name` for the cluster; they are in the order of the ids that they would
 * have as founders. Rejects with a `StartError`.
 */
export async function joinCluster(
  name: string,
  named: readonly NamedMember[],
  peers: PeerNetwork,
  comparison: UrlComparison,
  log: Log,
): Promise<Joining> {
  const urls = remoteUrls(name, named);
  const existing = await askForCluster(peers, urls, JOIN_PROBE_TIMEOUT_MS, log);
  if (existing instanceof Error) {
    throw new StartError(`cannot fetch cluster info from peer urls: ${existing.message}`);
  }
  const ids = await matchMembers(named, existing, comparison);
  if (ids instanceof Error) {
    throw new StartError(`error validating peerURLs ${printCluster(existing)}: ${ids.message}`);
  }
  const memberId = ids.get(name);
  if (memberId === undefined) throw new StartError(`the cluster has no member for "${name}"`);
  const others = existing.members.filter(({ id }) => id !== memberId);
  if (!(await isCompatible(others, peers, log))) {
    throw new StartError("incompatible with current running cluster");
  }
  return { clusterId: existing.id, memberId, members: existing.members };
}

/** Peer URLs of the others, sorted. */
export function remoteUrls(name: string, named: readonly NamedMember[]): string[] {
  const others = named.filter((member) => member.name !== name);
  return others.flatMap(({ peerUrls }) => peerUrls).sort();
}

/** Ids by name, or why the members named are not those of the cluster. */
async function matchMembers(
  named: readonly NamedMember[],
  { members }: RemoteCluster,
  comparison: UrlComparison,
): Promise<ReadonlyMap<string, bigint> | Error> {
  if (members.length !== named.length) return new Error("member count is unequal");
  const ids = new Map<string, bigint>();
  for (const { id, peerUrls } of members) {
    let difference: string | undefined;
    for (const candidate of named) {
      difference = await urlDifference(comparison, peerUrls, candidate.peerUrls);
      if (difference !== undefined) continue;
      ids.set(candidate.name, id);
      break;
    }
    if (difference !== undefined) {
      return new Error(
        `PeerURLs: no match found for existing member (${formatId(id)}, [${peerUrls.join(" ")}]), last resolver error (${difference})`,
      );
    }
  }
  return ids;
}

/** Whether one of `others` runs in a cluster whose version this one can be part of, and none in another. */
async function isCompatible(
  others: readonly MemberInfo[],
  peers: PeerNetwork,
  log: Log,
): Promise<boolean> {
  const versions: [id: bigint, clusterVersion: string][] = [];
  for (const member of others) {
    const answer = await askForVersions(peers, member, log);
    if (!(answer instanceof Error)) versions.push([member.id, answer.cluster]);
    else {
      log.warn("failed to get version", {
        "remote-member-id": formatId(member.id),
        error: answer.message,
      });
    }
  }
  const [lowest, highest] = allowedVersions(await askForDowngrade(peers, others));
  let known = false;
  for (const [id, text] of versions) {
    const fields = { "remote-member-id": formatId(id), "remote-member-cluster-version": text };
    const version = parseVersion(text);
    if (version === undefined) {
      const error = `${text} is not in dotted-tri format`;
      log.warn("failed to parse cluster version of remote member", { ...fields, error });
      continue;
    }
    const isLow = compareVersions(version, lowest) < 0;
    if (isLow || compareVersions(version, highest) > 0) {
      log.warn(
        `cluster version of remote member is not compatible; too ${isLow ? "low" : "high"}`,
        { ...fields, "minimum-cluster-version-supported": formatVersion(lowest) },
      );
      return false;
    }
    known = true;
  }
  return known;
}

/** Cluster versions that this one can be part of; during a downgrade exactly the next higher one. */
function allowedVersions(downgrading: boolean): readonly [lowest: Version, highest: Version] {
  const own = parseVersion(ETCD_VERSION) ?? OLDEST_CLUSTER;
  if (!downgrading) return [OLDEST_CLUSTER, own];
  const next = { major: own.major, minor: own.minor + 1 };
  return [next, next];
}

/** As Go prints the cluster. */
function printCluster({ id, members }: RemoteCluster): string {
  const printed = members.map(
    ({ id: memberId, peerUrls, isLearner, name, clientUrls }) =>
      `&{ID:${formatId(memberId)} RaftAttributes:{PeerURLs:[${peerUrls.join(" ")}] IsLearner:${isLearner}} ` +
      `Attributes:{Name:${name} ClientURLs:[${clientUrls.join(" ")}]}}`,
  );
  return `{ClusterID:${formatId(id)} Members:[${printed.join(" ")}] RemovedMemberIDs:[]}`;
}
