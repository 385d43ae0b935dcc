/** What a node tells about itself, for people and for the shell around it. */
import type { HardState } from "../wire/gen/raft.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft, SoftState } from "./raft.ts";
import { cloneConfiguration } from "./tracker/configuration.ts";
import type { Configuration } from "./tracker/configuration.ts";
import type { MemberProgress } from "./tracker/progress.ts";

/** The state of a node, at a moment. */
export interface BasicStatus extends HardState, SoftState {
  /** Of this node. */
  readonly id: NodeId;
  /** Index up to which the state machine is known to be applied. */
  readonly applied: number;
  /** Who is to lead next; `NONE` when no transfer is under way. */
  readonly leadTransferee: NodeId;
}

/** The state of a node and of its group. */
export interface Status extends BasicStatus {
  /** Who votes and who learns. */
  readonly config: Configuration;
  /** Of all members, in ascending order of ids; empty unless this node leads. */
  readonly progress: ReadonlyMap<NodeId, MemberProgress>;
}

export function basicStatusOf(raft: Raft): BasicStatus {
  return {
    id: raft.id,
    term: raft.term,
    vote: raft.vote,
    commit: raft.raftLog.committed,
    lead: raft.lead,
    role: raft.role,
    applied: raft.raftLog.applied,
    leadTransferee: raft.leadTransferee,
  };
}

export function statusOf(raft: Raft): Status {
  const progress = new Map<NodeId, MemberProgress>();
  if (raft.role === "leader") {
    for (const [id, each] of raft.tracker.progress) progress.set(id, each.clone());
  }
  return {
    ...basicStatusOf(raft),
    config: cloneConfiguration(raft.tracker.config),
    progress,
  };
}
