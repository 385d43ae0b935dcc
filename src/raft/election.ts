/**
 * Elections: starting one, and answering the vote requests of others.
 *
 * Source: etcd-io/raft raft.go (hup, campaign, poll, Step); Raft thesis sections 3.4, 3.6.1, 3.10, 9.6.
 */
import { assert } from "../stdx/assert.ts";
import { bytesFromUtf8, equalBytes } from "../stdx/bytes.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { isConfChangeEntry } from "./confchange/conf-change.ts";
import { describeMessageType } from "./describe.ts";
import { RaftError } from "./errors.ts";
import { fatal } from "./fatal.ts";
import { newMessage, voteResponseType } from "./message.ts";
import { NONE, formatId, sortedIds } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import { jointVoters } from "./quorum/joint.ts";
import type { Raft } from "./raft.ts";
import { send } from "./send.ts";
import { becomeCandidate, becomePreCandidate } from "./transitions.ts";

/**
 * Why an election is held: `pre` asks first whether it could be won, `regular` is the election itself,
 * `transfer` was ordered by the leader, so voters ignore that they heard from it just now.
 */
export type CampaignKind = "pre" | "regular" | "transfer";

/** Marks the vote requests of a transfer. The text is part of the protocol. */
const TRANSFER_CONTEXT = bytesFromUtf8("CampaignTransfer");

/** Starts an election, if this node may and is not leading. */
export function startElection(raft: Raft, kind: CampaignKind): void {
  const id = formatId(raft.id);
  if (raft.role === "leader") {
    raft.debug(() => `${id} ignoring MsgHup because already leader`);
    return;
  }
  if (!raft.isPromotable()) {
    raft.warn(() => `${id} is unpromotable and can not campaign`);
    return;
  }
  if (hasUnappliedConfChange(raft)) {
    raft.warn(
      () =>
        `${id} cannot campaign at term ${raft.term} ` +
        "since there are still pending configuration changes to apply",
    );
    return;
  }
  raft.info(() => `${id} is starting a new election at term ${raft.term}`);
  campaign(raft, kind);
}

/** Looks for a configuration change among the entries that are committed and not applied, in pages. */
function hasUnappliedConfChange(raft: Raft): boolean {
  const { raftLog } = raft;
  const end = raftLog.committed + 1;
  let from = raftLog.applied + 1;
  while (from < end) {
    const page = raftLog.slice(from, end, raft.config.applyingBytesMax);
    if (page instanceof RaftError) {
      return fatal(raft.log, `error scanning unapplied entries [${from}, ${end}): ${page.message}`);
    }
    if (page.some(isConfChangeEntry)) return true;
    assert(page.length > 0, "Cannot scan a log that returns no entries");
    from += page.length;
  }
  return false;
}

/** Becomes a candidate of either round and asks all voters. */
export function campaign(raft: Raft, kind: CampaignKind): void {
  // A pre-vote can be won by who was made a learner meanwhile: who votes for it knows better than it does.
  if (!raft.isPromotable()) {
    raft.warn(() => `${formatId(raft.id)} is unpromotable; campaign() should have been called`);
  }
  let type: MessageType = MessageType.MsgVote;
  if (kind === "pre") {
    becomePreCandidate(raft);
    type = MessageType.MsgPreVote;
  } else {
    becomeCandidate(raft);
  }
  // The first round asks about the term that the second would have.
  const term = kind === "pre" ? raft.term + 1 : raft.term;
  for (const to of sortedIds(jointVoters(raft.tracker.config))) {
    if (to === raft.id) {
      // The own vote counts when it is durable, like any other.
      const vote = newMessage(voteResponseType(type), to);
      vote.term = term;
      send(raft, vote);
    } else {
      requestVote(raft, to, type, term, kind);
    }
  }
}

function requestVote(
  raft: Raft,
  to: NodeId,
  type: MessageType,
  term: number,
  kind: CampaignKind,
): void {
  raft.info(
    () =>
      `${formatId(raft.id)} [${raft.describeLastEntry()}] sent ${describeMessageType(type)} ` +
      `request to ${formatId(to)} at term ${raft.term}`,
  );
  const request = newMessage(type, to);
  request.term = term;
  request.index = raft.raftLog.lastIndex();
  request.logTerm = raft.raftLog.lastTerm();
  if (kind === "transfer") request.context = TRANSFER_CONTEXT;
  send(raft, request);
}

/**
 * Reports whether a vote request with a higher term is to be ignored because this node hears from a
 * leader: a node that was cut off cannot depose it then. Raft thesis section 4.2.3 and 6.4.1.
 */
export function ignoresVoteRequest(raft: Raft, message: Message): boolean {
  const { checkQuorum, electionTicks } = raft.config;
  const forced = message.context !== undefined && equalBytes(message.context, TRANSFER_CONTEXT);
  const inLease = checkQuorum && raft.lead !== NONE && raft.electionElapsed < electionTicks;
  if (forced || !inLease) return false;
  raft.info(
    () =>
      `${describeVoter(raft)} ignored ${describeRequest(message)} at term ${raft.term}: ` +
      `lease is not expired (remaining ticks: ${electionTicks - raft.electionElapsed})`,
  );
  return true;
}

/**
 * Answers a vote request of this node's term, or a pre-vote request for a later one. Learners vote too:
 * one may have been made a voter and not know it yet, and its vote may be needed.
 */
export function handleVoteRequest(raft: Raft, message: Message): void {
  const isPreVote = message.type === MessageType.MsgPreVote;
  const canVote =
    raft.vote === message.from ||
    (raft.vote === NONE && raft.lead === NONE) ||
    (isPreVote && message.term > raft.term);
  if (!canVote || !raft.raftLog.isUpToDate(message.index, message.logTerm)) {
    rejectVoteRequest(raft, message);
    return;
  }
  raft.info(
    () =>
      `${describeVoter(raft)} cast ${describeMessageType(message.type)} for ` +
      `${formatId(message.from)} ${describeCandidateLog(message)} at term ${raft.term}`,
  );
  // A granted pre-vote carries the term of the request: with ours, a node that was cut off and fell
  // behind would have the answer ignored as outdated.
  const response = newMessage(voteResponseType(message.type), message.from);
  response.term = message.term;
  send(raft, response);
  if (!isPreVote) {
    raft.electionElapsed = 0;
    raft.vote = message.from;
  }
}

/** Refuses a vote, with this node's own term so that an outdated candidate catches up. */
export function rejectVoteRequest(raft: Raft, message: Message): void {
  raft.info(
    () => `${describeVoter(raft)} rejected ${describeRequest(message)} at term ${raft.term}`,
  );
  const response = newMessage(voteResponseType(message.type), message.from);
  response.term = raft.term;
  response.reject = true;
  send(raft, response);
}

function describeVoter(raft: Raft): string {
  return `${formatId(raft.id)} [${raft.describeLastEntry()}, vote: ${formatId(raft.vote)}]`;
}

function describeRequest(message: Message): string {
  const type = describeMessageType(message.type);
  return `${type} from ${formatId(message.from)} ${describeCandidateLog(message)}`;
}

function describeCandidateLog(message: Message): string {
  return `[logterm: ${message.logTerm}, index: ${message.index}]`;
}
