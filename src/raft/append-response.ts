/**
 * What a leader learns from a follower's answer to an append: where their logs agree, what that
 * commits, and what to send next. The leader acknowledges its own entries in the same way.
 *
 * Source: etcd-io/raft raft.go (stepLeader, MsgAppResp); Raft thesis sections 3.5, 3.6.2.
 */
import type { Message } from "../wire/gen/raft.ts";
import { formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { releasePendingReads } from "./read-index.ts";
import { broadcastAppend, maybeCommit, maybeSendAppend } from "./replicate.ts";
import { describeProgress } from "./tracker/describe.ts";
import type { Progress } from "./tracker/progress.ts";
import { sendTimeoutNow } from "./transfer.ts";

export function handleAppendResponse(raft: Raft, message: Message, progress: Progress): void {
  progress.recentActive = true;
  if (message.reject) handleRejection(raft, message, progress);
  else handleAcknowledgement(raft, message, progress);
}

/**
 * Finds the next index to probe. The follower said that its last entry not behind the probe has a
 * certain term. Entries of ours with higher terms cannot match at or before that place, because terms
 * only grow along a log: they are skipped without a round trip.
 *
 * Example: ours has terms 1 3 3 3 5 5 5 5 5, the follower's 1 1 1 1 2 2. Probed at 9 it answers index 6,
 * term 2. Ours has terms above 2 at 6, 5, 4, 3 and 2, so the next probe is at 1. docs/internals/raft.md
 * has the mirrored case, which the follower's side of the search solves.
 */
function handleRejection(raft: Raft, message: Message, progress: Progress): void {
  raft.debug(
    () =>
      `${formatId(raft.id)} received MsgAppResp(rejected, hint: (index ${message.rejectHint}, ` +
      `term ${message.logTerm})) from ${formatId(message.from)} for index ${message.index}`,
  );
  let probeIndex = message.rejectHint;
  if (message.logTerm > 0) {
    probeIndex = raft.raftLog.findConflictByTerm(message.rejectHint, message.logTerm).index;
  }
  if (!progress.maybeDecrease(message.index, probeIndex)) return;
  raft.debug(
    () =>
      `${formatId(raft.id)} decreased progress of ${formatId(message.from)} ` +
      `to [${describeProgress(progress)}]`,
  );
  if (progress.state === "replicate") progress.becomeProbe();
  maybeSendAppend(raft, message.from, progress, true);
}

function handleAcknowledgement(raft: Raft, message: Message, progress: Progress): void {
  const { from, index } = message;
  const isNews = progress.maybeUpdate(index);
  // An answer without news still ends probing, as after `reportUnreachable` of a follower that has all.
  if (!isNews && !(progress.match === index && progress.state === "probe")) return;
  resumeReplication(raft, message, progress);
  if (maybeCommit(raft)) {
    releasePendingReads(raft);
    broadcastAppend(raft);
  } else if (from !== raft.id && progress.canBumpCommit(raft.raftLog.committed)) {
    // Not needed for safety or progress, heartbeats would bring it too: but it arrives earlier.
    maybeSendAppend(raft, from, progress, true);
  }
  if (from !== raft.id) {
    // There may be room for several messages now, each bounded in size.
    while (maybeSendAppend(raft, from, progress, false));
  }
  if (from === raft.leadTransferee && progress.match === raft.raftLog.lastIndex()) {
    raft.info(
      () =>
        `${formatId(raft.id)} sent MsgTimeoutNow to ${formatId(from)} after received MsgAppResp`,
    );
    sendTimeoutNow(raft, from);
  }
}

/** Leaves probing, or waiting for a snapshot, when the acknowledgement allows it; frees the window. */
function resumeReplication(raft: Raft, message: Message, progress: Progress): void {
  if (progress.state === "probe") {
    progress.becomeReplicate();
  } else if (progress.state === "replicate") {
    progress.inflights.freeUpTo(message.index);
  } else if (progress.match + 1 >= raft.raftLog.firstIndex()) {
    // Which snapshot it was does not matter, and whether it came from us: the log reaches on from here.
    raft.debug(
      () =>
        `${formatId(raft.id)} recovered from needing snapshot, resumed sending replication ` +
        `messages to ${formatId(message.from)} [${describeProgress(progress)}]`,
    );
    progress.becomeProbe();
    progress.becomeReplicate();
  }
}
