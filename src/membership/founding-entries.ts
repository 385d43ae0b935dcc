/** The first entries of the log of a cluster: they make its founding members voters. */
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { ConfChangeType, encodeConfChange, type Entry, EntryType } from "../wire/gen/raft.ts";
import { encodeMember, type MemberInfo } from "./member-info.ts";

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
