/**
 * Joint quorums: during a membership change two majorities must agree, the one of the incoming voters
 * and the one of the outgoing voters. Outside a change the outgoing half is empty.
 *
 * Source: etcd-io/raft quorum/joint.go; Raft thesis section 4.3 (joint consensus).
 */
import type { NodeId } from "../node-id.ts";
import { majorityCommittedIndex, majorityVoteResult } from "./majority.ts";
import type { AckedIndexer, MajorityConfig } from "./majority.ts";
import type { VoteResult } from "./vote-result.ts";

/** Two sets of voters, each of which must have a majority. */
export interface JointConfig {
  /** The voters, or those of the new half during a joint change. */
  readonly incoming: MajorityConfig;
  /** Empty unless a joint change is under way. */
  readonly outgoing: MajorityConfig;
}

/** All voters of both halves, in a fresh set. */
export function jointVoters(config: JointConfig): Set<NodeId> {
  return new Set([...config.incoming, ...config.outgoing]);
}

/** Reports whether `id` votes in either half. */
export function isJointVoter(config: JointConfig, id: NodeId): boolean {
  return config.incoming.has(id) || config.outgoing.has(id);
}

/** The highest index that both halves have committed; `Infinity` when both are empty. */
export function jointCommittedIndex(config: JointConfig, acked: AckedIndexer): number {
  const incoming = majorityCommittedIndex(config.incoming, acked);
  if (config.outgoing.size === 0) return incoming;
  return Math.min(incoming, majorityCommittedIndex(config.outgoing, acked));
}

/** How a vote among both halves stands: lost when either half lost, won when both won. */
export function jointVoteResult(
  config: JointConfig,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  const incoming = majorityVoteResult(config.incoming, votes);
  const outgoing = majorityVoteResult(config.outgoing, votes);
  if (incoming === outgoing) return incoming;
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return "pending";
}
