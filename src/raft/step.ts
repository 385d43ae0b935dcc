/**
 * The entry of every message: compare terms first, then do what the role says.
 *
 * Source: etcd-io/raft raft.go (Step); Raft thesis section 3.3 (terms).
 */
import { unreachable } from "../stdx/assert.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import {
  handleOutdatedStorageAppended,
  handleStorageAppended,
  handleStorageApplied,
} from "./applied.ts";
import { stepCandidate } from "./candidate.ts";
import { describeMessageType } from "./describe.ts";
import { handleVoteRequest, ignoresVoteRequest, rejectVoteRequest } from "./election.ts";
import type { RaftError } from "./errors.ts";
import { stepFollower } from "./follower.ts";
import { stepLeader } from "./leader.ts";
import { newMessage } from "./message.ts";
import { NONE, formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { send } from "./send.ts";
import { becomeFollower } from "./transitions.ts";

/** Handles a message; keeps it. Messages without a term are local, or for whoever leads. */
export function step(raft: Raft, message: Message): RaftError | undefined {
  if (message.term > raft.term) {
    if (isVoteRequest(message.type) && ignoresVoteRequest(raft, message)) return undefined;
    adoptTerm(raft, message);
  } else if (message.term !== 0 && message.term < raft.term) {
    answerOutdated(raft, message);
    return undefined;
  }
  switch (message.type) {
    case MessageType.MsgVote:
    case MessageType.MsgPreVote:
      handleVoteRequest(raft, message);
      return undefined;
    case MessageType.MsgStorageAppendResp:
      handleStorageAppended(raft, message);
      return undefined;
    case MessageType.MsgStorageApplyResp:
      handleStorageApplied(raft, message);
      return undefined;
    default:
      return stepRole(raft, message);
  }
}

function stepRole(raft: Raft, message: Message): RaftError | undefined {
  switch (raft.role) {
    case "leader":
      return stepLeader(raft, message);
    case "follower":
      return stepFollower(raft, message);
    case "candidate":
    case "preCandidate":
      return stepCandidate(raft, message);
    default:
      return unreachable(raft.role);
  }
}

function isVoteRequest(type: MessageType): boolean {
  return type === MessageType.MsgVote || type === MessageType.MsgPreVote;
}

/**
 * Moves on to the higher term of a message. Pre-votes do not count: a request names a term nobody is in
 * yet, and a granted one answers ours. A refused one carries the real term of the node that refused.
 */
function adoptTerm(raft: Raft, message: Message): void {
  const { type } = message;
  if (type === MessageType.MsgPreVote) return;
  if (type === MessageType.MsgPreVoteResp && !message.reject) return;
  raft.info(
    () =>
      `${formatId(raft.id)} [term: ${raft.term}] received a ${describeMessageType(type)} ` +
      `message with higher term from ${formatId(message.from)} [term: ${message.term}]`,
  );
  const fromLeader =
    type === MessageType.MsgApp ||
    type === MessageType.MsgHeartbeat ||
    type === MessageType.MsgSnap;
  becomeFollower(raft, message.term, fromLeader ? message.from : NONE);
}

/** Handles a message of an earlier term. */
function answerOutdated(raft: Raft, message: Message): void {
  const { type } = message;
  const fromLeader = type === MessageType.MsgHeartbeat || type === MessageType.MsgApp;
  if (fromLeader && (raft.config.checkQuorum || raft.config.preVote)) {
    // With these options a node whose term ran ahead while it was cut off cannot make others follow
    // by asking for votes: they ignore it while they have a leader. An answer to that leader, in the
    // higher term, makes it step down, and the group elects anew with everyone in it.
    send(raft, newMessage(MessageType.MsgAppResp, message.from));
  } else if (type === MessageType.MsgPreVote) {
    // Ignored, it could block elections for good: a candidate with a higher term and a shorter log may
    // stem from before pre-votes were switched on.
    rejectVoteRequest(raft, message);
  } else if (type === MessageType.MsgStorageAppendResp) {
    handleOutdatedStorageAppended(raft, message);
  } else {
    raft.info(
      () =>
        `${formatId(raft.id)} [term: ${raft.term}] ignored a ${describeMessageType(type)} ` +
        `message with lower term from ${formatId(message.from)} [term: ${message.term}]`,
    );
  }
}
