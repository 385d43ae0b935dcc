/**
 * Making a store from storage at start, in steps: one pass over all stored revisions rebuilds the index
 * and finds which key is attached to which lease.
 *
 * The current revision is the newest one stored, but never below the compaction marks: a compaction may
 * have removed the newest revisions (deletions), and revisions must not be given twice.
 *
 * Source: etcd server/mvcc/kvstore.go (restore, restoreIntoIndex; 3.5.30).
 */
import { assert } from "../stdx/assert.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import { KeyValueReader, keyOf } from "../wire/key-value.ts";
import { Compactor } from "./compaction.ts";
import type { LeaseBook } from "./lease-book.ts";
import { MvccMetrics } from "./metrics.ts";
import type { RevisionStorage } from "./storage.ts";
import { Store } from "./store.ts";
import { TreeIndex } from "./tree-index.ts";
import type { ChangeSink } from "./write-transaction.ts";

/** What a restore found, for the log. */
export interface RestoreSummary {
  readonly revisions: number;
  readonly keys: number;
  /** Keys whose stored lease no longer exists; they stay, without a lease. */
  readonly keysWithoutTheirLease: number;
}

export class Restore {
  readonly #storage: RevisionStorage;
  readonly #leases: LeaseBook;
  readonly #changes: ChangeSink;
  readonly #metrics: MvccMetrics;
  readonly #index = new TreeIndex();
  readonly #reader = new KeyValueReader();
  readonly #leaseOfKey = new Map<string, bigint>();
  #lastMain = 1;
  #nextMain = 0;
  #nextSub = 0;
  #revisions = 0;
  #keysWithoutTheirLease = 0;
  #scanned = false;

  /** `leases` must already know all granted leases. `metrics` are those of the store. */
  constructor(
    storage: RevisionStorage,
    leases: LeaseBook,
    changes: ChangeSink,
    metrics: MvccMetrics = new MvccMetrics(new MetricsRegistry()),
  ) {
    this.#metrics = metrics;
    this.#storage = storage;
    this.#leases = leases;
    this.#changes = changes;
  }

  /** Progress, and the result when done. */
  get summary(): RestoreSummary {
    return {
      revisions: this.#revisions,
      keys: this.#index.liveKeys,
      keysWithoutTheirLease: this.#keysWithoutTheirLease,
    };
  }

  /** Reads up to `budget` stored revisions; returns whether all are read. */
  step(budget: number): boolean {
    assert(budget > 0, "Cannot step a restore without a budget");
    let left = budget;
    const end = Number.MAX_SAFE_INTEGER;
    this.#storage.scan(this.#nextMain, this.#nextSub, end, (main, sub, tombstone, value) => {
      // A revision out of order could be read here and never be found again.
      const inOrder = main > this.#nextMain || (main === this.#nextMain && sub >= this.#nextSub);
      assert(inOrder, "Stored revisions must be in order");
      if (tombstone) this.#addTombstone(main, sub, value);
      else this.#addPut(main, sub, value);
      this.#lastMain = main;
      this.#nextMain = main;
      this.#nextSub = sub + 1;
      left--;
      return left > 0;
    });
    this.#revisions += budget - left;
    this.#scanned = left > 0;
    return this.#scanned;
  }

  /** Attaches keys to their leases, resumes an interrupted compaction, and returns the store. */
  finish(): Store {
    assert(this.#scanned, "Cannot finish a restore before all revisions are read");
    for (const [key, lease] of this.#leaseOfKey) {
      if (this.#leases.exists(lease)) this.#leases.attach(lease, key);
      else this.#keysWithoutTheirLease++;
    }
    const compactor = new Compactor(this.#index, this.#storage);
    const revision = Math.max(
      this.#lastMain,
      compactor.compactRevision,
      compactor.scheduledRevision ?? 0,
    );
    compactor.resume(revision);
    return new Store({
      index: this.#index,
      storage: this.#storage,
      compactor,
      leases: this.#leases,
      changes: this.#changes,
      metrics: this.#metrics,
      revision,
    });
  }

  #addPut(main: number, sub: number, value: Uint8Array): void {
    this.#reader.read(value);
    const { createRevision, version } = this.#reader;
    const key = latin1FromBytes(this.#reader.key());
    // A restore with higher revisions has put an empty message there, which is the first of an empty key.
    if (version === 0) this.#index.restorePut(key, main, sub, main, 1);
    else this.#index.restorePut(key, main, sub, createRevision, version);
    const lease = this.#reader.lease();
    if (lease !== 0n) this.#leaseOfKey.set(key, lease);
    else if (this.#leaseOfKey.size > 0) this.#leaseOfKey.delete(key);
  }

  #addTombstone(main: number, sub: number, value: Uint8Array): void {
    const key = latin1FromBytes(keyOf(value));
    this.#index.restoreTombstone(key, main, sub);
    if (this.#leaseOfKey.size > 0) this.#leaseOfKey.delete(key);
  }
}
