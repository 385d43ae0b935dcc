/**
 * Quorums drawn for people: one bar per voter, which shows at a glance which index is committed.
 *
 * Source: etcd-io/raft quorum (Describe), whose scripts contain these pictures.
 */
import { compareIds, formatId } from "../../src/raft/node-id.ts";
import { jointVoters } from "../../src/raft/quorum/joint.ts";
import type { JointConfig } from "../../src/raft/quorum/joint.ts";
import type { AckedIndexer, MajorityConfig } from "../../src/raft/quorum/majority.ts";
import type { VoteResult } from "../../src/raft/quorum/vote-result.ts";

/** Width of the index column. */
const INDEX_COLUMNS = 5;

/** An index, or the sign for "everything" that an empty quorum commits. */
export function describeIndex(index: number): string {
  return index === Number.POSITIVE_INFINITY ? "∞" : String(index);
}

const VOTE_RESULT_NAMES: Readonly<Record<VoteResult, string>> = {
  pending: "VotePending",
  lost: "VoteLost",
  won: "VoteWon",
};

/** The protocol's name of a vote result. */
export function describeVoteResult(result: VoteResult): string {
  return VOTE_RESULT_NAMES[result];
}

/** The picture of a joint quorum: one line per voter of either half. */
export function pictureJoint(config: JointConfig, acked: AckedIndexer): string {
  return pictureMajority(jointVoters(config), acked);
}

/**
 * The picture of a majority quorum: one line per voter in order of ids. A voter that is ahead of n
 * others has a bar of length n; a voter never heard of has a question mark.
 */
export function pictureMajority(voters: MajorityConfig, acked: AckedIndexer): string {
  if (voters.size === 0) return "<empty majority quorum>";
  const rows = Array.from(voters, (id) => {
    const index = acked.ackedIndex(id);
    return { id, index: index ?? 0, known: index !== undefined, bar: 0 };
  });
  rows.sort((a, b) => a.index - b.index || compareIds(a.id, b.id));
  for (let i = 1; i < rows.length; i++) {
    rows[i].bar = rows[i - 1].index < rows[i].index ? i : rows[i - 1].bar;
  }
  rows.sort((a, b) => compareIds(a.id, b.id));
  const width = rows.length;
  let text = `${" ".repeat(width)}    idx\n`;
  for (const row of rows) {
    const bar = row.known
      ? `${"x".repeat(row.bar)}>${" ".repeat(width - row.bar)}`
      : `?${" ".repeat(width)}`;
    text += `${bar} ${String(row.index).padStart(INDEX_COLUMNS)}    (id=${formatId(row.id)})\n`;
  }
  return text;
}
