/**
 * Configuration changes as they stand in the log: a raftpb.ConfChange whose context is the JSON of a
 * member (with `isPromote` when a learner becomes a voter). Turned into one plain union here, checked
 * against the membership, and applied to it.
 *
 * Source: etcd server/etcdserver (applyConfChange) and api/membership (ConfigChangeContext).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { assert, unreachable } from "../stdx/assert.ts";
import { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
import { type ConfChange, ConfChangeType } from "../wire/gen/raft.ts";
import type { Cluster } from "./cluster.ts";
import { decodeMember, encodeMember, type MemberInfo } from "./member-info.ts";

export type MembershipChange =
  | { readonly kind: "add"; readonly member: MemberInfo }
  | { readonly kind: "promote"; readonly id: bigint }
  | { readonly kind: "remove"; readonly id: bigint }
  | { readonly kind: "update"; readonly member: MemberInfo };

/** Reads a committed change. Throws on content that no member could have proposed. */
export function membershipChangeOf(change: ConfChange): MembershipChange {
  if (change.type === ConfChangeType.ConfChangeRemoveNode) {
    return { kind: "remove", id: change.nodeId };
  }
  const context = utf8FromBytes(change.context ?? new Uint8Array(0));
  const member = decodeMember(context);
  assert(member.id === change.nodeId, "Configuration change for one member carries another");
  if (change.type === ConfChangeType.ConfChangeUpdateNode) return { kind: "update", member };
  if (/"isPromote":true/.test(context)) return { kind: "promote", id: member.id };
  const isLearner = change.type === ConfChangeType.ConfChangeAddLearnerNode;
  return { kind: "add", member: { ...member, isLearner: isLearner || member.isLearner } };
}

/** The change as it stands in the log; `id` is that of the request, by which its proposer finds who waits. */
export function confChangeOf(change: MembershipChange, id: bigint): ConfChange {
  switch (change.kind) {
    case "add": {
      const { isLearner } = change.member;
      const type = isLearner
        ? ConfChangeType.ConfChangeAddLearnerNode
        : ConfChangeType.ConfChangeAddNode;
      return withContext(id, type, change.member.id, encodeMember(change.member));
    }
    case "promote": {
      const context = `{"id":${change.id},"peerURLs":null,"isPromote":true}`;
      return withContext(id, ConfChangeType.ConfChangeAddNode, change.id, context);
    }
    case "remove":
      return {
        id,
        type: ConfChangeType.ConfChangeRemoveNode,
        nodeId: change.id,
        context: undefined,
      };
    case "update": {
      const { member } = change;
      const type = ConfChangeType.ConfChangeUpdateNode;
      return withContext(id, type, member.id, encodeMember(member));
    }
    default:
      return unreachable(change);
  }
}

function withContext(
  id: bigint,
  type: ConfChangeType,
  nodeId: bigint,
  context: string,
): ConfChange {
  return { id, type, nodeId, context: bytesFromUtf8(context) };
}

/** Why the change cannot be made, or `undefined`. */
export function checkMembershipChange(
  cluster: Cluster,
  change: MembershipChange,
): EtcdError | undefined {
  switch (change.kind) {
    case "add":
      return cluster.checkAdd(change.member);
    case "promote":
      return cluster.checkPromote(change.id);
    case "remove":
      return cluster.checkRemove(change.id);
    case "update":
      return cluster.checkUpdate(change.member.id, change.member.peerUrls);
    default:
      return unreachable(change);
  }
}

/** Makes a change that `checkMembershipChange` let pass. */
export function applyMembershipChange(cluster: Cluster, change: MembershipChange): void {
  switch (change.kind) {
    case "add":
      return cluster.add(change.member);
    case "promote":
      return cluster.promote(change.id);
    case "remove":
      return cluster.remove(change.id);
    case "update":
      return cluster.updateRaftAttributes(change.member.id, change.member);
    default:
      return unreachable(change);
  }
}
