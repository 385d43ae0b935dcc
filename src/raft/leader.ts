/**
 * What a leader does with messages.
 *
 * Source: etcd-io/raft raft.go (stepLeader); Raft thesis sections 3.5, 3.6, 6.2, 6.4.
 */
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { handleAppendResponse } from "./append-response.ts";
import type { RaftError } from "./errors.ts";
import { NONE, formatId } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import { propose } from "./propose.ts";
import type { Raft } from "./raft.ts";
import { answerConfirmedReads, requestRead } from "./read-index.ts";
import { maybeSendAppend } from "./replicate.ts";
import { describeProgress } from "./tracker/describe.ts";
import type { Progress } from "./tracker/progress.ts";
import { transferLeadership } from "./transfer.ts";
import { becomeFollower } from "./transitions.ts";

export function stepLeader(raft: Raft, message: Message): RaftError | undefined {
  switch (message.type) {
    case MessageType.MsgProp:
      return propose(raft, message.entries);
    case MessageType.MsgReadIndex:
      requestRead(raft, message);
      return undefined;
    case MessageType.MsgForgetLeader:
      return undefined;
    default:
      stepFromFollower(raft, message);
      return undefined;
  }
}

/** Messages that say something about one follower, which therefore must be tracked. */
function stepFromFollower(raft: Raft, message: Message): void {
  const progress = progressOf(raft, message.from);
  if (progress === undefined) return;
  switch (message.type) {
    case MessageType.MsgAppResp:
      handleAppendResponse(raft, message, progress);
      break;
    case MessageType.MsgHeartbeatResp:
      handleHeartbeatResponse(raft, message, progress);
      break;
    case MessageType.MsgTransferLeader:
      transferLeadership(raft, message.from, progress);
      break;
    default:
      break;
  }
}

function progressOf(raft: Raft, id: NodeId): Progress | undefined {
  const progress = raft.tracker.progress.get(id);
  if (progress === undefined) {
    raft.debug(() => `${formatId(raft.id)} no progress available for ${formatId(id)}`);
  }
  return progress;
}

function handleHeartbeatResponse(raft: Raft, message: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.appendsPaused = false;
  // One message goes out per heartbeat even when the window is full, because all of it may be lost; and
  // to a follower that has everything but is being probed, so that its answer ends the probing.
  if (progress.match < raft.raftLog.lastIndex() || progress.state === "probe") {
    maybeSendAppend(raft, message.from, progress, true);
  }
  const { context } = message;
  if (raft.config.readMode !== "safe" || context === undefined || context.length === 0) return;
  raft.readOnly.acknowledge(message.from, context);
  answerConfirmedReads(raft);
}

/**
 * Steps down when no quorum of voters was heard of since the last check. Called once per election
 * timeout. Raft thesis section 6.2.
 */
export function checkQuorum(raft: Raft): void {
  if (!raft.tracker.isQuorumActive()) {
    raft.warn(() => `${formatId(raft.id)} stepped down to follower since quorum is not active`);
    becomeFollower(raft, raft.term, NONE);
  }
  for (const [id, progress] of raft.tracker.progress) {
    if (id !== raft.id) progress.recentActive = false;
  }
}

/** Takes note that messages to `id` are being lost: what was sent optimistically probably is, too. */
export function handleUnreachable(raft: Raft, id: NodeId): void {
  const progress = progressOf(raft, id);
  if (progress === undefined) return;
  if (progress.state === "replicate") progress.becomeProbe();
  raft.debug(
    () =>
      `${formatId(raft.id)} failed to send message to ${formatId(id)} ` +
      `because it is unreachable [${describeProgress(progress)}]`,
  );
}

/**
 * Takes note that a snapshot reached `id`, or did not. Either way appends wait for the follower's next
 * word: its acknowledgement after success, a heartbeat interval after failure.
 */
export function handleSnapshotStatus(raft: Raft, id: NodeId, delivered: boolean): void {
  const progress = progressOf(raft, id);
  if (progress === undefined || progress.state !== "snapshot") return;
  // Without the snapshot, probing must not begin behind it.
  if (!delivered) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  raft.debug(
    () =>
      `${formatId(raft.id)} snapshot ${delivered ? "succeeded" : "failed"}, ` +
      `resumed sending replication messages to ${formatId(id)} [${describeProgress(progress)}]`,
  );
  progress.appendsPaused = true;
}
