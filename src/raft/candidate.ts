/**
 * What candidates of both rounds do with messages: count votes, and give up to a leader of their term.
 *
 * Source: etcd-io/raft raft.go (stepCandidate); Raft thesis section 3.4.
 */
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { describeMessageType, describeRole } from "./describe.ts";
import { campaign } from "./election.ts";
import { RaftErrors } from "./errors.ts";
import type { RaftError } from "./errors.ts";
import { handleAppend, handleHeartbeat } from "./follower.ts";
import { NONE, formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend } from "./replicate.ts";
import { handleSnapshot } from "./restore-snapshot.ts";
import { becomeFollower, becomeLeader } from "./transitions.ts";

export function stepCandidate(raft: Raft, message: Message): RaftError | undefined {
  switch (message.type) {
    case MessageType.MsgProp:
      raft.info(() => `${formatId(raft.id)} no leader at term ${raft.term}; dropping proposal`);
      return RaftErrors.ProposalDropped;
    case MessageType.MsgApp:
      becomeFollower(raft, message.term, message.from);
      handleAppend(raft, message);
      return undefined;
    case MessageType.MsgHeartbeat:
      becomeFollower(raft, message.term, message.from);
      handleHeartbeat(raft, message);
      return undefined;
    case MessageType.MsgSnap:
      becomeFollower(raft, message.term, message.from);
      handleSnapshot(raft, message);
      return undefined;
    case MessageType.MsgPreVoteResp:
    case MessageType.MsgVoteResp:
      handleVote(raft, message);
      return undefined;
    case MessageType.MsgTimeoutNow:
      raft.debug(
        () =>
          `${formatId(raft.id)} [term ${raft.term} state ${describeRole(raft.role)}] ` +
          `ignored MsgTimeoutNow from ${formatId(message.from)}`,
      );
      return undefined;
    default:
      return undefined;
  }
}

/** Counts a vote of the round that is being held; one left over from the round before is ignored. */
function handleVote(raft: Raft, message: Message): void {
  const awaited =
    raft.role === "preCandidate" ? MessageType.MsgPreVoteResp : MessageType.MsgVoteResp;
  if (message.type !== awaited) return;
  const type = describeMessageType(message.type);
  const id = formatId(raft.id);
  raft.info(
    () =>
      `${id} received ${type}${message.reject ? " rejection" : ""} ` +
      `from ${formatId(message.from)} at term ${raft.term}`,
  );
  raft.tracker.recordVote(message.from, !message.reject);
  const { granted, rejected, result } = raft.tracker.tallyVotes();
  raft.info(() => `${id} has received ${granted} ${type} votes and ${rejected} vote rejections`);
  if (result === "lost") {
    becomeFollower(raft, raft.term, NONE);
  } else if (result === "won" && raft.role === "preCandidate") {
    campaign(raft, "regular");
  } else if (result === "won") {
    becomeLeader(raft);
    broadcastAppend(raft);
  }
}
