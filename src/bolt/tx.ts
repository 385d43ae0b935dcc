/**
 * A transaction: one consistent state of the whole file, to read or to change.
 *
 * Any number of reading transactions may be open; each keeps the pages of its state from being reused. One
 * writing transaction may be open; it sees its own changes, nobody else does before `commit`.
 */
import type { Done } from "../ports/disk.ts";
import { Bucket } from "./bucket.ts";
import type { Cursor } from "./cursor.ts";
import { BoltError } from "./errors.ts";
import { Tree } from "./tree.ts";
import type { TxState } from "./tx-state.ts";

/** What a transaction needs of the file it belongs to. */
export interface TxOwner {
  commit(tx: Tx, done: Done): void;
  /** The transaction is closed, without a commit. */
  release(tx: Tx): void;
  /** Fills `into` from `position` of the logical file: its pages as `tx` sees them. */
  readCopy(tx: Tx, into: Uint8Array, position: number): number;
}

/**
 * A transaction: one consistent state of the whole file. Made by `Db.beginRead` and `Db.beginWrite`; a reading one ends
 * with `rollback`, a writing one with `rollback` or `commit`.
 * Errors of every method: BoltError `txClosed` after that, `databaseFailed` when writing the file has failed meanwhile.
 */
export class Tx {
  /** For the folder's own use. @internal */
  readonly state: TxState;
  /** For the folder's own use: holds the buckets, and no keys. @internal */
  readonly root: Bucket;
  readonly #owner: TxOwner;

  /** Made by `Db.beginRead` and `Db.beginWrite`. @internal */
  constructor(state: TxState, owner: TxOwner) {
    this.state = state;
    this.#owner = owner;
    this.root = new Bucket(
      new Tree(state, state.meta.rootId, undefined),
      state.meta.rootSequence,
      0,
    );
  }

  /** Whether it is the writing transaction. */
  get writable(): boolean {
    return this.state.writable;
  }

  /** Transaction id: of the state that is read, or of the one that is being made. */
  get id(): number {
    return this.state.txid;
  }

  /** False after `commit` or `rollback`, and when the file was closed or has failed. */
  get isOpen(): boolean {
    return this.state.isOpen;
  }

  /** Logical size of the file in this state, in bytes: its high-water page id times the page size. */
  get sizeBytes(): number {
    return this.state.highWaterId * this.state.pageSize;
  }

  /** Opens the bucket `name` at the top of the file; `undefined` when there is none. Borrows `name`. O(log buckets). */
  bucket(name: Uint8Array): Bucket | undefined {
    return this.root.bucket(name);
  }

  /** Makes a bucket at the top of the file. Arguments and errors: see `Bucket.createBucket`. */
  createBucket(name: Uint8Array): Bucket {
    return this.root.createBucket(name);
  }

  /** Opens a bucket at the top of the file, making it where necessary. See `Bucket.createBucketIfNotExists`. */
  createBucketIfNotExists(name: Uint8Array): Bucket {
    return this.root.createBucketIfNotExists(name);
  }

  /** Deletes a bucket with all that is in it. Arguments and errors: see `Bucket.deleteBucket`. */
  deleteBucket(name: Uint8Array): void {
    this.root.deleteBucket(name);
  }

  /** Calls `visit` with the name of each bucket at the top of the file, in their order. O(buckets). */
  forEachBucket(visit: (name: Uint8Array) => void): void {
    this.root.forEachBucket(visit);
  }

  /** A cursor over the names of the buckets. */
  cursor(): Cursor {
    return this.root.cursor();
  }

  /**
   * Commits: makes the new pages at once, in time proportional to what changed, and then writes them
   * without holding anybody up. `done` is called, never before `commit` returned, when the new state is
   * durable, or with the error that ended the use of the file.
   *
   * The transaction is closed when `commit` returns, and the next one may begin then: it sees this state.
   * It may even be committed before `done`: it is written afterwards then, and its pages stay in memory
   * until its turn comes. Errors: BoltError txNotWritable, txClosed; CorruptionError or DiskError when a
   * page that had to be read cannot be: the file is as it was, and the Db is failed.
   */
  commit(done: Done): void {
    this.state.requireWritable();
    this.#owner.commit(this, done);
  }

  /** Closes the transaction; changes are forgotten. Does nothing when it is closed already. */
  rollback(): void {
    if (!this.state.isOpen) return;
    this.state.close(new BoltError("txClosed", "The transaction is closed"));
    this.#owner.release(this);
  }

  /**
   * Reads the file as it would be with this state alone: fills `into` from `position` (bytes) and returns
   * how many there were, fewer only at `sizeBytes`. Slice after slice this is a backup that opens like any
   * other file, however long it takes and whatever is committed meanwhile. For reading transactions.
   * Errors: BoltError txClosed; DiskError.
   */
  readCopy(into: Uint8Array, position: number): number {
    this.state.requireOpen();
    return this.#owner.readCopy(this, into, position);
  }
}
