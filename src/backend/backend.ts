/**
 * The database of a member: buckets over a bolt file, with one open write transaction that gathers
 * changes until the next commit. Reads see everything that was written, committed or not.
 *
 * State is never durable without the index of the entry that made it: `commit` takes that index and puts
 * it into the same transaction.
 *
 * Source: etcd server/storage/backend, server/etcdserver/cindex.
 */
import { type Bucket } from "../bolt/bucket.ts";
import { CACHE_BYTES_MAX_DEFAULT } from "../bolt/limits.ts";
import { CommitTiming } from "../bolt/commit-timing.ts";
import { Db } from "../bolt/db.ts";
import type { Tx } from "../bolt/tx.ts";
import type { Clock } from "../ports/clock.ts";
import { DiskError, type Disk, type Done } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { DatabaseCopy } from "./database-copy.ts";
import { decodeUint64, encodeUint64 } from "./integers.ts";
import type { BackendMetrics } from "./metrics.ts";
import { PinnedState } from "./pinned-state.ts";
import { BUCKET_NAMES, type BucketName, META } from "./schema.ts";

/** How far the log is applied in the state that a commit makes durable. */
export interface Position {
  readonly index: number;
  readonly term: number;
}

export interface BackendOptions {
  /** Bound on clean pages of the database in memory, in bytes. */
  readonly cacheBytesMax?: number;
  /** As `DbOptions.freelistScan`. */
  readonly freelistScan?: "open" | "sliced";
  /** Counts and times commits; nobody does when absent. */
  readonly measures?: BackendMeasures;
}

export interface BackendMeasures {
  readonly metrics: BackendMetrics;
  readonly clock: Pick<Clock, "nowMs">;
}

export interface BackendSizes {
  /** High-water mark of the file, in bytes: what quota and status call the size. */
  readonly bytes: number;
  /** The part of it that holds data. */
  readonly bytesInUse: number;
}

/**
 * How a switch to a copy ended: done; or not done, with everything as it was, to be committed to the old
 * file; or with an error after which it is not known which file will be found, and the process has to end.
 */
export type SwitchOutcome = "switched" | "kept" | DiskError;

/** Share of a page that is filled where keys only grow. Source: etcd (UnsafeSeqPut). */
const SEQUENTIAL_FILL_PERCENT = 0.9;

export class Backend {
  readonly #disk: Disk;
  readonly #cacheBytesMax: number;
  readonly #measures: BackendMeasures | undefined;
  #db: Db;
  #tx: Tx;
  readonly #buckets = new Map<BucketName, Bucket>();
  #pendingChanges = 0;
  /** What is to take the place of the file. */
  #copy: DatabaseCopy | undefined;

  private constructor(disk: Disk, db: Db, cacheBytesMax: number, measures?: BackendMeasures) {
    this.#disk = disk;
    this.#cacheBytesMax = cacheBytesMax;
    this.#measures = measures;
    this.#db = db;
    if (measures !== undefined) db.timing = timingOf(measures);
    this.#tx = db.beginWrite();
    this.#bindBuckets();
  }

  /**
   * Opens the database at `path`, or makes it with all its buckets. Errors: those of `Db.open`, which name
   * the file and leave it as it is.
   */
  static open(disk: Disk, path: string, options: BackendOptions = {}): Backend {
    const cacheBytesMax = options.cacheBytesMax ?? CACHE_BYTES_MAX_DEFAULT;
    const freelistScan = options.freelistScan ?? "open";
    const db = Db.open(disk, path, { permissions: 0o600, cacheBytesMax, freelistScan });
    return new Backend(disk, db, cacheBytesMax, options.measures);
  }

  get path(): string {
    return this.#db.path;
  }

  /** Changes since the last commit. */
  get pendingChanges(): number {
    return this.#pendingChanges;
  }

  /** Returns the value of `key`; bytes that never change. O(log keys of the bucket). */
  get(bucket: BucketName, key: Uint8Array): Uint8Array | undefined {
    return this.bucket(bucket).get(key);
  }

  /** Sets a value. Keeps both arrays, which must not change any more. */
  put(bucket: BucketName, key: Uint8Array, value: Uint8Array): void {
    this.#pendingChanges++;
    this.bucket(bucket).put(key, value);
    this.#copy?.put(bucket, key, value);
  }

  delete(bucket: BucketName, key: Uint8Array): void {
    this.#pendingChanges++;
    this.bucket(bucket).delete(key);
    this.#copy?.delete(bucket, key);
  }

  /** Calls `visit` with every item of a bucket, in key order. */
  forEach(bucket: BucketName, visit: (key: Uint8Array, value: Uint8Array) => void): void {
    const cursor = this.bucket(bucket).cursor();
    for (let found = cursor.first(); found; found = cursor.next()) {
      if (cursor.key !== undefined && cursor.value !== undefined) visit(cursor.key, cursor.value);
    }
  }

  /** A bucket in the open transaction: valid until the next commit. */
  bucket(name: BucketName): Bucket {
    const bucket = this.#buckets.get(name);
    assert(bucket !== undefined, () => `Bucket "${name}" must exist`);
    return bucket;
  }

  /** What the newest commit says about the log; index 0 for a fresh database. */
  position(): Position {
    return positionIn(this.bucket("meta"));
  }

  /**
   * Makes all changes so far durable, together with `position`. Changes that follow belong to the next
   * commit, which may begin before this one is durable. `done` as in `Tx.commit`: after an error the
   * database is failed for good and the process has to end.
   */
  commit(position: Position, done: Done): void {
    this.#putPosition(position);
    this.#tx.commit(this.#measured(done));
    this.#tx = this.#db.beginWrite();
    this.#bindBuckets();
    this.#pendingChanges = 0;
  }

  /**
   * Starts a copy of the database in a new file at `path`, which the caller fills with `copySlice` and
   * commits, and which gets every change from now on. One at a time. Errors: DiskError, BoltError.
   */
  beginCopy(path: string): DatabaseCopy {
    assert(this.#copy === undefined, "There is a copy already");
    this.#copy = new DatabaseCopy(this.#disk, path, this.#tx, this.#db.pageSize);
    return this.#copy;
  }

  /** See `DatabaseCopy.copySlice`. */
  copySlice(budget: number): void {
    this.#copy?.copySlice(this.#tx, budget);
  }

  /** Gives the copy up; see `DatabaseCopy.abandon`. */
  dropCopy(): void {
    this.#copy?.abandon();
    this.#copy = undefined;
  }

  /** Whether the next commit can make the copy the database. */
  get isCopyReady(): boolean {
    const copy = this.#copy;
    if (copy === undefined || copy.failure !== undefined) return false;
    return copy.isComplete && !copy.isCommitting && !this.#db.isBusy;
  }

  /**
   * Commits like `commit`, but to the copy, which then takes the name of the database and its place here.
   * Until that is durable both files get all changes, and the old one is what a crash leaves. Only when
   * `isCopyReady`.
   */
  commitToCopy(position: Position, done: (outcome: SwitchOutcome) => void): void {
    const copy = this.#copy;
    assert(copy !== undefined && this.isCopyReady, "There is no copy to switch to");
    this.#putPosition(position);
    const earlierChanges = this.#pendingChanges;
    this.#pendingChanges = 0;
    const measured = this.#measured(() => {
      if (copy.failure !== undefined) {
        this.#pendingChanges += earlierChanges;
        this.dropCopy();
        done("kept");
        return;
      }
      try {
        this.#switchTo(copy);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        done(error);
        return;
      }
      done("switched");
    });
    copy.commit(() => measured(undefined));
  }

  /** Holds the last durable state. Close it: until then its pages cannot be used again. */
  pin(): PinnedState {
    return new PinnedState(this.#db.beginRead("durable"));
  }

  /** As `pin`, for a state that is sent away as a whole: how long that takes is counted. */
  pinToSend(): PinnedState {
    const state = this.pin();
    const measures = this.#measures;
    if (measures === undefined) return state;
    const { metrics, clock } = measures;
    const startMs = clock.nowMs();
    state.onClosed = () => metrics.snapshotSeconds.observe((clock.nowMs() - startMs) / 1000);
    return state;
  }

  /** See `Db.scanFreePages`: for a database that was opened with a sliced scan. */
  scanFreePages(pagesMax: number): boolean {
    return this.#db.scanFreePages(pagesMax);
  }

  /** Runs `pass` over much of the database, which must not commit, nor wait: what it scans is read ahead. */
  whilePassing<T>(pass: () => T): T {
    return this.#db.whilePassing(pass);
  }

  /** Transactions that hold states of the file. */
  get openReads(): number {
    return this.#db.stats().openReaders;
  }

  sizes(): BackendSizes {
    const { sizeBytes, inUseBytes } = this.#db.stats();
    return { bytes: sizeBytes, bytesInUse: inUseBytes };
  }

  /**
   * Ends the use of a file that another one has replaced: nothing is read or written through this any more.
   * States that are held stay readable; the file ends with the last of them.
   */
  retire(): void {
    this.dropCopy();
    this.#db.retire();
  }

  /** Closes the file, and gives up a copy. Changes that were not committed are lost; no commit may be under way. */
  close(): void {
    this.dropCopy();
    this.#tx.rollback();
    this.#db.close();
  }

  /** `done`, with the time of the commit taken. */
  #measured(done: Done): Done {
    const measures = this.#measures;
    if (measures === undefined) return done;
    const { metrics, clock } = measures;
    const startMs = clock.nowMs();
    return (error) => {
      metrics.commitSeconds.observe((clock.nowMs() - startMs) / 1000);
      done(error);
    };
  }

  #putPosition(position: Position): void {
    this.put("meta", META.consistentIndex, encodeUint64(position.index));
    if (position.term > 0) this.put("meta", META.term, encodeUint64(position.term));
  }

  #switchTo(copy: DatabaseCopy): void {
    const { db, tx } = copy.replace(this.#db.path);
    this.#copy = undefined;
    db.cacheBytesMax = this.#cacheBytesMax;
    if (this.#measures !== undefined) db.timing = timingOf(this.#measures);
    // Backups may still read from the old file: it ends with the last of them.
    this.#db.retire();
    this.#db = db;
    this.#tx = tx;
    this.#bindBuckets();
  }

  #bindBuckets(): void {
    for (const name of BUCKET_NAMES) {
      this.#buckets.set(name, this.#tx.createBucketIfNotExists(bytesFromLatin1(name)));
    }
    this.bucket("key").fillPercent = SEQUENTIAL_FILL_PERCENT;
  }
}

function timingOf({ metrics, clock }: BackendMeasures): CommitTiming {
  return new CommitTiming(metrics.commitParts, () => clock.nowMs());
}

/**
 * The position of the database at `path`, which is not opened for use: nothing is locked or written. Errors:
 * those of `Db.open`.
 */
export function readPosition(disk: Disk, path: string): Position {
  const db = Db.open(disk, path, { readOnly: true });
  try {
    return positionIn(db.beginRead().bucket(bytesFromLatin1("meta")));
  } finally {
    db.close();
  }
}

function positionIn(meta: Bucket | undefined): Position {
  const index = meta?.get(META.consistentIndex);
  const term = meta?.get(META.term);
  return {
    index: index === undefined ? 0 : decodeUint64(index),
    term: term === undefined ? 0 : decodeUint64(term),
  };
}
