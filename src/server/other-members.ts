/**
 * Whether a member may be served alone. A cluster has one member here: with others, even with one that was
 * only added and never started, it would wait for a majority for ever, or leave a learner without its data.
 */
import { Cluster } from "../membership/cluster.ts";
import {
  applyMembershipChange,
  checkMembershipChange,
  membershipChangeOf,
} from "../membership/conf-change.ts";
import { formatId } from "../membership/member-info.ts";
import { decodeConfChange, type Entry, EntryType } from "../wire/gen/raft.ts";
import { StartError } from "./start-error.ts";

/**
 * Throws `StartError` unless `memberId` is the only member once all `entries` behind the membership of
 * `snapshot` are applied. Entries that may not be committed count, too: a single voter commits them all.
 * `source` names the log. Borrows all of it.
 */
export function refuseOtherMembers(
  memberId: bigint,
  snapshot: Cluster,
  entries: readonly Entry[],
  source: string,
): void {
  const cluster = membershipAfter(snapshot, entries);
  const others = cluster.members().filter(({ id }) => id !== memberId);
  if (others.length > 0) {
    const names = others.map(({ id, name }) => (name === "" ? formatId(id) : name)).join(", ");
    throw new StartError(
      `the log in "${source}" is that of a cluster with more than this member (${names}), which this ` +
        "version cannot serve; remove the others with etcd 3.5 (etcdctl member remove), or serve this " +
        "directory with etcd 3.5",
    );
  }
  if (cluster.isRemoved(memberId)) {
    throw new StartError(
      `the log in "${source}" says that member ${formatId(memberId)} was removed from its cluster for ` +
        "good; name an empty directory with --data-dir to start anew",
    );
  }
}

function membershipAfter(snapshot: Cluster, entries: readonly Entry[]): Cluster {
  const cluster = new Cluster(snapshot.id);
  for (const member of snapshot.members()) cluster.add(member);
  for (const id of snapshot.removedIds()) cluster.remove(id);
  for (const { type, data } of entries) {
    if (type !== EntryType.EntryConfChange || data === undefined) continue;
    const change = membershipChangeOf(decodeConfChange(data));
    if (checkMembershipChange(cluster, change) === undefined)
      applyMembershipChange(cluster, change);
  }
  return cluster;
}
