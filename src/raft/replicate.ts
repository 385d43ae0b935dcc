/**
 * What a leader sends to its followers: entries, snapshots, heartbeats.
 *
 * Source: etcd-io/raft raft.go; Raft thesis sections 3.5 and 5.
 */
import { MessageType } from "../wire/gen/raft.ts";
import { payloadBytes } from "./entry-size.ts";
import { RaftError, RaftErrors } from "./errors.ts";
import { fatal } from "./fatal.ts";
import { newMessage } from "./message.ts";
import { formatId } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { send } from "./send.ts";
import { isEmptySnapshot } from "./snapshot.ts";
import { describeProgress } from "./tracker/describe.ts";
import type { Progress } from "./tracker/progress.ts";

/**
 * Sends the next entries, or a snapshot where the entries are compacted away. Returns whether anything
 * was sent. `sendIfEmpty` allows a message without entries, which still brings the commit index.
 */
export function maybeSendAppend(
  raft: Raft,
  to: NodeId,
  progress: Progress,
  sendIfEmpty: boolean,
): boolean {
  if (progress.paused) return false;
  const previous = progress.next - 1;
  const previousTerm = raft.raftLog.term(previous);
  if (typeof previousTerm !== "number") return maybeSendSnapshot(raft, to, progress);
  // With a full window only empty messages go out. If everything in the window was lost, an empty one
  // still reaches the follower after some heartbeats, and its answer clears the window.
  const room = progress.state !== "replicate" || !progress.inflights.full;
  const entries = room ? raft.raftLog.entriesFrom(progress.next, raft.config.messageBytesMax) : [];
  if (entries instanceof RaftError) {
    return sendIfEmpty && maybeSendSnapshot(raft, to, progress);
  }
  if (entries.length === 0 && !sendIfEmpty) return false;
  const message = newMessage(MessageType.MsgApp, to);
  message.index = previous;
  message.logTerm = previousTerm;
  message.entries = entries;
  message.commit = raft.raftLog.committed;
  send(raft, message);
  progress.sentEntries(entries.length, payloadBytes(entries));
  progress.sentCommit(raft.raftLog.committed);
  return true;
}

/** Sends the latest snapshot, unless the follower was silent or there is none yet. */
function maybeSendSnapshot(raft: Raft, to: NodeId, progress: Progress): boolean {
  if (!progress.recentActive) {
    raft.debug(() => `ignore sending snapshot to ${formatId(to)} since it is not recently active`);
    return false;
  }
  const snapshot = raft.raftLog.snapshot();
  if (snapshot instanceof RaftError) {
    if (snapshot !== RaftErrors.SnapshotTemporarilyUnavailable) {
      fatal(raft.log, `unexpected error when getting the snapshot: ${snapshot.message}`);
    }
    raft.debug(
      () =>
        `${formatId(raft.id)} failed to send snapshot to ${formatId(to)} ` +
        "because snapshot is temporarily unavailable",
    );
    return false;
  }
  if (isEmptySnapshot(snapshot)) fatal(raft.log, "need non-empty snapshot");
  const { index, term } = snapshot.metadata;
  raft.debug(
    () =>
      `${formatId(raft.id)} [firstindex: ${raft.raftLog.firstIndex()}, ` +
      `commit: ${raft.raftLog.committed}] sent snapshot[index: ${index}, term: ${term}] ` +
      `to ${formatId(to)} [${describeProgress(progress)}]`,
  );
  progress.becomeSnapshot(index);
  raft.debug(
    () =>
      `${formatId(raft.id)} paused sending replication messages to ${formatId(to)} ` +
      `[${describeProgress(progress)}]`,
  );
  const message = newMessage(MessageType.MsgSnap, to);
  message.snapshot = snapshot;
  send(raft, message);
  return true;
}

/** Sends to every follower what it lacks, or an empty append. */
export function broadcastAppend(raft: Raft): void {
  for (const [id, progress] of raft.tracker.progress) {
    if (id !== raft.id) maybeSendAppend(raft, id, progress, true);
  }
}

/**
 * Sends a heartbeat to every follower. It carries the commit index only as far as the follower is known
 * to match: a follower with other entries must not commit those.
 */
export function broadcastHeartbeat(raft: Raft): void {
  const context = raft.readOnly.heartbeatContext();
  for (const [id, progress] of raft.tracker.progress) {
    if (id === raft.id) continue;
    const message = newMessage(MessageType.MsgHeartbeat, id);
    message.commit = Math.min(progress.match, raft.raftLog.committed);
    message.context = context;
    send(raft, message);
    progress.sentCommit(message.commit);
  }
}

/** Commits what a quorum has stored. Returns whether that was anything new. */
export function maybeCommit(raft: Raft): boolean {
  return raft.raftLog.maybeCommit(raft.tracker.committedIndex(), raft.term);
}
