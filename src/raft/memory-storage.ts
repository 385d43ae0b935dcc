/**
 * A `Storage` that holds the log since the last compaction in memory. This is what a member runs on:
 * disk holds the same log for restarts, memory serves all reads.
 *
 * Source: etcd-io/raft storage.go (MemoryStorage).
 */
import { assert } from "../stdx/assert.ts";
import type { ConfState, Entry, HardState, Snapshot } from "../wire/gen/raft.ts";
import { countWithin } from "./entry-size.ts";
import { EntryQueue } from "./entry-queue.ts";
import { RaftErrors } from "./errors.ts";
import type { RaftError } from "./errors.ts";
import { NONE } from "./node-id.ts";
import { emptySnapshot } from "./snapshot.ts";
import type { InitialState, Storage } from "./storage.ts";

/**
 * A log in memory, with the latest snapshot; a program that restarts fills it from disk. It hands out and keeps entries
 * as they are: neither side changes one. Reads are O(1), and `entries` O(entries that are returned).
 *
 * Invariants:
 * 1. The entries have the indexes compactIndex + 1, compactIndex + 2, …
 * 2. compactIndex may differ from the index of the snapshot: the log can be kept for slow followers
 *    behind the snapshot, and compacted without making a new one.
 */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, vote: NONE, commit: 0 };
  #snapshot: Snapshot = emptySnapshot();
  readonly #entries = new EntryQueue();
  #compactIndex = 0;
  #compactTerm = 0;

  /** The last hard state that was set, and the configuration of the snapshot. */
  initialState(): InitialState {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  /** Index of the first entry that is there, or would be: 1 before anything was compacted. */
  firstIndex(): number {
    return this.#compactIndex + 1;
  }

  /** Index of the last entry; firstIndex - 1 when the log is empty. */
  lastIndex(): number {
    return this.#compactIndex + this.#entries.length;
  }

  /** The term of the entry at `index`. Errors: `Compacted`, `Unavailable`. */
  term(index: number): number | RaftError {
    if (index < this.#compactIndex) return RaftErrors.Compacted;
    if (index === this.#compactIndex) return this.#compactTerm;
    if (index > this.lastIndex()) return RaftErrors.Unavailable;
    return this.#entries.at(index - this.firstIndex()).term;
  }

  /**
   * The entries in [from, to), cut to `bytesMax` encoded bytes but never to none. Errors: `Compacted`, `Unavailable`.
   */
  entries(from: number, to: number, bytesMax: number): Entry[] | RaftError {
    if (from < this.firstIndex()) return RaftErrors.Compacted;
    if (to > this.lastIndex() + 1) return RaftErrors.Unavailable;
    const entries = this.#entries.slice(from - this.firstIndex(), to - this.firstIndex());
    entries.length = countWithin(entries, bytesMax);
    return entries;
  }

  /** The last snapshot; of index 0 when there was none. */
  snapshot(): Snapshot | RaftError {
    return this.#snapshot;
  }

  /** Replaces the hard state. Keeps its argument. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /**
   * Appends entries, which replace what the log has at their indexes and behind. Entries that are
   * compacted already are skipped; a gap is a broken invariant. Keeps the entries, not the array.
   */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const skip = Math.max(0, this.firstIndex() - entries[0].index);
    if (skip >= entries.length) return;
    const added = skip === 0 ? entries : entries.slice(skip);
    const position = added[0].index - this.firstIndex();
    assert(
      position <= this.#entries.length,
      () => `Cannot append entry ${added[0].index}: the log ends at ${this.lastIndex()}`,
    );
    if (position < this.#entries.length) this.#entries.truncate(position);
    this.#entries.push(added);
  }

  /**
   * Records a snapshot of the state at `index`, which must be in the log. Keeps `data`.
   * Errors: `SnapshotOutOfDate` when there is one at or after `index`.
   */
  createSnapshot(
    index: number,
    confState: ConfState | undefined,
    data: Uint8Array,
  ): Snapshot | RaftError {
    const last = this.#snapshot.metadata;
    if (index <= last.index) return RaftErrors.SnapshotOutOfDate;
    const term = this.term(index);
    assert(typeof term === "number", () => `Cannot snapshot at ${index}: not in the log`);
    const metadata = { confState: confState ?? last.confState, index, term };
    this.#snapshot = { data, metadata };
    return this.#snapshot;
  }

  /**
   * Replaces log and snapshot by a snapshot from elsewhere. Keeps its argument. A snapshot at index 0
   * only brings a configuration, for a node that has nothing yet.
   * Errors: `SnapshotOutOfDate` when there is one at or after its index.
   */
  applySnapshot(snapshot: Snapshot): RaftError | undefined {
    const { index, term } = snapshot.metadata;
    const lastIndex = this.#snapshot.metadata.index;
    if (lastIndex !== 0 && lastIndex >= index) return RaftErrors.SnapshotOutOfDate;
    this.#snapshot = snapshot;
    this.#entries.clear();
    this.#compactIndex = index;
    this.#compactTerm = term;
    return undefined;
  }

  /**
   * Drops the entries up to and including `index`, which must be in the log, and which the node must know
   * to be applied: `BasicStatus.applied`, not what the state machine has applied in the meantime.
   * Errors: `Compacted` when they are gone already. O(entries dropped) amortized.
   */
  compact(index: number): RaftError | undefined {
    if (index <= this.#compactIndex) return RaftErrors.Compacted;
    const term = this.term(index);
    assert(
      typeof term === "number",
      () => `Cannot compact up to ${index}: the log ends at ${this.lastIndex()}`,
    );
    this.#entries.dropFront(index - this.#compactIndex);
    this.#compactIndex = index;
    this.#compactTerm = term;
    return undefined;
  }
}
