/**
 * Making messages and telling their kinds apart. What each type means and which fields it uses is in
 * docs/internals/raft.md.
 *
 * Source: etcd-io/raft util.go.
 */
import { assert } from "../stdx/assert.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { NONE } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";

/** A message with nothing but a type and a target. One shape for all of them keeps the engine fast. */
export function newMessage(type: MessageType, to: NodeId): Message {
  return {
    type,
    to,
    from: NONE,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: undefined,
    vote: undefined,
    responses: [],
  };
}

/** Reports whether only a node itself, or its local storage, makes messages of this type. */
export function isLocalMessage(type: MessageType): boolean {
  switch (type) {
    case MessageType.MsgHup:
    case MessageType.MsgBeat:
    case MessageType.MsgUnreachable:
    case MessageType.MsgSnapStatus:
    case MessageType.MsgCheckQuorum:
    case MessageType.MsgStorageAppend:
    case MessageType.MsgStorageAppendResp:
    case MessageType.MsgStorageApply:
    case MessageType.MsgStorageApplyResp:
      return true;
    default:
      return false;
  }
}

/** Reports whether the type answers another message, so that its sender must be known. */
export function isResponseMessage(type: MessageType): boolean {
  switch (type) {
    case MessageType.MsgAppResp:
    case MessageType.MsgVoteResp:
    case MessageType.MsgHeartbeatResp:
    case MessageType.MsgUnreachable:
    case MessageType.MsgReadIndexResp:
    case MessageType.MsgPreVoteResp:
    case MessageType.MsgStorageAppendResp:
    case MessageType.MsgStorageApplyResp:
      return true;
    default:
      return false;
  }
}

/** Reports whether the type asks for or gives a vote, of either round. Its term is set by the sender. */
export function isVoteMessage(type: MessageType): boolean {
  return (
    type === MessageType.MsgVote ||
    type === MessageType.MsgVoteResp ||
    type === MessageType.MsgPreVote ||
    type === MessageType.MsgPreVoteResp
  );
}

/**
 * Reports whether the message promises something that must be durable first: a vote, or entries stored.
 * Raft thesis section 3.8.
 */
export function promisesDurability(type: MessageType): boolean {
  return (
    type === MessageType.MsgAppResp ||
    type === MessageType.MsgVoteResp ||
    type === MessageType.MsgPreVoteResp
  );
}

/** The type that answers a vote request. */
export function voteResponseType(type: MessageType): MessageType {
  assert(
    type === MessageType.MsgVote || type === MessageType.MsgPreVote,
    "Cannot answer a message that is no vote request with a vote",
  );
  return type === MessageType.MsgVote ? MessageType.MsgVoteResp : MessageType.MsgPreVoteResp;
}
