/**
 * A leader's own entries: stamped with term and index, counted against the quota, appended, and
 * acknowledged to itself once they are durable.
 *
 * Source: etcd-io/raft raft.go (appendEntry, increaseUncommittedSize).
 */
import type { Entry } from "../wire/gen/raft.ts";
import { payloadBytes } from "./entry-size.ts";
import { formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { sendAppendResponse } from "./send.ts";

/**
 * Appends proposed entries to the leader's log; false when the uncommitted end of the log would grow
 * beyond its bound. Keeps the entries and writes their term and index; one that has an index already (its
 * message was delivered twice) is copied instead, because it stands in the log.
 */
export function appendEntries(raft: Raft, entries: Entry[]): boolean {
  if (!reserveUncommitted(raft, payloadBytes(entries))) {
    raft.warn(
      () =>
        `${formatId(raft.id)} appending new entries to log would exceed uncommitted entry size limit; ` +
        "dropping proposal",
    );
    return false;
  }
  const { term } = raft;
  let index = raft.raftLog.lastIndex();
  for (let i = 0; i < entries.length; i++) {
    let entry = entries[i];
    if (entry.index !== 0) {
      entry = { type: entry.type, term, index: 0, data: entry.data };
      entries[i] = entry;
    }
    index++;
    entry.term = term;
    entry.index = index;
  }
  raft.raftLog.append(entries);
  // The leader is a voter like the others: its own entries count when they are durable, so it sends
  // itself the acknowledgement that a follower would send.
  sendAppendResponse(raft, raft.id, index);
  return true;
}

/** Nothing uncommitted, or nothing added: then it always fits. */
function reserveUncommitted(raft: Raft, bytes: number): boolean {
  const total = raft.uncommittedBytes + bytes;
  if (raft.uncommittedBytes > 0 && bytes > 0 && total > raft.config.uncommittedBytesMax) {
    return false;
  }
  raft.uncommittedBytes = total;
  return true;
}

/** Frees the room of entries that were applied. What is tracked may be too low, so it stops at zero. */
export function releaseUncommitted(raft: Raft, bytes: number): void {
  raft.uncommittedBytes = Math.max(0, raft.uncommittedBytes - bytes);
}
