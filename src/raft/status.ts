/** What a node tells about itself, for people and for the shell around it. */
import type { HardState } from "../wire/gen/raft.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft, SoftState } from "./raft.ts";
import { cloneConfiguration } from "./tracker/configuration.ts";
import type { Configuration } from "./tracker/configuration.ts";
import type { Progress } from "./tracker/progress.ts";
import type { ProgressMap } from "./tracker/progress-tracker.ts";

export interface BasicStatus extends HardState, SoftState {
  readonly id: NodeId;
  /** Index up to which the state machine is known to be applied. */
  readonly applied: number;
  /** `NONE` when no transfer is under way. */
  readonly leadTransferee: NodeId;
}

export interface Status extends BasicStatus {
  readonly config: Configuration;
  /** Empty unless this node leads. */
  readonly progress: ProgressMap;
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
  const progress = new Map<NodeId, Progress>();
  if (raft.role === "leader") {
    for (const [id, each] of raft.tracker.progress) progress.set(id, each.clone());
  }
  return {
    ...basicStatusOf(raft),
    config: cloneConfiguration(raft.tracker.config),
    progress,
  };
}
