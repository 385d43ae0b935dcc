/**
 * Putting messages into the outbox: sender and term are filled in here, and what promises durability is
 * held back until it is true.
 *
 * Source: etcd-io/raft raft.go (send).
 */
import { assert } from "../stdx/assert.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { isVoteMessage, newMessage, promisesDurability } from "./message.ts";
import { NONE } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft } from "./raft.ts";

/**
 * Queues a message; keeps it. Votes and vote requests come with their term, because it may differ from
 * ours. Proposals and reads carry none: they are for whoever leads when they arrive.
 *
 * Rejections wait for durability too. They may rest on unstable state (a vote for another, a longer
 * log), they are rare, and sending them early is not worth a proof that it is safe.
 */
export function send(raft: Raft, message: Message): void {
  if (message.from === NONE) message.from = raft.id;
  if (isVoteMessage(message.type)) {
    assert(message.term !== 0, "Cannot send a vote without its term");
  } else {
    assert(message.term === 0, () => `term should not be set (was ${message.term})`);
    const termless =
      message.type === MessageType.MsgProp || message.type === MessageType.MsgReadIndex;
    if (!termless) message.term = raft.term;
  }
  if (promisesDurability(message.type)) {
    raft.messagesAfterAppend.push(message);
    return;
  }
  assert(message.to !== raft.id, "Cannot send a message to the node itself");
  raft.messages.push(message);
}

/** Acknowledges the entries up to `index` to `to`. */
export function sendAppendResponse(raft: Raft, to: NodeId, index: number): void {
  const response = newMessage(MessageType.MsgAppResp, to);
  response.index = index;
  send(raft, response);
}

/** Passes a message that is for the leader on to it. Keeps the message. */
export function forwardToLeader(raft: Raft, message: Message): void {
  message.to = raft.lead;
  message.term = 0;
  send(raft, message);
}
