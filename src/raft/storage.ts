/**
 * What raft reads back of what it had stored. Writing is not its business: it asks for that in messages
 * to the local append target, and the shell answers when the bytes are durable.
 */
import type { ConfState, Entry, HardState, Snapshot } from "../wire/gen/raft.ts";
import type { RaftError } from "./errors.ts";

/** What a node starts from. */
export interface InitialState {
  /** All zero when none was ever stored. */
  readonly hardState: HardState;
  /** Without members when none was ever stored. */
  readonly confState: ConfState;
}

/**
 * Stable log and latest snapshot, read-only. Answers must be immediate: raft asks while it handles a
 * message. An entry is never changed after it was handed over, by neither side.
 *
 * The log covers [firstIndex, lastIndex], without gaps. Of the entry before the first one the term is
 * still known, so that a follower that ends there can be matched.
 */
export interface Storage {
  /** What the node starts from; asked once. */
  initialState(): InitialState;

  /**
   * The entries in [from, to), cut to `bytesMax` encoded bytes but never to none. The caller owns the
   * array. Errors: `Compacted` when from < firstIndex; `Unavailable` when entries are missing.
   */
  entries(from: number, to: number, bytesMax: number): Entry[] | RaftError;

  /**
   * The term of the entry at `index`, in [firstIndex - 1, lastIndex]. Errors: `Compacted` and
   * `Unavailable` outside of it.
   */
  term(index: number): number | RaftError;

  /** Index of the first entry that is still there: 1 before anything was compacted. */
  firstIndex(): number;

  /** Index of the last entry; firstIndex - 1 when the log is empty. */
  lastIndex(): number;

  /**
   * The latest snapshot; it is read-only for both sides. Errors: `SnapshotTemporarilyUnavailable` when
   * one is being made: raft then asks again later.
   */
  snapshot(): Snapshot | RaftError;
}
