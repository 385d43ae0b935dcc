/**
 * The entries that make a cluster of one member out of the data of one that has lost its cluster: they remove
 * everybody else.
 *
 * Source: etcd server/etcdserver/raft.go (getIDs, createConfigChangeEnts) (3.5).
 */
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import {
  type ConfState,
  ConfChangeType,
  decodeConfChange,
  encodeConfChange,
  type Entry,
  EntryType,
} from "../wire/gen/raft.ts";
import { encodeMember } from "./member-info.ts";

/** What a member is told to advertise that its log does not name. */
const UNNAMED_PEER_URL = "http://localhost:2380";

/**
 * Configuration changes that leave `self` as the only member, behind `entries`, which follow a snapshot with
 * this configuration (`undefined`: none) and end at `lastIndex`. They are of term `term`.
 *
 * Differs from etcd: learners that only the snapshot names are removed, too; there they stay members.
 */
export function standaloneEntries(
  self: bigint,
  confState: ConfState | undefined,
  entries: readonly Entry[],
  { lastIndex, term }: { readonly lastIndex: number; readonly term: number },
): Entry[] {
  const ids = idsIn(confState, entries);
  const changes: Uint8Array[] = [];
  // First of all: a group must never be without voters.
  if (!ids.includes(self)) {
    const member = {
      id: self,
      peerUrls: [UNNAMED_PEER_URL],
      isLearner: false,
      name: "",
      clientUrls: [],
    };
    const context = bytesFromUtf8(encodeMember(member));
    const type = ConfChangeType.ConfChangeAddNode;
    changes.push(encodeConfChange({ id: 0n, type, nodeId: self, context }));
  }
  for (const nodeId of ids) {
    if (nodeId === self) continue;
    const type = ConfChangeType.ConfChangeRemoveNode;
    changes.push(encodeConfChange({ id: 0n, type, nodeId, context: undefined }));
  }
  return changes.map((data, at) => {
    return { type: EntryType.EntryConfChange, term, index: lastIndex + 1 + at, data };
  });
}

/** Who is a member in the end, ascending. */
function idsIn(confState: ConfState | undefined, entries: readonly Entry[]): bigint[] {
  const { voters = [], learners = [], votersOutgoing = [], learnersNext = [] } = confState ?? {};
  const ids = new Set([...voters, ...learners, ...votersOutgoing, ...learnersNext]);
  for (const { type, data } of entries) {
    if (type !== EntryType.EntryConfChange || data === undefined) continue;
    const change = decodeConfChange(data);
    if (change.type === ConfChangeType.ConfChangeRemoveNode) ids.delete(change.nodeId);
    else if (change.type !== ConfChangeType.ConfChangeUpdateNode) ids.add(change.nodeId);
  }
  return [...ids].sort((a, b) => (a < b ? -1 : 1));
}
