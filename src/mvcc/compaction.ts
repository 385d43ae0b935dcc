/**
 * Compaction: forgetting what no read at or above the compact revision can see, in bounded steps.
 *
 * A compaction takes effect for readers at once and its removal follows when the caller has time. One pass
 * over the stored revisions up to the compact revision, in revision order, does everything: it takes the
 * key from each value, compacts that key's history (the first time the key is met), deletes the revision
 * if the history no longer names it, and sums up the compaction hash. No step depends on the number of
 * keys or on a set of what to keep, and between two steps every read above the compact revision is right.
 *
 * Two marks in storage make it resumable: `scheduledCompactRev` is written when a compaction is accepted,
 * `finishedCompactRev` when its removal is done. A store that starts with scheduled above finished runs
 * the compaction again from the beginning; what is gone already is not met again.
 *
 * Compactions that are accepted while one runs wait in line, and each runs to its end, because the hash of
 * each is defined over what the one before it left. A compaction accepted before its predecessor had
 * finished, and a resumed one, yield no hash.
 *
 * Source: etcd server/mvcc/kvstore.go (Compact, restore), server/mvcc/kvstore_compaction.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import { keyOf } from "../wire/key-value.ts";
import { type KeyIndex, NOT_FOUND } from "./key-index.ts";
import { KeepProbe, type KeyValueHash, KeyValueHasher } from "./kv-hash.ts";
import { BYTES_PER_BUDGET_UNIT, COMPACTION_HASHES_KEPT_MAX } from "./limits.ts";
import type { RevisionStorage } from "./storage.ts";
import type { TreeIndex } from "./tree-index.ts";

/** A compaction whose removal has ended. */
export interface FinishedCompaction {
  readonly revision: number;
  /** Stored revisions removed by this run. */
  readonly removed: number;
  /** Absent when the previous compaction had not finished, or after a restart. */
  readonly hash: KeyValueHash | undefined;
}

interface Job {
  readonly revision: number;
  readonly previousRevision: number;
  /** What the hasher must know first; absent when no hash is wanted. */
  readonly probe: KeepProbe | undefined;
  hasher: KeyValueHasher | undefined;
  /** Where the pass over storage goes on. */
  nextMain: number;
  nextSub: number;
  removed: number;
  /** Whether a key is there at the compact revision. */
  keepsKeys: boolean;
}

interface StoredRevision {
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
}

const keeps = (history: KeyIndex, revision: number): boolean =>
  history.keptAt(revision) !== NOT_FOUND;

export class Compactor {
  readonly #index: TreeIndex;
  readonly #storage: RevisionStorage;
  readonly #jobs: Job[] = [];
  #compactRevision: number;
  #scheduled: number | undefined;
  #finished: number | undefined;
  #accepted = 0;
  #completed = 0;
  #hashes: KeyValueHash[] = [];

  /** Continues from the marks in `storage`. Schedules nothing by itself: see `resume`. */
  constructor(index: TreeIndex, storage: RevisionStorage) {
    this.#index = index;
    this.#storage = storage;
    this.#scheduled = storage.compactionMark("scheduledCompactRev");
    this.#finished = storage.compactionMark("finishedCompactRev");
    this.#compactRevision = this.#finished ?? -1;
  }

  /** Reads below it fail; -1 before the first compaction. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  /** The newest compaction that storage knows of, finished or not; `undefined` before the first. */
  get scheduledRevision(): number | undefined {
    return this.#scheduled;
  }

  /** Compactions accepted so far. When `completed` has reached today's value, they are all done. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Compactions whose removal has ended. */
  get completed(): number {
    return this.#completed;
  }

  /** The newest compaction hashes, oldest first. */
  get hashes(): readonly KeyValueHash[] {
    return this.#hashes;
  }

  /**
   * Accepts a compaction; from now on reads below `revision` fail.
   * Errors: Compacted at or below the compact revision; FutureRevision above `currentRevision`.
   */
  schedule(revision: number, currentRevision: number): EtcdError | undefined {
    if (revision <= this.#compactRevision) return Errors.Compacted;
    if (revision > currentRevision) return Errors.FutureRevision;
    const wantsHash = this.#scheduled === this.#finished;
    const previousRevision = this.#compactRevision;
    this.#compactRevision = revision;
    this.#scheduled = revision;
    this.#storage.setCompactionMark("scheduledCompactRev", revision);
    this.#accepted++;
    this.#jobs.push({
      revision,
      previousRevision,
      probe: wantsHash
        ? new KeepProbe(this.#index, (history) => keeps(history, revision))
        : undefined,
      hasher: undefined,
      nextMain: 0,
      nextSub: 0,
      removed: 0,
      keepsKeys: false,
    });
    return undefined;
  }

  /**
   * Schedules again what storage says was not finished; to be called once the index is restored. A
   * compaction at revision 0, which removes nothing, is forgotten, as in etcd.
   */
  resume(currentRevision: number): void {
    const scheduled = this.#scheduled ?? 0;
    if (scheduled === 0 || scheduled <= this.#compactRevision) return;
    this.schedule(scheduled, currentRevision);
  }

  /**
   * Does a slice of the oldest compaction under way: `budget` counts stored revisions, large values count
   * more. Returns the compaction if this slice ended it.
   */
  step(budget: number): FinishedCompaction | undefined {
    const job = this.#jobs.at(0);
    if (job === undefined) return undefined;
    const { probe, previousRevision, revision } = job;
    let left = budget;
    if (probe !== undefined && job.hasher === undefined) {
      left = probe.step(budget);
      if (probe.answer === undefined) return undefined;
      job.hasher = new KeyValueHasher(previousRevision, revision, probe.answer);
    }
    if (left <= 0 || !this.#pass(job, left)) return undefined;
    return this.#finish(job);
  }

  /** Removes and sums up the next revisions; returns whether the job's last one was reached. */
  #pass(job: Job, budget: number): boolean {
    const doomed: StoredRevision[] = [];
    let left = budget;
    this.#storage.scan(
      job.nextMain,
      job.nextSub,
      job.revision + 1,
      (main, sub, tombstone, value) => {
        const kept = this.#keeps(job.revision, latin1FromBytes(keyOf(value)), main, sub);
        if (!kept) doomed.push({ main, sub, tombstone });
        else if (!tombstone) job.keepsKeys = true;
        job.hasher?.add(main, sub, tombstone, value, kept);
        job.nextMain = main;
        job.nextSub = sub + 1;
        left -= 1 + value.length / BYTES_PER_BUDGET_UNIT;
        return left > 0;
      },
    );
    for (const { main, sub, tombstone } of doomed) this.#storage.delete(main, sub, tombstone);
    job.removed += doomed.length;
    return left > 0;
  }

  /** Compacts the history of `key` and tells whether it still names this revision. */
  #keeps(revision: number, key: string, main: number, sub: number): boolean {
    const history = this.#index.get(key);
    if (history === undefined) return false;
    if (!history.compact(revision)) {
      this.#index.remove(key);
      return false;
    }
    return history.mainAt(0) === main && history.subAt(0) === sub;
  }

  #finish(job: Job): FinishedCompaction {
    this.#jobs.shift();
    this.#completed++;
    this.#finished = job.revision;
    this.#storage.setCompactionMark("finishedCompactRev", job.revision);
    const { hasher, keepsKeys } = job;
    const hash = hasher === undefined ? undefined : { ...hasher.result(), isComparable: keepsKeys };
    if (hash !== undefined) {
      this.#hashes.push(hash);
      this.#hashes = this.#hashes.slice(-COMPACTION_HASHES_KEPT_MAX);
    }
    return { revision: job.revision, removed: job.removed, hash };
  }
}
