/**
 * What a node wants done: entries and state to store, entries to apply, messages to send. Local storage
 * is addressed by messages, like a peer: they carry the work, and the answers to deliver when it is done.
 *
 * Source: etcd-io/raft rawnode.go, node.go; Raft thesis sections 3.8 and 10.2.1.
 */
import { MessageType } from "../wire/gen/raft.ts";
import type { Entry, HardState, Message, Snapshot } from "../wire/gen/raft.ts";
import { entriesBytes } from "./entry-size.ts";
import { newMessage } from "./message.ts";
import { LOCAL_APPEND_TARGET, LOCAL_APPLY_TARGET } from "./node-id.ts";
import type { Raft, SoftState } from "./raft.ts";
import type { ReadState } from "./read-only.ts";
import { isEmptyHardState } from "./snapshot.ts";

/**
 * One batch of work. Read-only, and so are the entries in it.
 *
 * `messages` holds all of the work. Those to `LOCAL_APPEND_TARGET` (`MsgStorageAppend`) carry entries,
 * hard state (term, vote, commit, all of them or none) and snapshot to store; those to
 * `LOCAL_APPLY_TARGET` (`MsgStorageApply`) entries to apply. The rules for them:
 *
 * 1. Messages to one local target are processed in order and never lost.
 * 2. When the writes of a `MsgStorageAppend` are durable, every message in its `responses` is delivered:
 *    to this node by `step`, to others over the network. Without responses nothing need be durable.
 * 3. When the entries of a `MsgStorageApply` are applied (durable or not), the same.
 * 4. The two targets work independently of each other; messages to others can be sent at once.
 * 5. Entries at or below the index that the state machine has reached are not applied: a snapshot may
 *    overtake entries that were handed out before it.
 * 6. A snapshot that the log is to start from after a crash must not reach beyond the commit index that
 *    is durable by then.
 *
 * The other fields repeat what the local messages carry, for those who like to look at it.
 */
export interface Ready {
  /** Set when it changed. */
  readonly softState: SoftState | undefined;
  /** Set when it changed. */
  readonly hardState: HardState | undefined;
  /** Reads that may be served once their index is applied. */
  readonly readStates: readonly ReadState[];
  /** Entries to store. */
  readonly entries: readonly Entry[];
  /** The snapshot to store and to apply. */
  readonly snapshot: Snapshot | undefined;
  /** Entries to apply. */
  readonly committedEntries: readonly Entry[];
  /** All of the work: to local targets and to peers. */
  readonly messages: readonly Message[];
  /** Whether entries, term or vote are to be stored, so that the write must be durable. */
  readonly mustSync: boolean;
}

/** A `Ready` in the making. */
interface Work extends Ready {
  readonly entries: Entry[];
  readonly committedEntries: Entry[];
  readonly messages: Message[];
}

/** Makes `Ready`s and remembers what the last one said. */
export class ReadyMaker {
  readonly #raft: Raft;
  #softState: SoftState;
  #hardState: HardState;

  constructor(raft: Raft) {
    this.#raft = raft;
    this.#softState = raft.softState();
    this.#hardState = raft.hardState();
  }

  /** Forgets that any hard state was handed out, so that the next `Ready` has it. */
  forgetHardState(): void {
    this.#hardState = { term: 0, vote: 0n, commit: 0 };
  }

  /** Reports whether there is anything to do. Cheap, allocates nothing. */
  hasReady(): boolean {
    const raft = this.#raft;
    return (
      raft.messages.length > 0 ||
      raft.messagesAfterAppend.length > 0 ||
      raft.raftLog.unstable.hasNextEntries() ||
      raft.raftLog.hasNextCommittedEntries() ||
      raft.readStates.length > 0 ||
      this.#softStateChanged() ||
      this.#hardStateChanged() ||
      raft.raftLog.unstable.nextSnapshot() !== undefined
    );
  }

  /** Takes everything there is to do: the next call returns only what came after. */
  take(): Ready {
    const raft = this.#raft;
    const hardState = this.#hardStateChanged() ? raft.hardState() : undefined;
    const { unstable } = raft.raftLog;
    const entries = unstable.nextEntries();
    const ready: Work = {
      softState: this.#softStateChanged() ? raft.softState() : undefined,
      hardState,
      readStates: raft.readStates,
      entries,
      snapshot: unstable.nextSnapshot(),
      committedEntries: raft.raftLog.nextCommittedEntries(),
      messages: raft.messages,
      mustSync:
        entries.length > 0 ||
        raft.vote !== this.#hardState.vote ||
        raft.term !== this.#hardState.term,
    };
    if (needsAppend(raft, ready)) ready.messages.push(storageAppend(raft, ready));
    if (ready.committedEntries.length > 0) ready.messages.push(storageApply(raft, ready));
    this.#accept(ready);
    return ready;
  }

  #accept(ready: Ready): void {
    const raft = this.#raft;
    if (ready.softState !== undefined) this.#softState = ready.softState;
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    raft.readStates = [];
    raft.messages = [];
    raft.messagesAfterAppend = [];
    raft.raftLog.unstable.acceptInProgress();
    const { committedEntries } = ready;
    if (committedEntries.length > 0) {
      const last = committedEntries[committedEntries.length - 1];
      raft.raftLog.acceptApplying(last.index, entriesBytes(committedEntries));
    }
  }

  #softStateChanged(): boolean {
    return this.#raft.lead !== this.#softState.lead || this.#raft.role !== this.#softState.role;
  }

  #hardStateChanged(): boolean {
    const { term, vote, raftLog } = this.#raft;
    const last = this.#hardState;
    return term !== last.term || vote !== last.vote || raftLog.committed !== last.commit;
  }
}

/** Whether local storage has anything to write, or any message waits for what it is writing already. */
function needsAppend(raft: Raft, ready: Work): boolean {
  return (
    ready.entries.length > 0 ||
    ready.hardState !== undefined ||
    ready.snapshot !== undefined ||
    raft.messagesAfterAppend.length > 0
  );
}

function storageAppend(raft: Raft, ready: Work): Message {
  const message = newMessage(MessageType.MsgStorageAppend, LOCAL_APPEND_TARGET);
  message.from = raft.id;
  message.entries = ready.entries;
  const { hardState } = ready;
  if (hardState !== undefined && !isEmptyHardState(hardState)) {
    message.term = hardState.term;
    message.vote = hardState.vote;
    message.commit = hardState.commit;
  }
  message.snapshot = ready.snapshot;
  // The node's own acknowledgement of entries comes before the answer that they are stable: it looks up
  // their term, which is quicker while they are still in the unstable end of the log.
  message.responses = raft.messagesAfterAppend;
  const { length } = raft.raftLog.unstable;
  if (length > 0 || ready.snapshot !== undefined) {
    message.responses.push(storageAppendResponse(raft, ready));
  }
  return message;
}

/**
 * The answer that makes the unstable end of the log shrink. It says how the whole log ended when the
 * write was asked for, and in which term that was.
 *
 * Index and term of the last entry alone do not prove that storage has the log as it is now. The end of
 * the log may have been replaced and then replaced back: A, B, A. When the write of the first A is done,
 * those of B and of the second A are still to come, and storage will hold B for a while. Every
 * replacement comes with a new term, so an answer from an earlier term proves nothing about entries and
 * is not used.
 *
 * For the same reason the answer speaks of the log and not only of the entries of this write: a write
 * without entries, as after a change of term, then confirms those whose own answer came too late.
 */
function storageAppendResponse(raft: Raft, ready: Work): Message {
  const response = newMessage(MessageType.MsgStorageAppendResp, raft.id);
  response.from = LOCAL_APPEND_TARGET;
  response.term = raft.term;
  if (raft.raftLog.unstable.length > 0) {
    response.index = raft.raftLog.lastIndex();
    response.logTerm = raft.raftLog.lastTerm();
  }
  response.snapshot = ready.snapshot;
  return response;
}

/** Committed entries are applied under no particular term. */
function storageApply(raft: Raft, ready: Work): Message {
  const response = newMessage(MessageType.MsgStorageApplyResp, raft.id);
  response.from = LOCAL_APPLY_TARGET;
  response.entries = ready.committedEntries;
  const message = newMessage(MessageType.MsgStorageApply, LOCAL_APPLY_TARGET);
  message.from = raft.id;
  message.entries = response.entries;
  message.responses.push(response);
  return message;
}
