/**
 * Handing leadership over to a chosen follower: bring its log up to date, then tell it to hold an
 * election at once. If it does not take over within an election timeout, the leader goes on leading.
 *
 * Source: etcd-io/raft raft.go (MsgTransferLeader); Raft thesis section 3.10.
 */
import { MessageType } from "../wire/gen/raft.ts";
import { newMessage } from "./message.ts";
import { NONE, formatId } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { maybeSendAppend } from "./replicate.ts";
import { send } from "./send.ts";
import type { Progress } from "./tracker/progress.ts";

export function transferLeadership(raft: Raft, transferee: NodeId, progress: Progress): void {
  const id = formatId(raft.id);
  const target = formatId(transferee);
  if (progress.isLearner) {
    raft.debug(() => `${id} is learner. Ignored transferring leadership`);
    return;
  }
  const previous = raft.leadTransferee;
  if (previous === transferee) {
    raft.info(
      () =>
        `${id} [term ${raft.term}] transfer leadership to ${target} is in progress, ` +
        `ignores request to same node ${target}`,
    );
    return;
  }
  if (previous !== NONE) {
    raft.leadTransferee = NONE;
    raft.info(
      () =>
        `${id} [term ${raft.term}] abort previous transferring leadership to ${formatId(previous)}`,
    );
  }
  if (transferee === raft.id) {
    raft.debug(() => `${id} is already leader. Ignored transferring leadership to self`);
    return;
  }
  raft.info(() => `${id} [term ${raft.term}] starts to transfer leadership to ${target}`);
  // The handover has one election timeout, counted from here.
  raft.electionElapsed = 0;
  raft.leadTransferee = transferee;
  if (progress.match !== raft.raftLog.lastIndex()) {
    maybeSendAppend(raft, transferee, progress, true);
    return;
  }
  sendTimeoutNow(raft, transferee);
  raft.info(
    () =>
      `${id} sends MsgTimeoutNow to ${target} immediately as ${target} already has up-to-date log`,
  );
}

/** Tells a follower to hold an election without waiting for its timeout. */
export function sendTimeoutNow(raft: Raft, to: NodeId): void {
  send(raft, newMessage(MessageType.MsgTimeoutNow, to));
}
