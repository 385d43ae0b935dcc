/**
 * Scripts for quorums: `committed cfg=(1,2) cfgj=(2,3) idx=(5,_,7)` prints the committed index, `vote
 * cfg=(1,2) votes=(y,_)` the result of a vote. Values are given in the order in which voters first
 * appear; `_` is a voter never heard of; `cfgj=zero` is an empty second half.
 *
 * Other ways to compute the same are tried along, and a difference is printed.
 */
import type { NodeId } from "../../src/raft/node-id.ts";
import { jointCommittedIndex, jointVoteResult, jointVoters } from "../../src/raft/quorum/joint.ts";
import type { JointConfig } from "../../src/raft/quorum/joint.ts";
import { majorityCommittedIndex } from "../../src/raft/quorum/majority.ts";
import type { AckedIndexer } from "../../src/raft/quorum/majority.ts";
import type { Directive } from "./datadriven.ts";
import {
  describeIndex,
  describeVoteResult,
  pictureJoint,
  pictureMajority,
} from "./raft-quorum-picture.ts";

/** What is known of the voters: an index, or 2 and 1 for votes; unheard voters are not in it. */
type Known = ReadonlyMap<NodeId, number>;

const VOTES: ReadonlyMap<string, number> = new Map([
  ["y", 2],
  ["n", 1],
  ["_", 0],
]);

/** Answers a directive; such scripts have no state. */
export function answerQuorumDirective(directive: Directive): string {
  const values = (key: string): readonly string[] =>
    directive.args.filter((argument) => argument.key === key).flatMap(({ values }) => values);
  const incoming = values("cfg").map(BigInt);
  const isJoint = directive.args.some((argument) => argument.key === "cfgj");
  const outgoing = values("cfgj")
    .filter((value) => value !== "zero")
    .map(BigInt);
  const config = { incoming: new Set(incoming), outgoing: new Set(outgoing) };
  const isVote = directive.command === "vote";
  const given = isVote ? values("votes").map(parseVote) : values("idx").map(parseIndex);
  const voters = jointVoters(config);
  if (voters.size !== given.length) {
    const ids = Array.from(voters, (id) => `${id}:{}`).join(" ");
    return `error: mismatched input (explicit or _) for voters map[${ids}]: [${given.join(" ")}]`;
  }
  const known = new Map([...voters].map((id, i) => [id, given[i]] as const));
  for (const [id, value] of known) if (value === 0) known.delete(id);
  if (isVote) return voteOutput(config, known, isJoint);
  if (directive.command !== "committed") throw new Error(`Cannot do ${directive.command}`);
  return isJoint ? jointOutput(config, known) : majorityOutput(config.incoming, known);
}

function parseVote(text: string): number {
  const vote = VOTES.get(text);
  if (vote === undefined) throw new Error(`Cannot read vote ${text}`);
  return vote;
}

function parseIndex(text: string): number {
  if (text === "_") return 0;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`Cannot read index ${text}`);
  return Number(text);
}

function indexer(known: Known): AckedIndexer {
  return { ackedIndex: (voter) => known.get(voter) };
}

function majorityOutput(voters: ReadonlySet<NodeId>, known: Known): string {
  const acked = indexer(known);
  const index = majorityCommittedIndex(voters, acked);
  let text = pictureMajority(voters, acked);
  const differs = (other: number, how: string): void => {
    if (other !== index) text += `${describeIndex(other)} <-- ${how}\n`;
  };
  const none: ReadonlySet<NodeId> = new Set();
  differs(naiveCommittedIndex(voters, known), "via alternative computation");
  differs(
    jointCommittedIndex({ incoming: voters, outgoing: none }, acked),
    "via zero-joint quorum",
  );
  differs(
    jointCommittedIndex({ incoming: voters, outgoing: voters }, acked),
    "via self-joint quorum",
  );
  for (const [id, own] of known) {
    if (index <= own) continue;
    // The committed index lies above this voter's, so it does not depend on it.
    for (const lower of [own - 1, 0]) {
      const overlaid = indexer(new Map([...known, [id, lower]]));
      differs(majorityCommittedIndex(voters, overlaid), `overlaying ${id}->${lower}`);
    }
  }
  return `${text}${describeIndex(index)}\n`;
}

function jointOutput(config: JointConfig, known: Known): string {
  const acked = indexer(known);
  const index = jointCommittedIndex(config, acked);
  let text = pictureJoint(config, acked);
  const swapped = { incoming: config.outgoing, outgoing: config.incoming };
  const other = jointCommittedIndex(swapped, acked);
  if (other !== index) text += `${describeIndex(other)} <-- via symmetry\n`;
  return `${text}${describeIndex(index)}\n`;
}

function voteOutput(config: JointConfig, known: Known, isJoint: boolean): string {
  const votes = new Map(Array.from(known, ([id, vote]) => [id, vote === 2] as const));
  const result = jointVoteResult(config, votes);
  let text = "";
  if (isJoint) {
    const other = jointVoteResult({ incoming: config.outgoing, outgoing: config.incoming }, votes);
    if (other !== result) text += `${describeVoteResult(other)} <-- via symmetry\n`;
  }
  return `${text}${describeVoteResult(result)}\n`;
}

/** The highest index that more than half of the voters have reached, found by counting. */
export function naiveCommittedIndex(voters: ReadonlySet<NodeId>, known: Known): number {
  if (voters.size === 0) return Number.POSITIVE_INFINITY;
  let best = 0;
  for (const candidate of known.values()) {
    let count = 0;
    for (const voter of voters) if ((known.get(voter) ?? 0) >= candidate) count++;
    if (count * 2 > voters.size) best = Math.max(best, candidate);
  }
  return best;
}
