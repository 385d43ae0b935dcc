/**
 * The gate for messages of other nodes: what passes has the shape that the rest of raft relies on.
 *
 * Source: etcd-io/raft types.go (logSlice).
 */
import { MessageType } from "../wire/gen/raft.ts";
import type { Entry, Message } from "../wire/gen/raft.ts";
import { WireError } from "../wire/wire-error.ts";
import { confChangeOfEntry, isConfChangeEntry } from "./confchange/conf-change.ts";

/** Reports whether a correct node could have sent this message. O(entries in it). */
export function isWellFormed(message: Message): boolean {
  switch (message.type) {
    case MessageType.MsgProp:
      return message.entries.length > 0 && message.entries.every(isReadable);
    case MessageType.MsgReadIndex:
      return message.entries.length > 0;
    case MessageType.MsgApp:
      return message.term > 0 && isLogSlice(message);
    default:
      return true;
  }
}

/** Reports whether an entry that should carry a configuration change does. */
function isReadable(entry: Entry): boolean {
  if (!isConfChangeEntry(entry)) return true;
  try {
    confChangeOfEntry(entry);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

/**
 * Reports whether the entries of an append are a part of a leader's log:
 * 1. they have consecutive indexes, starting behind the one they follow,
 * 2. terms never fall, not from the one they follow either,
 * 3. none is of a later term than the leader's.
 */
function isLogSlice(message: Message): boolean {
  const { entries } = message;
  let { index, logTerm: term } = message;
  for (let i = 0; i < entries.length; i++) {
    const entry: Entry = entries[i];
    if (entry.index !== index + 1 || entry.term < term) return false;
    index = entry.index;
    term = entry.term;
  }
  return term <= message.term;
}
