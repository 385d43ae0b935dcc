/**
 * Changes of role. Every change of term goes through here, and resets what belongs to a term.
 *
 * ```
 *                  no leader heard of                    pre-vote won
 *   follower ---------------------------> preCandidate ---------------> candidate ---> leader
 *       ^  \------------------ without pre-vote, or told to take over ------^  |          |
 *       +------------------------ higher term, leader found, vote lost, quorum lost ------+
 * ```
 *
 * Source: etcd-io/raft raft.go; Raft thesis section 3.4, 9.6.
 */
import { assert } from "../stdx/assert.ts";
import { EntryType } from "../wire/gen/raft.ts";
import { appendEntries } from "./append.ts";
import { NONE, formatId } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { ReadOnly } from "./read-only.ts";
import { Inflights } from "./tracker/inflights.ts";
import { Progress } from "./tracker/progress.ts";

/** Follows `lead` (or nobody yet) in `term`. */
export function becomeFollower(raft: Raft, term: number, lead: NodeId): void {
  reset(raft, term);
  raft.lead = lead;
  raft.role = "follower";
  raft.info(() => `${formatId(raft.id)} became follower at term ${raft.term}`);
}

/** Stands for election in the next term, with its own vote. */
export function becomeCandidate(raft: Raft): void {
  assert(raft.role !== "leader", "invalid transition [leader -> candidate]");
  reset(raft, raft.term + 1);
  raft.vote = raft.id;
  raft.role = "candidate";
  raft.info(() => `${formatId(raft.id)} became candidate at term ${raft.term}`);
}

/** Asks whether it could win an election; neither term nor vote change. */
export function becomePreCandidate(raft: Raft): void {
  assert(raft.role !== "leader", "invalid transition [leader -> pre-candidate]");
  raft.tracker.resetVotes();
  raft.lead = NONE;
  raft.role = "preCandidate";
  raft.info(() => `${formatId(raft.id)} became pre-candidate at term ${raft.term}`);
}

/** Leads its term, which it opens with an empty entry: older entries commit along with it. */
export function becomeLeader(raft: Raft): void {
  assert(raft.role !== "follower", "invalid transition [follower -> leader]");
  reset(raft, raft.term);
  raft.lead = raft.id;
  raft.role = "leader";
  const own = raft.tracker.progress.get(raft.id);
  assert(own !== undefined, "Cannot lead a group without being in it");
  own.becomeReplicate();
  own.recentActive = true;
  // There may be a configuration change in the log that is not applied. Looking for it costs more than
  // waiting with the next one until all that is there has been applied.
  raft.pendingConfIndex = raft.raftLog.lastIndex();
  const opening = { type: EntryType.EntryNormal, term: 0, index: 0, data: undefined };
  assert(appendEntries(raft, [opening]), "Cannot refuse the entry that opens a term");
  raft.info(() => `${formatId(raft.id)} became leader at term ${raft.term}`);
}

/** Clears everything that belongs to a term or a role. The vote stays when the term stays. */
function reset(raft: Raft, term: number): void {
  if (raft.term !== term) {
    raft.term = term;
    raft.vote = NONE;
  }
  raft.lead = NONE;
  raft.electionElapsed = 0;
  raft.heartbeatElapsed = 0;
  const { electionTicks, random } = raft.config;
  raft.randomizedElectionTicks = electionTicks + random.below(electionTicks);
  raft.leadTransferee = NONE;
  raft.tracker.resetVotes();
  resetProgress(raft);
  raft.pendingConfIndex = 0;
  raft.uncommittedBytes = 0;
  raft.readOnly = new ReadOnly();
}

function resetProgress(raft: Raft): void {
  const { tracker } = raft;
  const lastIndex = raft.raftLog.lastIndex();
  const progress = new Map<NodeId, Progress>();
  for (const [id, { isLearner }] of tracker.progress) {
    const inflights = new Inflights(tracker.inflightMessagesMax, tracker.inflightBytesMax);
    const match = id === raft.id ? lastIndex : 0;
    const init = { match, next: lastIndex + 1, inflights, isLearner, recentActive: false };
    progress.set(id, new Progress(init));
  }
  tracker.use({ config: tracker.config, progress });
}
