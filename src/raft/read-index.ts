/**
 * Reads without log entries, on the leader's side: when a read may be served, and telling the reader.
 *
 * Source: etcd-io/raft raft.go (MsgReadIndex); Raft thesis sections 6.4 and 6.4.1.
 */
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { READ_REQUESTS_PENDING_MAX } from "./limits.ts";
import { newMessage } from "./message.ts";
import { NONE, formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { broadcastHeartbeat } from "./replicate.ts";
import { send } from "./send.ts";

/**
 * Takes a read request, of this node or another. Keeps it.
 *
 * Differs from etcd: the only voter of a group, too, answers no read before it has committed in its
 * term. After a restart its commit index may lie before entries that it had acknowledged, because a commit
 * index is not made durable by itself; a read at that index would miss them.
 */
export function requestRead(raft: Raft, request: Message): void {
  if (raft.hasCommittedInTerm()) {
    confirmRead(raft, request);
    return;
  }
  // Before its first commit a leader does not know what earlier leaders have committed.
  if (raft.pendingReadRequests.length >= READ_REQUESTS_PENDING_MAX) {
    raft.warn(() => `${formatId(raft.id)} has too many pending reads; dropping index reading msg`);
    return;
  }
  raft.pendingReadRequests.push(request);
}

/** Goes on with the reads that waited for the first commit of this leader. */
export function releasePendingReads(raft: Raft): void {
  if (raft.pendingReadRequests.length === 0) return;
  if (!raft.hasCommittedInTerm()) {
    raft.log.error(
      "pending MsgReadIndex should be released only after first commit in current term",
    );
    return;
  }
  const requests = raft.pendingReadRequests;
  raft.pendingReadRequests = [];
  for (const request of requests) confirmRead(raft, request);
}

/** Has a quorum confirm that this node still leads; alone, or by lease, that is known already. */
function confirmRead(raft: Raft, request: Message): void {
  if (raft.tracker.isSingleton() || raft.config.readMode === "leaseBased") {
    answerRead(raft, request, raft.raftLog.committed);
    return;
  }
  if (!raft.readOnly.add(request, raft.raftLog.committed)) {
    raft.warn(() => `${formatId(raft.id)} has too many pending reads; dropping index reading msg`);
    return;
  }
  raft.readOnly.acknowledge(raft.id, raft.readOnly.heartbeatContext());
  broadcastHeartbeat(raft);
}

/** Answers the reads that a quorum has confirmed by now. */
export function answerConfirmedReads(raft: Raft): void {
  for (const { request, index } of raft.readOnly.takeConfirmed(raft.tracker.config)) {
    answerRead(raft, request, index);
  }
}

/** Tells the reader that it may read once it has applied up to `index`. */
function answerRead(raft: Raft, request: Message, index: number): void {
  if (request.from === NONE || request.from === raft.id) {
    raft.readStates.push({ index, context: request.entries[0].data ?? EMPTY_BYTES });
    return;
  }
  const response = newMessage(MessageType.MsgReadIndexResp, request.from);
  response.index = index;
  response.entries = request.entries;
  send(raft, response);
}
