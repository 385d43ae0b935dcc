/**
 * A compact copy of a database in the making, beside the database that stays in use.
 *
 * Buckets are copied one after the other and items in key order, a slice at a time, from the transaction
 * that is open at the time of the slice: so what changes in front of the place reached is met there. What
 * changes behind it is written to the copy too (`put`, `delete`). Hence at every moment the copy holds
 * exactly what the database holds up to that place, and when everything is copied it is the database:
 *
 *   keys of a bucket   a b c d e f │ g h i j k …
 *                      copied, and │ not copied yet: changes
 *                      kept equal  │ will be met
 *                            place reached
 *
 * Memory is bounded: the caller commits the copy, to its own file, before much has gathered.
 *
 * Bucket `key`, the large one, comes last: it grows at its end only, so most changes are still in front.
 *
 * Source for the order and the fill of pages: etcd server/storage/backend/backend.go (defragdb).
 */
import type { Bucket } from "../bolt/bucket.ts";
import { Db } from "../bolt/db.ts";
import { LentMemory } from "../bolt/lent-pages.ts";
import type { Tx } from "../bolt/tx.ts";
import type { Disk } from "../ports/disk.ts";
import { assert } from "../stdx/assert.ts";
import { bytesFromLatin1, compareBytes, latin1FromBytes } from "../stdx/bytes.ts";
import { COPY_BYTES_PER_BUDGET_UNIT, COPY_CACHE_BYTES_MAX } from "./limits.ts";
import { Slab } from "./slab.ts";

/** Share of a page that is filled. Source: etcd (defragdb). */
const FILL_PERCENT = 0.9;

/** The bucket that is copied last. */
const LAST_BUCKET = "key";

/** How far a copy has come. */
export interface CopyProgress {
  readonly items: number;
  /** Of keys and values. */
  readonly bytes: number;
}

export class DatabaseCopy {
  readonly #disk: Disk;
  readonly #temporaryPath: string;
  readonly #db: Db;
  #tx: Tx;
  /** Buckets of the open transaction. */
  readonly #buckets = new Map<string, Bucket>();
  /** Names of the buckets that are not copied yet; the last one is being copied. */
  readonly #names: string[];
  /** The last key copied of that bucket. */
  #lastKey: Uint8Array | undefined;
  /** What the open transaction has of the items that were copied. */
  readonly #slab = new Slab();
  /** What is read of the database. */
  readonly #lent = new LentMemory();
  #items = 0;
  #bytes = 0;
  #pendingBytes = 0;
  #isCommitting = false;
  #failure: Error | undefined;

  /**
   * Starts a copy of what `source` sees in a new file at `path`, locked at once; what is there is removed.
   * Errors: DiskError, BoltError.
   */
  constructor(disk: Disk, path: string, source: Tx, pageSize: number) {
    this.#disk = disk;
    this.#temporaryPath = path;
    disk.remove(path);
    try {
      this.#db = Db.open(disk, path, {
        pageSize,
        cacheBytesMax: COPY_CACHE_BYTES_MAX,
        reusePageMemory: true,
        // The threads that write are few, and the log must find one free.
        writesUnderWayMax: 1,
      });
    } catch (error) {
      disk.remove(path);
      throw error;
    }
    this.#tx = this.#db.beginWrite();
    const names: string[] = [];
    source.forEachBucket((name) => names.push(latin1FromBytes(name)));
    this.#names = names.filter((name) => name !== LAST_BUCKET).reverse();
    if (names.includes(LAST_BUCKET)) this.#names.unshift(LAST_BUCKET);
    for (const name of names) this.#bucket(name);
  }

  get progress(): CopyProgress {
    return { items: this.#items, bytes: this.#bytes };
  }

  /** Bytes of keys and values written since the last commit. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Everything is copied, and every change is written to the copy from now on. */
  get isComplete(): boolean {
    return this.#names.length === 0;
  }

  get isCommitting(): boolean {
    return this.#isCommitting;
  }

  /** Why the copy is of no use any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Copies the next items of what `source` sees now; `budget` counts items, large ones count more. Errors:
   * DiskError and CorruptionError of the source.
   */
  copySlice(source: Tx, budget: number): void {
    let left = budget;
    while (left > 0) {
      const name = this.#names.at(-1);
      if (name === undefined) return;
      left = this.#copyFrom(source, name, left);
      if (left <= 0) return;
      this.#names.pop();
      this.#lastKey = undefined;
      left--;
    }
  }

  /** Takes over a change of the database. */
  put(bucket: string, key: Uint8Array, value: Uint8Array): void {
    if (this.#failure !== undefined || !this.#isCopied(bucket, key)) return;
    this.#pendingBytes += key.length + value.length;
    this.#attempt(() => this.#bucket(bucket).put(key, value));
  }

  /** Takes over a deletion. */
  delete(bucket: string, key: Uint8Array): void {
    if (this.#failure !== undefined || !this.#isCopied(bucket, key)) return;
    this.#pendingBytes += key.length;
    this.#attempt(() => this.#bucket(bucket).delete(key));
  }

  /**
   * Writes what has gathered to the file, one commit at a time. `done` is called when it is durable, or when
   * there is a `failure`; maybe before this returns.
   */
  commit(done: () => void): void {
    assert(!this.#isCommitting, "A commit of the copy is under way");
    this.#isCommitting = true;
    this.#pendingBytes = 0;
    this.#attempt(() => {
      this.#tx.commit((error) => {
        this.#isCommitting = false;
        this.#failure ??= error;
        done();
      });
      // The pages are made: nobody needs the items any more.
      this.#slab.clear();
      this.#tx = this.#db.beginWrite();
      this.#buckets.clear();
    });
    if (this.#failure === undefined) return;
    this.#isCommitting = false;
    done();
  }

  /**
   * Gives the copy the name of the database, durably, and hands it over with its open transaction. Errors:
   * DiskError: which of the two files has the name after a power failure is unknown then.
   */
  replace(path: string): { readonly db: Db; readonly tx: Tx } {
    assert(this.isComplete && !this.#isCommitting, "The copy is not complete");
    this.#db.rename(this.#disk, path);
    this.#db.keepPageMemory();
    return { db: this.#db, tx: this.#tx };
  }

  /**
   * Gives the copy up and removes its file. A commit that is under way is forgotten: its `done` is not
   * called. Errors: DiskError.
   */
  abandon(): void {
    this.#failure ??= new Error("The copy was given up");
    this.#db.retire();
    // After `replace` nothing has this name.
    this.#disk.remove(this.#temporaryPath);
  }

  /** Copies from a bucket until the budget is used or the bucket is; returns what is left of the budget. */
  #copyFrom(source: Tx, name: string, budget: number): number {
    const from = source.bucket(bytesFromLatin1(name));
    if (from === undefined) return budget;
    const to = this.#bucket(name);
    const cursor = from.lendingCursor(this.#lent);
    let left = budget;
    let found = this.#startAt(cursor);
    let last: Uint8Array | undefined;
    for (; found && left > 0; found = cursor.next()) {
      const { key, value } = cursor;
      assert(key !== undefined, "A cursor at an item has a key");
      if (value === undefined) throw new Error(`Bucket "${name}" has a bucket inside`);
      last = this.#slab.keep(key);
      to.put(last, this.#slab.keep(value));
      const bytes = key.length + value.length;
      this.#items++;
      this.#bytes += bytes;
      this.#pendingBytes += bytes;
      left -= 1 + bytes / COPY_BYTES_PER_BUDGET_UNIT;
    }
    if (last !== undefined) this.#lastKey = last.slice();
    return found ? Math.min(left, 0) : left;
  }

  /** Moves to the first item that is not copied. */
  #startAt(cursor: ReturnType<Bucket["cursor"]>): boolean {
    const last = this.#lastKey;
    if (last === undefined) return cursor.first();
    if (!cursor.seek(last)) return false;
    const isCopied = cursor.key !== undefined && compareBytes(cursor.key, last) === 0;
    return isCopied ? cursor.next() : true;
  }

  /** Whether the copy has come past this key. */
  #isCopied(bucket: string, key: Uint8Array): boolean {
    const current = this.#names.at(-1);
    if (bucket === current) {
      return this.#lastKey !== undefined && compareBytes(key, this.#lastKey) <= 0;
    }
    return !this.#names.includes(bucket);
  }

  #bucket(name: string): Bucket {
    const open = this.#buckets.get(name);
    if (open !== undefined) return open;
    const bucket = this.#tx.createBucketIfNotExists(bytesFromLatin1(name));
    bucket.fillPercent = FILL_PERCENT;
    this.#buckets.set(name, bucket);
    return bucket;
  }

  /** A change must not fail because the copy, which nobody needs yet, does. */
  #attempt(change: () => void): void {
    try {
      change();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }
}
