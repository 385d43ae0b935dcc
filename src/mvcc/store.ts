/**
 * The MVCC store: the index and the current revision over a `RevisionStorage`. All state of one member's
 * keyspace is here; what requests mean is in `kv-requests.ts`. `Restore` makes one from storage.
 *
 * Everything is synchronous. Work that grows with the keyspace (compaction, hashes, huge reads, the
 * restore at start) comes with a `step`, and the caller decides when and how much.
 *
 * Source: etcd server/mvcc/kvstore.go, kvstore_txn.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert } from "../stdx/assert.ts";
import type { RangeRequest } from "../wire/gen/rpc.ts";
import type { Compactor, FinishedCompaction } from "./compaction.ts";
import { HashJob } from "./hash-job.ts";
import { NOT_FOUND } from "./key-index.ts";
import type { MvccMetrics } from "./metrics.ts";
import type { KeyValueHash } from "./kv-hash.ts";
import type { LeaseBook } from "./lease-book.ts";
import { RangeScan } from "./range-scan.ts";
import { fetchAt, type ReadView, revisionToRead } from "./read-view.ts";
import type { RevisionStorage } from "./storage.ts";
import type { TreeIndex } from "./tree-index.ts";
import { type ChangeSink, type KeyChange, WriteTransaction } from "./write-transaction.ts";

/** What a store is made of. */
export interface StoreParts {
  readonly index: TreeIndex;
  readonly storage: RevisionStorage;
  readonly compactor: Compactor;
  readonly leases: LeaseBook;
  readonly changes: ChangeSink;
  readonly metrics: MvccMetrics;
  /** Main revision of the last transaction; 1 for an empty store. */
  readonly revision: number;
}

export class Store implements ReadView {
  readonly index: TreeIndex;
  readonly storage: RevisionStorage;
  readonly leases: LeaseBook;
  readonly metrics: MvccMetrics;
  readonly #compactor: Compactor;
  readonly #changes: ChangeSink;
  #revision: number;
  #writing = false;
  /** Reads in steps, during which compaction pauses. */
  readonly #openReads = new Set<RangeScan | HashJob>();

  constructor(parts: StoreParts) {
    this.index = parts.index;
    this.storage = parts.storage;
    this.leases = parts.leases;
    this.metrics = parts.metrics;
    this.#compactor = parts.compactor;
    this.#changes = parts.changes;
    this.#revision = parts.revision;
  }

  /** Main revision of the last transaction that changed something; 1 before the first. */
  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#compactor.compactRevision;
  }

  /** Keys that exist now. O(1). */
  get liveKeys(): number {
    return this.index.liveKeys;
  }

  /** Opens the one write transaction there can be; it must end before anything else is asked for. */
  beginWrite(): WriteTransaction {
    assert(!this.#writing, "Cannot write in two transactions at once");
    this.#writing = true;
    return new WriteTransaction(this, this.leases, this.metrics, this.#endWrite);
  }

  readonly #endWrite = (revision: number, changes: readonly KeyChange[]): void => {
    this.#writing = false;
    if (changes.length === 0) return;
    this.#revision = revision;
    this.#changes.onChanges(revision, changes);
  };

  /**
   * Returns the stored value of `key` as a read at `atRevision` sees it, `undefined` where there is none;
   * `atRevision` is at or above the compact revision. The bytes are storage's (`RevisionStorage.get`).
   */
  keyValueAt(key: string, atRevision: number): Uint8Array | undefined {
    const history = this.index.get(key);
    const position = history?.find(atRevision) ?? NOT_FOUND;
    if (history === undefined || position === NOT_FOUND) return undefined;
    return fetchAt(this, history, position);
  }

  /**
   * Opens a Range that is read in steps. Compaction pauses until it is done or abandoned.
   * Errors: FutureRevision, Compacted.
   */
  openRange(request: RangeRequest): RangeScan | EtcdError {
    this.metrics.ranges.inc();
    const atRevision = revisionToRead(this, request.revision);
    if (atRevision instanceof EtcdError) return atRevision;
    const scan = new RangeScan(this, request, atRevision);
    this.#openReads.add(scan);
    return scan;
  }

  /**
   * Opens the hash of the keyspace up to `revision`, 0 for the newest; or returns it at once where a
   * compaction at that revision has left it. Compaction pauses until it is done or abandoned.
   * Errors: Compacted below the compact revision, FutureRevision above the newest.
   */
  openHash(revision: number): HashJob | KeyValueHash | EtcdError {
    const known = this.#compactor.hashes.find((hash) => hash.revision === revision);
    if (known !== undefined) return known;
    if (revision > 0 && revision < this.compactRevision) return Errors.Compacted;
    if (revision > this.#revision) return Errors.FutureRevision;
    const atRevision = revision === 0 ? this.#revision : revision;
    const job = new HashJob(this.index, this.storage, this.compactRevision, atRevision);
    this.#openReads.add(job);
    return job;
  }

  /** Gives up a read in steps before it is done. */
  abandon(read: RangeScan | HashJob): void {
    this.#openReads.delete(read);
  }

  /** Hashes of the newest compactions, oldest first, that can be compared with those of other members. */
  get compactionHashes(): readonly KeyValueHash[] {
    return this.#compactor.hashes.filter((hash) => hash.isComparable);
  }

  /** Compactions accepted since start. A caller who waits for removal waits until `completed` is there. */
  get compactionsAccepted(): number {
    return this.#compactor.accepted;
  }

  get compactionsCompleted(): number {
    return this.#compactor.completed;
  }

  /**
   * Compacts: reads below `revision` fail from now on, and `compactStep` removes what they alone could
   * see. Errors: Compacted at or below the compact revision, FutureRevision above the newest.
   */
  compact(revision: number): EtcdError | undefined {
    return this.#compactor.schedule(revision, this.#revision);
  }

  /** Whether removal is not over yet, also while it pauses. */
  get compactionPending(): boolean {
    return this.#compactor.accepted !== this.#compactor.completed;
  }

  /**
   * Does a slice of removal, about `budget` stored revisions; returns the compaction if this ended it. Does
   * nothing while a read in steps is open.
   */
  compactStep(budget: number): FinishedCompaction | undefined {
    assert(!this.#writing, "Cannot compact inside a transaction");
    for (const read of this.#openReads) {
      if (!read.done) return undefined;
      this.#openReads.delete(read);
    }
    return this.#compactor.step(budget);
  }
}
