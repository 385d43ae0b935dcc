/** What is wrong with the cluster as a whole: too few members, no leader, alarms, differences between members. */
import { AlarmType, type Member } from "../../../wire/gen/rpc.ts";
import { type ClusterView, isSamePlace } from "./cluster-view.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { Problem } from "./problem.ts";

const CLUSTER = "cluster";

export function clusterProblems(cluster: ClusterView): Problem[] {
  if (cluster.answering.length === 0) return [];
  return [
    ...quorumProblems(cluster),
    ...leaderProblems(cluster),
    ...alarmProblems(cluster),
    ...identityProblems(cluster),
    ...hashProblems(cluster),
    ...versionProblems(cluster),
    ...memberProblems(cluster),
  ];
}

function quorumProblems(cluster: ClusterView): Problem[] {
  const { voters, quorum, votersAnswering, isReadable } = cluster;
  if (voters.length === 0) return [];
  const count = `${votersAnswering} of ${voters.length} voting members answer, ${quorum} are needed`;
  if (votersAnswering < quorum && !isReadable) {
    const text = `there is no quorum: ${count}. Nothing can be written, and reads fail unless they are serializable`;
    const missing = voters.filter(({ view }) => view === undefined);
    const names = missing.map(({ member }) => member.name || member.id.toString(16)).join(", ");
    const todo = `bring back ${quorum - votersAnswering} of ${names}: then it goes on. Only if their data is lost for good: save what is left (etcdctl snapshot save, or copy the data directory), and restore it as a new cluster (etcdutl snapshot restore)`;
    return [{ severity: "critical", about: CLUSTER, text, todo }];
  }
  if (!isReadable) {
    const reason = cluster.answering[0]?.failures.get("read") ?? "";
    const text = `nobody answers a read that a quorum must confirm${reason === "" ? "" : `: ${reason}`}`;
    const todo =
      "members do not reach each other, or their disks stand still: look at the logs of the leader and at port 2380 between the members";
    return [{ severity: "critical", about: CLUSTER, text, todo }];
  }
  const spare = votersAnswering - quorum;
  if (votersAnswering === voters.length || spare > 0) return [];
  const text = `no member may fail any more: ${count}`;
  const todo = "bring back those that do not answer before anything else is restarted or changed";
  return [{ severity: "warning", about: CLUSTER, text, todo }];
}

function leaderProblems(cluster: ClusterView): Problem[] {
  // Without a quorum there can be no leader, which is told already.
  if (cluster.voters.length > 0 && cluster.votersAnswering < cluster.quorum) return [];
  const leaders = new Set(cluster.answering.map(({ status }) => status?.leader ?? 0n));
  if (leaders.size === 1 && !leaders.has(0n)) return [];
  const without = cluster.answering.filter(({ status }) => status?.leader === 0n);
  const names = without.map((view) => cluster.nameOf(view)).join(", ");
  if (leaders.size === 1) {
    const text = "there is no leader";
    const todo =
      "members do not reach each other, or cannot write to their disks: look at their logs for elections, at port 2380 between them, and at df -h";
    return [{ severity: "critical", about: CLUSTER, text, todo }];
  }
  if (leaders.size === 2 && without.length > 0) {
    const text = "knows no leader, while others do";
    const todo = "it is cut off from the others: look at port 2380 between it and them, both ways";
    return [{ severity: "warning", about: names, text, todo }];
  }
  const shown = [...leaders].map((id) => cluster.memberName(id)).join(" and ");
  const text = `members take different ones for the leader: ${shown}`;
  const todo =
    "during an election this is so for a moment: ask again. If it stays, the network between them is cut in one direction";
  return [{ severity: "warning", about: CLUSTER, text, todo }];
}

function alarmProblems(cluster: ClusterView): Problem[] {
  const raised = new Map<string, Problem>();
  for (const { memberId, alarm } of cluster.endpoints.flatMap(
    ({ alarms }) => alarms?.alarms ?? [],
  )) {
    const about = cluster.memberName(memberId);
    if (alarm === AlarmType.NOSPACE) {
      const revision = cluster.newest("revision");
      const text =
        "has raised NOSPACE: its database has reached the quota, and nothing can be written";
      const todo = `compact, defragment, disarm: etcdctl compaction ${revision}; etcdctl defrag --cluster --command-timeout=60s; etcdctl alarm disarm. Then find out who writes so much, or raise --quota-backend-bytes`;
      raised.set(`${memberId} space`, { severity: "critical", about, text, todo });
    } else if (alarm === AlarmType.CORRUPT) {
      const text = "has raised CORRUPT: its data differs from that of the others";
      const todo =
        "take no snapshot from it. Remove it (etcdctl member remove), delete its data directory, and add it again (etcdctl member add), so that it gets the data of the others";
      raised.set(`${memberId} corrupt`, { severity: "critical", about, text, todo });
    }
  }
  return [...raised.values()];
}

/** What must be the same for all, and is not. */
function differing(
  cluster: ClusterView,
  said: (view: EndpointView) => string | undefined,
): string | undefined {
  const known = cluster.endpoints.filter((view) => said(view) !== undefined);
  if (new Set(known.map(said)).size <= 1) return undefined;
  return known.map((view) => `${cluster.nameOf(view)} ${said(view)}`).join(", ");
}

function identityProblems(cluster: ClusterView): Problem[] {
  const shown = differing(cluster, ({ status }) => status?.header?.clusterId.toString(16));
  if (shown === undefined) return [];
  const text = `the endpoints belong to different clusters: ${shown}`;
  const todo =
    "name endpoints of one cluster in --endpoints. If they should be one, a member was started with a new data directory or another --initial-cluster-token";
  return [{ severity: "critical", about: CLUSTER, text, todo }];
}

function hashProblems(cluster: ClusterView): Problem[] {
  const first = cluster.endpoints.find(({ hashKv }) => hashKv !== undefined)?.hashKv;
  const shown = differing(cluster, ({ hashKv }) =>
    hashKv?.compactRevision === first?.compactRevision ? hashKv?.hash.toString() : undefined,
  );
  if (shown === undefined) return [];
  const text = `members have different keys at the same revision: ${shown}`;
  const todo =
    "write as little as possible, save a snapshot of each, and find out which ones agree; the one that differs is to be removed and added again without its data";
  return [{ severity: "critical", about: CLUSTER, text, todo }];
}

function versionProblems(cluster: ClusterView): Problem[] {
  const shown = differing(cluster, ({ status }) => status?.version);
  if (shown === undefined) return [];
  const minors = new Set(
    cluster.answering.map(({ status }) => status?.version.split(".").slice(0, 2).join(".")),
  );
  const text = `members run different versions: ${shown}`;
  const todo = "in the middle of an upgrade this is right: finish it, one member after the other";
  return [{ severity: minors.size > 1 ? "warning" : "note", about: CLUSTER, text, todo }];
}

/** Members that are not as one would want them, though nothing failed. */
function memberProblems(cluster: ClusterView): Problem[] {
  const problems: Problem[] = [];
  for (const { member, view } of cluster.members) {
    const about = cluster.memberName(member.id);
    if (member.name === "" && view === undefined) {
      const text = "was added, and has never started";
      const todo = `start it with the settings that member add printed, or take it back: etcdctl member remove ${member.id.toString(16)}. Until then it counts for the quorum`;
      problems.push({ severity: member.isLearner ? "note" : "warning", about, text, todo });
    } else if (view === undefined && !isAsked(cluster, member)) {
      const text = "is a member, and was not asked";
      const todo = "name it in --endpoints, or leave --cluster on";
      problems.push({ severity: "note", about, text, todo });
    }
    if (member.isLearner) {
      const text = "is a learner: it has no vote, and answers no client";
      const todo = `when it has caught up: etcdctl member promote ${member.id.toString(16)}`;
      problems.push({ severity: "note", about, text, todo });
    }
  }
  const count = cluster.voters.length;
  if (count > 1 && count % 2 === 0) {
    const text = `${count} members vote: no more of them may fail than of ${count - 1}`;
    const todo = "add one, or remove one; three or five is what one wants";
    problems.push({ severity: "note", about: CLUSTER, text, todo });
  }
  return problems;
}

function isAsked({ endpoints }: ClusterView, { clientUrls }: Member): boolean {
  return endpoints.some(({ endpoint }) => clientUrls.some((url) => isSamePlace(url, endpoint)));
}
