/**
 * Majority quorums: which index a set of voters has committed, and how a vote among them stands.
 *
 * A voter without an entry in the given map has not been heard of. The empty set is the neutral element
 * of joining: it commits everything and wins every vote, so a joint configuration with one empty half
 * behaves like the other half.
 *
 * Source: etcd-io/raft quorum/majority.go; Raft thesis section 3.6 (commitment), 3.4 (election).
 */
import type { NodeId } from "../node-id.ts";
import type { VoteResult } from "./vote-result.ts";

/** A set of voters, of which more than half decide. */
export type MajorityConfig = ReadonlySet<NodeId>;

/** Tells the highest index that a voter has acknowledged, `undefined` when it was never heard of. */
export interface AckedIndexer {
  ackedIndex(voter: NodeId): number | undefined;
}

/** The least number of voters that is more than half of `voters`. */
export function majoritySize(voters: MajorityConfig): number {
  return Math.floor(voters.size / 2) + 1;
}

/**
 * The highest index that a majority of `voters` has acknowledged; `Infinity` for no voters at all.
 * O(n log n) at worst in the number of voters, which is small.
 */
export function majorityCommittedIndex(voters: MajorityConfig, acked: AckedIndexer): number {
  const count = voters.size;
  if (count === 0) return Number.POSITIVE_INFINITY;
  const indexes: number[] = [];
  for (const voter of voters) insertDescending(indexes, acked.ackedIndex(voter) ?? 0);
  return indexes[majoritySize(voters) - 1];
}

/** Keeps `indexes` sorted from high to low: cheaper than a sort for the handful of voters there are. */
function insertDescending(indexes: number[], index: number): void {
  let at = indexes.length;
  indexes.push(index);
  while (at > 0 && indexes[at - 1] < index) {
    indexes[at] = indexes[at - 1];
    at--;
  }
  indexes[at] = index;
}

/** How the vote stands; `votes` maps the voters that answered to whether they said yes. */
export function majorityVoteResult(
  voters: MajorityConfig,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  if (voters.size === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const quorum = majoritySize(voters);
  if (granted >= quorum) return "won";
  return granted + missing >= quorum ? "pending" : "lost";
}
