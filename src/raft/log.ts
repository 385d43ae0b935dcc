/**
 * The replicated log as one node sees it: stable storage and the unstable end as one sequence, and how
 * far it is committed, being applied, and applied.
 *
 * Source: etcd-io/raft log.go; Raft thesis sections 3.5 and 3.6.
 */
import type { Log } from "../ports/log.ts";
import { assert } from "../stdx/assert.ts";
import type { Entry, Snapshot } from "../wire/gen/raft.ts";
import type { ResolvedConfig } from "./config.ts";
import { countWithin, entriesBytes } from "./entry-size.ts";
import { RaftError, RaftErrors } from "./errors.ts";
import { fatal } from "./fatal.ts";
import type { Storage } from "./storage.ts";
import { Unstable } from "./unstable.ts";

/** What `findConflictByTerm` found out; term 0 means it is not known. */
export interface LogGuess {
  readonly index: number;
  readonly term: number;
}

/** How a log is set up; see `RaftConfig`. */
export type RaftLogOptions = Pick<
  ResolvedConfig,
  "storage" | "log" | "applyingBytesMax" | "applyUnstableEntries" | "logRepeatedStorageAnswers"
>;

/**
 * Invariants:
 * 1. applied <= applying <= committed <= lastIndex.
 * 2. Nothing at or below committed is ever replaced.
 */
export class RaftLog {
  readonly unstable: Unstable;
  readonly #storage: Storage;
  readonly #log: Log;
  /** Bytes of entries that may be handed out for applying and not yet be applied. */
  readonly #applyingBytesMax: number;
  /** Whether committed entries are handed out before our own storage has them. */
  readonly #applyUnstable: boolean;
  #committed: number;
  #applying: number;
  #applied: number;
  #applyingBytes = 0;
  #applyingPaused = false;

  constructor(options: RaftLogOptions) {
    const { storage, log } = options;
    this.#storage = storage;
    this.#log = log;
    this.#applyingBytesMax = options.applyingBytesMax;
    this.#applyUnstable = options.applyUnstableEntries;
    this.unstable = new Unstable(storage.lastIndex() + 1, log, options.logRepeatedStorageAnswers);
    this.#committed = storage.firstIndex() - 1;
    this.#applying = this.#committed;
    this.#applied = this.#committed;
  }

  /** Highest index known to be stored by a quorum. */
  get committed(): number {
    return this.#committed;
  }

  /** Highest index handed out for applying. */
  get applying(): number {
    return this.#applying;
  }

  /** Highest index known to be applied here. */
  get applied(): number {
    return this.#applied;
  }

  firstIndex(): number {
    return this.unstable.maybeFirstIndex() ?? this.#storage.firstIndex();
  }

  lastIndex(): number {
    return this.unstable.maybeLastIndex() ?? this.#storage.lastIndex();
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex());
    if (typeof term === "number") return term;
    return fatal(
      this.#log,
      `unexpected error when getting the last term at ${this.lastIndex()}: ${term.message}`,
    );
  }

  /**
   * The term of the entry at `index`, in [firstIndex - 1, lastIndex]; `Compacted` or `Unavailable`
   * outside of it.
   */
  term(index: number): number | RaftError {
    // The unstable end first: new entries are what is asked for most, and storage need not be asked.
    const unstable = this.unstable.maybeTerm(index);
    if (unstable !== undefined) return unstable;
    if (index + 1 < this.firstIndex()) return RaftErrors.Compacted;
    if (index > this.lastIndex()) return RaftErrors.Unavailable;
    return this.#storage.term(index);
  }

  /** The term at `index`, 0 where the log does not know it. */
  termOrZero(index: number): number {
    const term = this.term(index);
    return typeof term === "number" ? term : 0;
  }

  /** Reports whether the entry at `index` is known to have `term`. */
  matchTerm(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /**
   * Reports whether a log that ends with (`index`, `term`) is at least as up to date as this one:
   * a later term wins, among equal terms the longer log. Raft thesis section 3.6.1.
   */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex());
  }

  /** The entries from `from` to the end, cut to `bytesMax`, in a fresh array. Errors: `Compacted`. */
  entriesFrom(from: number, bytesMax: number): Entry[] | RaftError {
    const end = this.lastIndex() + 1;
    return from >= end ? [] : this.slice(from, end, bytesMax);
  }

  /** The entries in [from, to), cut to `bytesMax` but not to none. Errors: `Compacted`. */
  slice(from: number, to: number, bytesMax: number): Entry[] | RaftError {
    assert(from <= to, () => `invalid slice ${from} > ${to}`);
    if (from < this.firstIndex()) return RaftErrors.Compacted;
    assert(to <= this.lastIndex() + 1, () => `slice[${from},${to}) out of bound`);
    if (from === to) return [];
    const { offset } = this.unstable;
    if (from >= offset) {
      const entries = this.unstable.slice(from, to);
      entries.length = countWithin(entries, bytesMax);
      return entries;
    }
    const cut = Math.min(to, offset);
    const stable = this.#storage.entries(from, cut, bytesMax);
    if (stable instanceof RaftError) {
      if (stable === RaftErrors.Compacted) return stable;
      return fatal(this.#log, `entries[${from}:${cut}) is unavailable from storage`);
    }
    if (to > offset && stable.length === cut - from) this.#addUnstable(stable, to, bytesMax);
    return stable;
  }

  /** Adds to the stable entries, which end where the unstable ones begin, what the size leaves room for. */
  #addUnstable(entries: Entry[], to: number, bytesMax: number): void {
    const room = bytesMax - entriesBytes(entries);
    if (room <= 0) return;
    const unstable = this.unstable.slice(this.unstable.offset, to);
    const count = countWithin(unstable, room);
    // The one entry that is always counted may be too large here, behind others.
    if (count === 1 && entriesBytes(unstable.slice(0, 1)) > room) return;
    for (let i = 0; i < count; i++) entries.push(unstable[i]);
  }

  /**
   * A follower's append: the entries behind (`prevIndex`, `prevTerm`), of which the leader has committed
   * those up to `committed`. Returns the index of the last one, or undefined when the logs do not match
   * at `prevIndex`. Keeps the entries. Raft thesis section 3.5.
   */
  maybeAppend(
    prevIndex: number,
    prevTerm: number,
    entries: readonly Entry[],
    committed: number,
  ): number | undefined {
    if (!this.matchTerm(prevIndex, prevTerm)) return undefined;
    const last = prevIndex + entries.length;
    const conflict = this.#findConflict(entries);
    if (conflict !== 0) {
      if (conflict <= this.#committed) {
        return fatal(
          this.#log,
          `entry ${conflict} conflict with committed entry [committed(${this.#committed})]`,
        );
      }
      const skip = conflict - (prevIndex + 1);
      this.append(skip === 0 ? entries : entries.slice(skip));
    }
    this.commitTo(Math.min(committed, last));
    return last;
  }

  /** Appends entries, which replace what is there from their first index on. Returns the last index. */
  append(entries: readonly Entry[]): number {
    if (entries.length === 0) return this.lastIndex();
    const after = entries[0].index - 1;
    if (after < this.#committed) {
      fatal(this.#log, `after(${after}) is out of range [committed(${this.#committed})]`);
    }
    this.unstable.truncateAndAppend(entries);
    return this.lastIndex();
  }

  /** The first index at which `entries` differ from the log or go beyond it; 0 when they do not. */
  #findConflict(entries: readonly Entry[]): number {
    for (let i = 0; i < entries.length; i++) {
      const { index, term } = entries[i];
      if (this.matchTerm(index, term)) continue;
      if (index <= this.lastIndex() && this.#log.enabled("info")) {
        const existing = this.termOrZero(index);
        this.#log.info(
          `found conflict at index ${index} [existing term: ${existing}, conflicting term: ${term}]`,
        );
      }
      return index;
    }
    return 0;
  }

  /**
   * The best guess where this log ends matching another one of which only one entry, (`index`, `term`),
   * is known: the highest index, not above the given one, whose term is not above the given one or is
   * not known. Used by both sides to skip whole terms after a rejected append.
   */
  findConflictByTerm(index: number, term: number): LogGuess {
    for (let at = index; at > 0; at--) {
      const ours = this.term(at);
      if (typeof ours !== "number") return { index: at, term: 0 };
      if (ours <= term) return { index: at, term: ours };
    }
    return { index: 0, term: 0 };
  }

  /**
   * Commits up to `index` if the entry there is of `term`, the leader's own. Returns whether anything was
   * committed. Raft thesis section 3.6.2: older entries are only committed along with one of this term.
   */
  maybeCommit(index: number, term: number): boolean {
    if (term === 0 || index <= this.#committed || !this.matchTerm(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  /** Raises the commit index; never lowers it. */
  commitTo(index: number): void {
    if (index <= this.#committed) return;
    if (index > this.lastIndex()) {
      fatal(
        this.#log,
        `tocommit(${index}) is out of range [lastIndex(${this.lastIndex()})]. ` +
          "Was the raft log corrupted, truncated, or lost?",
      );
    }
    this.#committed = index;
  }

  /** The highest committed index that may be applied now. */
  #appliableIndex(): number {
    if (this.#applyUnstable) return this.#committed;
    return Math.min(this.#committed, this.unstable.offset - 1);
  }

  /** Reports whether there are committed entries to hand out for applying. O(1). */
  hasNextCommittedEntries(): boolean {
    // A snapshot that is not applied yet comes first.
    if (this.#applyingPaused || this.unstable.snapshot !== undefined) return false;
    return this.#applying < this.#appliableIndex();
  }

  /** The committed entries to hand out for applying, as far as the size bound allows. */
  nextCommittedEntries(): Entry[] {
    if (!this.hasNextCommittedEntries()) return [];
    const room = this.#applyingBytesMax - this.#applyingBytes;
    assert(room > 0, "Cannot hand out entries while the applying bound is reached");
    const entries = this.slice(this.#applying + 1, this.#appliableIndex() + 1, room);
    if (entries instanceof RaftError) {
      return fatal(
        this.#log,
        `unexpected error when getting unapplied entries (${entries.message})`,
      );
    }
    return entries;
  }

  /** Takes note that the entries up to `index`, of `bytes` bytes, were handed out for applying. */
  acceptApplying(index: number, bytes: number): void {
    assert(
      this.#applying <= index && index <= this.#committed,
      () =>
        `applying(${index}) is out of range [prevApplying(${this.#applying}), committed(${this.#committed})]`,
    );
    this.#applying = index;
    this.#applyingBytes += bytes;
    // Entries that were left out although they could be applied are the sign that the next one does
    // not fit.
    this.#applyingPaused =
      this.#applyingBytes >= this.#applyingBytesMax || index < this.#appliableIndex();
  }

  /** Takes note that the entries up to `index` are applied, and that `bytes` bytes need no room now. */
  appliedTo(index: number, bytes: number): void {
    if (this.#committed < index || index < this.#applied) {
      fatal(
        this.#log,
        `applied(${index}) is out of range [prevApplied(${this.#applied}), committed(${this.#committed})]`,
      );
    }
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyingPaused = this.#applyingBytes >= this.#applyingBytesMax;
  }

  /** The latest snapshot: the one not stored yet, or storage's. */
  snapshot(): Snapshot | RaftError {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Replaces the log by a snapshot. Keeps it. */
  restore(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    if (this.#log.enabled("info")) {
      this.#log.info(
        `log [${this.describe()}] starts to restore snapshot [index: ${index}, term: ${term}]`,
      );
    }
    this.#committed = index;
    this.unstable.restore(snapshot);
  }

  /** The marks of the log in one line. */
  describe(): string {
    const { offset, offsetInProgress, length } = this.unstable;
    return (
      `committed=${this.#committed}, applied=${this.#applied}, applying=${this.#applying}, ` +
      `unstable.offset=${offset}, unstable.offsetInProgress=${offsetInProgress}, ` +
      `len(unstable.Entries)=${length}`
    );
  }
}
