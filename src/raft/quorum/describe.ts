/**
 * Text forms of quorums: the configuration line of logs, and the picture with one bar per voter that
 * shows at a glance which index is committed.
 */
import { compareIds, formatId, sortedIds } from "../node-id.ts";
import type { NodeId } from "../node-id.ts";
import { jointVoters } from "./joint.ts";
import type { JointConfig } from "./joint.ts";
import type { AckedIndexer, MajorityConfig } from "./majority.ts";
import type { VoteResult } from "./vote-result.ts";

/** Width of the index column of the picture. */
const INDEX_COLUMNS = 5;

/** Ids in parentheses, ascending: `(1 2 3)`. */
export function describeMajority(voters: Iterable<NodeId>): string {
  return `(${sortedIds(voters).map(formatId).join(" ")})`;
}

/** One half, or two joined by `&&`. */
export function describeJoint(config: JointConfig): string {
  const incoming = describeMajority(config.incoming);
  return config.outgoing.size > 0 ? `${incoming}&&${describeMajority(config.outgoing)}` : incoming;
}

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
