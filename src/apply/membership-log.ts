/**
 * What the log of the program says of changes of the membership, in etcd's words.
 *
 * Source: etcd server/etcdserver/api/membership/cluster.go (AddMember and others) (3.5).
 */
import type { Cluster } from "../membership/cluster.ts";
import type { MembershipChange } from "../membership/conf-change.ts";
import { formatId } from "../membership/member-info.ts";
import type { Log } from "../ports/log.ts";
import { unreachable } from "../stdx/assert.ts";

/** Tells of a change that is about to be made to `cluster`, on member `localId`. */
export function logMembershipChange(
  log: Log,
  localId: bigint,
  cluster: Cluster,
  change: MembershipChange,
): void {
  const local = { "cluster-id": formatId(cluster.id), "local-member-id": formatId(localId) };
  switch (change.kind) {
    case "add":
      log.info("added member", {
        ...local,
        "added-peer-id": formatId(change.member.id),
        "added-peer-peer-urls": change.member.peerUrls,
        "added-peer-is-learner": change.member.isLearner,
      });
      return;
    case "promote":
      log.info("promote member", { ...local, "promoted-member-id": formatId(change.id) });
      return;
    case "remove":
      log.info("removed member", {
        ...local,
        "removed-remote-peer-id": formatId(change.id),
        "removed-remote-peer-urls": cluster.member(change.id)?.peerUrls ?? [],
        "removed-remote-peer-is-learner": cluster.member(change.id)?.isLearner ?? false,
      });
      return;
    case "update":
      log.info("updated member", {
        ...local,
        "updated-remote-peer-id": formatId(change.member.id),
        "updated-remote-peer-urls": change.member.peerUrls,
      });
      return;
    default:
      unreachable(change);
  }
}
