/**
 * Founding a group: every founding member writes the same first entries, so they agree without voting.
 *
 * Source: etcd-io/raft bootstrap.go.
 */
import { assert } from "../stdx/assert.ts";
import { ConfChangeType } from "../wire/gen/raft.ts";
import type { ConfChange, Entry } from "../wire/gen/raft.ts";
import { confChangeAsV2, confChangeEntry } from "./confchange/conf-change.ts";
import { NONE } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { applyConfChange } from "./reconfigure.ts";
import { becomeFollower } from "./transitions.ts";

/** A founding member. */
export interface Peer {
  /** Not `NONE`, and no local target. */
  readonly id: NodeId;
  /** Goes into the configuration change that adds the member, for whoever applies it. */
  readonly context: Uint8Array | undefined;
}

/** Term of the entries that found a group. */
const BOOTSTRAP_TERM = 1;

export function bootstrap(raft: Raft, peers: readonly Peer[]): void {
  assert(peers.length > 0, "Cannot bootstrap without peers");
  assert(raft.raftLog.lastIndex() === 0, "Cannot bootstrap a nonempty storage");
  becomeFollower(raft, BOOTSTRAP_TERM, NONE);
  const changes = peers.map(addNode);
  const entries = changes.map((change, i) => foundingEntry(change, i + 1));
  raft.raftLog.append(entries);
  raft.raftLog.commitTo(entries.length);
  // In use from now on, so that the node can stand for election; they will be applied a second time,
  // which changes nothing, when the caller meets their entries.
  for (const change of changes) applyConfChange(raft, confChangeAsV2(change));
}

function addNode({ id, context }: Peer): ConfChange {
  return { id: 0n, type: ConfChangeType.ConfChangeAddNode, nodeId: id, context };
}

function foundingEntry(change: ConfChange, index: number): Entry {
  const entry = confChangeEntry(change);
  entry.term = BOOTSTRAP_TERM;
  entry.index = index;
  return entry;
}
