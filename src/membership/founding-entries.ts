/** The members that found a cluster, and the first entries of its log, which make them voters. */
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { ConfChangeType, encodeConfChange, type Entry, EntryType } from "../wire/gen/raft.ts";
import { computeClusterId, computeMemberId, type Sha1 } from "./identity.ts";
import { encodeMember, type MemberInfo } from "./member-info.ts";

/** A cluster to be: every founder computes the same from the same names, URLs and token. */
export interface FoundingMembers {
  readonly clusterId: bigint;
  /** By ascending id. */
  readonly members: readonly MemberInfo[];
}

/** The cluster that these names with these peer URLs found under `token`. */
export function foundingMembers(
  initial: readonly { readonly name: string; readonly peerUrls: readonly string[] }[],
  token: string,
  sha1: Sha1,
): FoundingMembers {
  const members = initial.map(({ name, peerUrls }): MemberInfo => {
    const id = computeMemberId(peerUrls, token, undefined, sha1);
    return { id, name, peerUrls, isLearner: false, clientUrls: [] };
  });
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  const ids = members.map(({ id }) => id);
  return { clusterId: computeClusterId(ids, sha1), members };
}

/** The term of the first entries, before anybody was elected. */
export const FOUNDING_TERM = 1;

/**
 * One configuration change for each member, from index 1 on; `members` are sorted by id, so that every member
 * founds the same log.
 *
 * Source: etcd server/etcdserver/raft.go (startNode), raft/bootstrap.go.
 */
export function foundingEntries(members: readonly MemberInfo[]): Entry[] {
  return members.map((member, at) => {
    const change = {
      id: 0n,
      type: ConfChangeType.ConfChangeAddNode,
      nodeId: member.id,
      context: bytesFromUtf8(encodeMember(member)),
    };
    const data = encodeConfChange(change);
    return { type: EntryType.EntryConfChange, term: FOUNDING_TERM, index: at + 1, data };
  });
}
