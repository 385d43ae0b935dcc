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
import { Db } from "../bolt/db.ts";
import type { Tx } from "../bolt/tx.ts";
import type { Disk, Done } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { decodeUint64, encodeUint64 } from "./integers.ts";
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
}

export interface BackendSizes {
  /** High-water mark of the file, in bytes: what quota and status call the size. */
  readonly bytes: number;
  /** The part of it that holds data. */
  readonly bytesInUse: number;
}

/** Share of a page that is filled where keys only grow. Source: etcd (UnsafeSeqPut). */
const SEQUENTIAL_FILL_PERCENT = 0.9;

export class Backend {
  readonly #db: Db;
  #tx: Tx;
  readonly #buckets = new Map<BucketName, Bucket>();
  #pendingChanges = 0;

  private constructor(db: Db) {
    this.#db = db;
    this.#tx = db.beginWrite();
    this.#bindBuckets();
  }

  /**
   * Opens the database at `path`, or makes it with all its buckets. Errors: those of `Db.open`, which name
   * the file and leave it as it is.
   */
  static open(disk: Disk, path: string, options: BackendOptions = {}): Backend {
    return new Backend(Db.open(disk, path, { permissions: 0o600, ...options }));
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
  }

  delete(bucket: BucketName, key: Uint8Array): void {
    this.#pendingChanges++;
    this.bucket(bucket).delete(key);
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
    const index = this.get("meta", META.consistentIndex);
    const term = this.get("meta", META.term);
    return {
      index: index === undefined ? 0 : decodeUint64(index),
      term: term === undefined ? 0 : decodeUint64(term),
    };
  }

  /**
   * Makes all changes so far durable, together with `position`. Changes that follow belong to the next
   * commit, which may begin before this one is durable. `done` as in `Tx.commit`: after an error the
   * database is failed for good and the process has to end.
   */
  commit(position: Position, done: Done): void {
    this.put("meta", META.consistentIndex, encodeUint64(position.index));
    if (position.term > 0) this.put("meta", META.term, encodeUint64(position.term));
    this.#tx.commit(done);
    this.#tx = this.#db.beginWrite();
    this.#bindBuckets();
    this.#pendingChanges = 0;
  }

  /** Holds the last durable state. Close it: until then its pages cannot be used again. */
  pin(): PinnedState {
    return new PinnedState(this.#db.beginRead("durable"));
  }

  sizes(): BackendSizes {
    const { sizeBytes, inUseBytes } = this.#db.stats();
    return { bytes: sizeBytes, bytesInUse: inUseBytes };
  }

  /** Closes the file. Changes that were not committed are lost; no commit may be under way. */
  close(): void {
    this.#tx.rollback();
    this.#db.close();
  }

  #bindBuckets(): void {
    for (const name of BUCKET_NAMES) {
      this.#buckets.set(name, this.#tx.createBucketIfNotExists(bytesFromLatin1(name)));
    }
    this.bucket("key").fillPercent = SEQUENTIAL_FILL_PERCENT;
  }
}
