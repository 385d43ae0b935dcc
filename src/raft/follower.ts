/**
 * What a follower does with messages: take the leader's entries, pass requests on to it.
 *
 * Source: etcd-io/raft raft.go (stepFollower, handleAppendEntries, handleHeartbeat); Raft thesis 3.5.
 */
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { startElection } from "./election.ts";
import { RaftErrors } from "./errors.ts";
import type { RaftError } from "./errors.ts";
import { newMessage } from "./message.ts";
import { NONE, formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { handleSnapshot } from "./restore-snapshot.ts";
import { forwardToLeader, send, sendAppendResponse } from "./send.ts";

export function stepFollower(raft: Raft, message: Message): RaftError | undefined {
  switch (message.type) {
    case MessageType.MsgProp:
      return forwardProposal(raft, message);
    case MessageType.MsgApp:
      hearLeader(raft, message);
      handleAppend(raft, message);
      return undefined;
    case MessageType.MsgHeartbeat:
      hearLeader(raft, message);
      handleHeartbeat(raft, message);
      return undefined;
    case MessageType.MsgSnap:
      hearLeader(raft, message);
      handleSnapshot(raft, message);
      return undefined;
    case MessageType.MsgTransferLeader:
      forwardOrDrop(raft, message, "leader transfer msg");
      return undefined;
    case MessageType.MsgForgetLeader:
      forgetLeader(raft);
      return undefined;
    case MessageType.MsgTimeoutNow:
      raft.info(
        () =>
          `${formatId(raft.id)} [term ${raft.term}] received MsgTimeoutNow from ` +
          `${formatId(message.from)} and starts an election to get leadership.`,
      );
      // No pre-vote: the leader asked for this, so this node was not cut off.
      startElection(raft, "transfer");
      return undefined;
    case MessageType.MsgReadIndex:
      forwardOrDrop(raft, message, "index reading msg");
      return undefined;
    case MessageType.MsgReadIndexResp:
      takeReadIndex(raft, message);
      return undefined;
    default:
      return undefined;
  }
}

function hearLeader(raft: Raft, message: Message): void {
  raft.electionElapsed = 0;
  raft.lead = message.from;
}

function forwardProposal(raft: Raft, message: Message): RaftError | undefined {
  if (raft.lead === NONE) {
    raft.info(() => `${formatId(raft.id)} no leader at term ${raft.term}; dropping proposal`);
    return RaftErrors.ProposalDropped;
  }
  if (raft.config.disableProposalForwarding) {
    raft.info(
      () =>
        `${formatId(raft.id)} not forwarding to leader ${formatId(raft.lead)} ` +
        `at term ${raft.term}; dropping proposal`,
    );
    return RaftErrors.ProposalDropped;
  }
  forwardToLeader(raft, message);
  return undefined;
}

function forwardOrDrop(raft: Raft, message: Message, what: string): void {
  if (raft.lead === NONE) {
    raft.info(() => `${formatId(raft.id)} no leader at term ${raft.term}; dropping ${what}`);
    return;
  }
  forwardToLeader(raft, message);
}

function forgetLeader(raft: Raft): void {
  if (raft.config.readMode === "leaseBased") {
    raft.log.error("ignoring MsgForgetLeader due to ReadOnlyLeaseBased");
    return;
  }
  if (raft.lead === NONE) return;
  raft.info(
    () => `${formatId(raft.id)} forgetting leader ${formatId(raft.lead)} at term ${raft.term}`,
  );
  raft.lead = NONE;
}

function takeReadIndex(raft: Raft, message: Message): void {
  if (message.entries.length !== 1) {
    raft.log.error(
      `${formatId(raft.id)} invalid format of MsgReadIndexResp from ${formatId(message.from)}, ` +
        `entries count: ${message.entries.length}`,
    );
    return;
  }
  const context = message.entries[0].data ?? EMPTY_BYTES;
  raft.readStates.push({ index: message.index, context });
}

/** Takes entries of the leader of this term, and answers how far the logs now match. */
export function handleAppend(raft: Raft, message: Message): void {
  const { raftLog } = raft;
  if (message.index < raftLog.committed) {
    sendAppendResponse(raft, message.from, raftLog.committed);
    return;
  }
  const last = raftLog.maybeAppend(message.index, message.logTerm, message.entries, message.commit);
  if (last !== undefined) {
    sendAppendResponse(raft, message.from, last);
    return;
  }
  rejectAppend(raft, message);
}

/**
 * Refuses entries that do not fit behind this log, with a hint for the leader's next try: the last entry
 * here, not behind the one the leader named, whose term is not above the leader's at that place. All
 * entries of higher terms are certain not to match, so whole terms are skipped at once.
 */
function rejectAppend(raft: Raft, message: Message): void {
  const { raftLog } = raft;
  raft.debug(
    () =>
      `${formatId(raft.id)} [logterm: ${raftLog.termOrZero(message.index)}, ` +
      `index: ${message.index}] rejected MsgApp [logterm: ${message.logTerm}, ` +
      `index: ${message.index}] from ${formatId(message.from)}`,
  );
  const guess = raftLog.findConflictByTerm(
    Math.min(message.index, raftLog.lastIndex()),
    message.logTerm,
  );
  const response = newMessage(MessageType.MsgAppResp, message.from);
  response.index = message.index;
  response.reject = true;
  response.rejectHint = guess.index;
  response.logTerm = guess.term;
  send(raft, response);
}

/** Takes the leader's commit index, and hands its read context back. */
export function handleHeartbeat(raft: Raft, message: Message): void {
  raft.raftLog.commitTo(message.commit);
  const response = newMessage(MessageType.MsgHeartbeatResp, message.from);
  response.context = message.context;
  send(raft, response);
}
