/**
 * The end of the log that is not known to be on disk: new entries and at most one snapshot. They stay
 * here while they are being written, so that the log can be read at every moment, and go when storage
 * is known to have them.
 *
 * ```
 *   storage ...... | offset .......... offsetInProgress .......... |
 *                  |  being written     |  not handed out yet       |
 * ```
 * `offset` may lie before the end of storage: then the next write replaces what storage has there.
 *
 * Source: etcd-io/raft log_unstable.go.
 */
import type { Log } from "../ports/log.ts";
import { assert } from "../stdx/assert.ts";
import type { Entry, Snapshot } from "../wire/gen/raft.ts";
import { EntryQueue } from "./entry-queue.ts";

/**
 * Invariants:
 * 1. The entries have the indexes offset, offset + 1, …
 * 2. offset <= offsetInProgress <= offset + number of entries.
 */
export class Unstable {
  readonly #log: Log;
  readonly #logRepeated: boolean;
  readonly #entries = new EntryQueue();
  #snapshot: Snapshot | undefined;
  #snapshotInProgress = false;
  #offset: number;
  #offsetInProgress: number;

  /**
   * `offset` is the index behind the end of storage. `logRepeated`: whether answers about entries that
   * are gone already are logged.
   */
  constructor(offset: number, log: Log, logRepeated: boolean) {
    this.#offset = offset;
    this.#offsetInProgress = offset;
    this.#log = log;
    this.#logRepeated = logRepeated;
  }

  /** Index of the first entry, or of the one that would come first. */
  get offset(): number {
    return this.#offset;
  }

  /** Index behind the last entry that was handed out for writing. */
  get offsetInProgress(): number {
    return this.#offsetInProgress;
  }

  /** Entries that are not known to be stored, those being written included. */
  get length(): number {
    return this.#entries.length;
  }

  /** The snapshot that is not known to be stored, being written or not. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** The first index of the whole log, when a snapshot here decides it. */
  maybeFirstIndex(): number | undefined {
    return this.#snapshot === undefined ? undefined : this.#snapshot.metadata.index + 1;
  }

  /** The last index of the whole log, when anything here decides it. */
  maybeLastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.#end() - 1;
    return this.#snapshot?.metadata.index;
  }

  /** The term at `index`, when the entry or the snapshot with that index is here. */
  maybeTerm(index: number): number | undefined {
    if (index >= this.#offset) {
      return index < this.#end() ? this.#entries.at(index - this.#offset).term : undefined;
    }
    const metadata = this.#snapshot?.metadata;
    return metadata !== undefined && metadata.index === index ? metadata.term : undefined;
  }

  /** Reports whether there are entries that were not handed out for writing. */
  hasNextEntries(): boolean {
    return this.#offsetInProgress < this.#end();
  }

  /** The entries that were not handed out for writing, in a fresh array. */
  nextEntries(): Entry[] {
    return this.slice(this.#offsetInProgress, this.#end());
  }

  /** The snapshot, unless it was handed out for writing. */
  nextSnapshot(): Snapshot | undefined {
    return this.#snapshotInProgress ? undefined : this.#snapshot;
  }

  /** Marks everything here as handed out for writing. */
  acceptInProgress(): void {
    this.#offsetInProgress = this.#end();
    if (this.#snapshot !== undefined) this.#snapshotInProgress = true;
  }

  /**
   * Takes note that storage has the entries up to the one with `index` and `term`, and lets them go.
   * Ignored when that entry is not here any more: the log was cut while the write was under way.
   */
  stableTo(index: number, term: number): void {
    const ourTerm = this.maybeTerm(index);
    if (ourTerm === undefined) {
      if (this.#logRepeated) {
        this.#info(() => `entry at index ${index} missing from unstable log; ignoring`);
      }
      return;
    }
    if (index < this.#offset) {
      this.#info(() => `entry at index ${index} matched unstable snapshot; ignoring`);
      return;
    }
    if (ourTerm !== term) {
      const stored = `(index,term)=(${index},${term})`;
      this.#info(
        () =>
          `entry at ${stored} mismatched with entry at (${index},${ourTerm}) in unstable log; ignoring`,
      );
      return;
    }
    this.#entries.dropFront(index + 1 - this.#offset);
    this.#offset = index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#offset);
  }

  /** Takes note that storage has the snapshot at `index`; ignored when a newer one is here. */
  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.metadata.index !== index) return;
    this.#snapshot = undefined;
    this.#snapshotInProgress = false;
  }

  /** Replaces everything by a snapshot. Keeps it. */
  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.metadata.index + 1;
    this.#offsetInProgress = this.#offset;
    this.#entries.clear();
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Appends entries, which replace what is here from their first index on. Keeps the entries. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = entries[0].index;
    assert(from <= this.#end(), () => `Cannot append entry ${from}: the log ends before it`);
    if (from <= this.#offset && from !== this.#end()) {
      this.#info(() => `replace the unstable entries from index ${from}`);
      this.#entries.clear();
      this.#offset = from;
      this.#offsetInProgress = from;
    } else if (from < this.#end()) {
      this.#info(() => `truncate the unstable entries before index ${from}`);
      this.#entries.truncate(from - this.#offset);
      this.#offsetInProgress = Math.min(this.#offsetInProgress, from);
    }
    this.#entries.push(entries);
  }

  /** The entries in [from, to), all of which must be here, in a fresh array. */
  slice(from: number, to: number): Entry[] {
    assert(
      from >= this.#offset && from <= to && to <= this.#end(),
      () => `unstable.slice[${from},${to}) out of bound [${this.#offset},${this.#end()}]`,
    );
    return this.#entries.slice(from - this.#offset, to - this.#offset);
  }

  #end(): number {
    return this.#offset + this.#entries.length;
  }

  #info(message: () => string): void {
    if (this.#log.enabled("info")) this.#log.info(message());
  }
}
