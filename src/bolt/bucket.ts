/**
 * A bucket: sorted keys with values, a sequence number, and buckets inside.
 *
 * In the bucket above it is an item whose value is a header, `root page id u64 | sequence u64`. A bucket
 * with a single small leaf and no buckets inside has root page id 0, and the leaf follows the header.
 */
import { bytesFromLatin1, EMPTY_BYTES, latin1FromBytes } from "../stdx/bytes.ts";
import type { CommitTiming } from "./commit-timing.ts";
import { Cursor } from "./cursor.ts";
import { BoltError, CorruptionError } from "./errors.ts";
import { BUCKET_FLAG, BUCKET_HEADER_BYTES, readU64, viewOf, writeU64 } from "./layout.ts";
import { LentMemory, LentPages } from "./lent-pages.ts";
import { LeafNode } from "./leaf-node.ts";
import { BUCKET_DEPTH_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import { Page, parsePage } from "./page.ts";
import { rebalance } from "./rebalance.ts";
import { encodeInlineLeaf, estimatePages, spill } from "./spill.ts";
import { Tree } from "./tree.ts";
import type { Ref } from "./tree.ts";

const SEQUENCE_MAX = 2n ** 64n - 1n;

/**
 * A bucket of one transaction: sorted keys, their values, and buckets inside. Made by `Tx.bucket`, `Tx.createBucket` and
 * the like; it ends with its transaction. Keys are compared byte by byte.
 * Errors of every method: BoltError `txClosed` after the end of the transaction, `bucketNotFound` after the bucket was
 * deleted in it; CorruptionError and DiskError when a page cannot be read.
 */
export class Bucket {
  readonly #tree: Tree;
  /** Levels of buckets above this one. */
  readonly #depth: number;
  /** Buckets inside that were opened, by name. */
  readonly #opened = new Map<string, Bucket>();
  /** The header as the bucket above has it. */
  readonly #storedRootId: number;
  readonly #storedSequence: bigint;
  #sequence: bigint;
  /** The bucket was deleted: its pages may belong to others soon. */
  #isDeleted = false;

  /** Made by `Tx` and by `Bucket.bucket`. @internal */
  constructor(tree: Tree, sequence: bigint, depth: number) {
    this.#tree = tree;
    this.#depth = depth;
    this.#storedRootId = tree.rootId;
    this.#storedSequence = sequence;
    this.#sequence = sequence;
  }

  /** Page id of the root page in the file; 0 for a bucket inside of its value. */
  get rootId(): number {
    return this.#tree.rootId;
  }

  /**
   * Share of a page that commit fills when it splits one, 0.1 to 1, default 0.5; what is outside is cut to that. Close
   * to 1 is right for keys that only grow. Holds for this transaction.
   */
  get fillPercent(): number {
    return this.#tree.fillPercent;
  }

  /** Sets it, for this transaction. */
  set fillPercent(share: number) {
    this.#tree.fillPercent = share;
  }

  /**
   * Returns the value of `key`, or `undefined` when there is none or it is a bucket. A view of memory that
   * never changes, or the very array that was put. Borrows `key` until return. O(log keys).
   */
  get(key: Uint8Array): Uint8Array | undefined {
    this.#requireOpen();
    const leaf = this.#tree.leafFor(key);
    const at = leaf.find(key);
    if (at < 0 || (leaf.flagsAt(at) & BUCKET_FLAG) !== 0) return undefined;
    return leaf.valueAt(at);
  }

  /**
   * Sets the value of `key`. Keeps both arrays: they must not be changed any more. A key that is larger
   * than all others costs O(1). Errors: BoltError keyRequired, keyTooLarge, valueTooLarge,
   * incompatibleValue (the key is a bucket), txNotWritable, txClosed.
   */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#requireWritable();
    if (key.length === 0) throw new BoltError("keyRequired", "A key must not be empty");
    if (key.length > KEY_BYTES_MAX) {
      throw new BoltError("keyTooLarge", `A key of ${key.length} bytes: at most ${KEY_BYTES_MAX}`);
    }
    if (value.length > VALUE_BYTES_MAX) {
      throw new BoltError(
        "valueTooLarge",
        `A value of ${value.length} bytes: at most ${VALUE_BYTES_MAX}`,
      );
    }
    if (!this.#tree.put(key, value, 0)) {
      throw new BoltError("incompatibleValue", "Cannot put a value in the place of a bucket");
    }
  }

  /**
   * Removes `key`; nothing happens when it is not there. Borrows `key` until return. Errors: BoltError
   * incompatibleValue (the key is a bucket), txNotWritable, txClosed.
   */
  delete(key: Uint8Array): void {
    this.#requireWritable();
    const leaf = this.#tree.leafFor(key, this.#tree.state.store.changing);
    const at = leaf.find(key);
    if (at < 0) return;
    if ((leaf.flagsAt(at) & BUCKET_FLAG) !== 0) {
      throw new BoltError("incompatibleValue", "Cannot delete a bucket as a key");
    }
    this.#tree.remove(key);
  }

  /** A cursor that stands before all items: `next` moves it to the first one. */
  cursor(): Cursor {
    this.#requireOpen();
    return new Cursor(this.#tree, undefined);
  }

  /**
   * A cursor for passes over many items, whose pages do not enter the cache. Its keys and values are lent:
   * they are valid until it moves again, or another one that was given the same `memory`.
   */
  lendingCursor(memory: LentMemory = new LentMemory()): Cursor {
    this.#requireOpen();
    return new Cursor(this.#tree, new LentPages(this.#tree.state.store, memory));
  }

  /**
   * Opens the bucket `name` inside of this one; `undefined` when there is none, or when it is a key. Borrows `name`
   * until return. O(log items). Errors: BoltError bucketTooDeep, with more than 256 buckets inside each other.
   */
  bucket(name: Uint8Array): Bucket | undefined {
    this.#requireOpen();
    const text = latin1FromBytes(name);
    const opened = this.#opened.get(text);
    if (opened !== undefined) return opened;
    const leaf = this.#tree.leafFor(name);
    const at = leaf.find(name);
    if (at < 0 || (leaf.flagsAt(at) & BUCKET_FLAG) === 0) return undefined;
    const child = this.#openValue(leaf.valueAt(at), leaf instanceof Page ? leaf.id : 0);
    this.#opened.set(text, child);
    return child;
  }

  /**
   * Makes the bucket `name`. Copies `name`. Errors: BoltError bucketExists, incompatibleValue (it is a
   * key), bucketNameRequired, keyTooLarge, bucketTooDeep, txNotWritable, txClosed.
   */
  createBucket(name: Uint8Array): Bucket {
    this.#requireWritable();
    requireName(name);
    if (this.#depth + 1 >= BUCKET_DEPTH_MAX) throw tooDeep();
    const leaf = this.#tree.leafFor(name);
    const at = leaf.find(name);
    if (at >= 0) {
      if ((leaf.flagsAt(at) & BUCKET_FLAG) === 0) {
        throw new BoltError("incompatibleValue", "A key has the name of the bucket");
      }
      throw new BoltError("bucketExists", "The bucket exists already");
    }
    const header = encodeHeader(encodeInlineLeaf(LeafNode.empty(), BUCKET_HEADER_BYTES), 0, 0n);
    const child = this.#openValue(header, 0);
    const ownName = name.slice();
    this.#tree.put(ownName, header, BUCKET_FLAG);
    this.#opened.set(latin1FromBytes(ownName), child);
    return child;
  }

  /** Opens the bucket `name`, making it where necessary. Errors: as `createBucket`. */
  createBucketIfNotExists(name: Uint8Array): Bucket {
    this.#requireWritable();
    return this.bucket(name) ?? this.createBucket(name);
  }

  /**
   * Deletes the bucket `name` with all that is in it. O(its pages). Errors: BoltError bucketNotFound,
   * incompatibleValue (it is a key), txNotWritable, txClosed; CorruptionError.
   */
  deleteBucket(name: Uint8Array): void {
    this.#requireWritable();
    const child = this.bucket(name);
    if (child === undefined) {
      const leaf = this.#tree.leafFor(name);
      if (leaf.find(name) < 0) throw new BoltError("bucketNotFound", "There is no such bucket");
      throw new BoltError("incompatibleValue", "Cannot delete a key as a bucket");
    }
    child.#freeAll();
    this.#opened.delete(latin1FromBytes(name));
    this.#tree.remove(name);
  }

  /** The sequence number of the bucket, 64 bits without sign: a counter that is stored with it. 0 in a new one. */
  get sequence(): bigint {
    this.#requireOpen();
    return this.#sequence;
  }

  /**
   * Adds one to the sequence number and returns it; after 2^64 - 1 comes 0. Errors: BoltError txNotWritable, txClosed.
   */
  nextSequence(): bigint {
    this.#requireWritable();
    this.#sequence = BigInt.asUintN(64, this.#sequence + 1n);
    return this.#sequence;
  }

  /**
   * Sets the sequence number. Errors: BoltError valueTooLarge (negative, or of more than 64 bits), txNotWritable,
   * txClosed.
   */
  setSequence(value: bigint): void {
    this.#requireWritable();
    if (value < 0n || value > SEQUENCE_MAX) {
      throw new BoltError("valueTooLarge", `Cannot set the sequence to ${value}`);
    }
    this.#sequence = value;
  }

  /** Calls `visit` with the name of each bucket directly inside, in their order. O(items of this bucket). */
  forEachBucket(visit: (name: Uint8Array) => void): void {
    const cursor = this.cursor();
    for (let found = cursor.first(); found; found = cursor.next()) {
      if (cursor.isBucket && cursor.key !== undefined) visit(cursor.key);
    }
  }

  /** About how many pages `flush` is going to write. @internal */
  estimatePages(): number {
    let pages = estimatePages(this.#tree, this.#tree.node);
    for (const child of this.#opened.values()) pages += child.estimatePages();
    return pages;
  }

  /**
   * Commit: writes what changed to new pages and returns the bucket's value for the bucket above, or
   * `undefined` when nothing changed. `mayInline`: false for the root bucket. `timing` measures it. The bucket is
   * used up.
   * @internal
   */
  flush(mayInline: boolean, timing?: CommitTiming): Uint8Array | undefined {
    const tree = this.#tree;
    for (const [name, child] of this.#opened) {
      const value = child.flush(true, timing);
      if (value !== undefined) tree.put(bytesFromLatin1(name), value, BUCKET_FLAG);
    }
    if (timing === undefined) rebalance(tree);
    else timing.rebalance(() => rebalance(tree));
    const root = tree.node;
    if (mayInline && root?.isLeaf === true && fitsInline(root, tree.state.pageSize)) {
      tree.freeHome(root);
      return encodeHeader(encodeInlineLeaf(root, BUCKET_HEADER_BYTES), 0, this.#sequence);
    }
    if (timing === undefined) spill(tree);
    else timing.spill(() => spill(tree));
    const isSame = tree.rootId === this.#storedRootId && this.#sequence === this.#storedSequence;
    if (isSame) return undefined;
    const image = tree.inline === undefined ? EMPTY_BYTES : tree.inline.bytes;
    const value = new Uint8Array(BUCKET_HEADER_BYTES + image.length);
    value.set(image, BUCKET_HEADER_BYTES);
    return encodeHeader(value, tree.rootId, this.#sequence);
  }

  /** Opens the bucket with this value, which page `ownerId` has (0: memory). */
  #openValue(value: Uint8Array, ownerId: number): Bucket {
    const { state } = this.#tree;
    if (this.#depth + 1 >= BUCKET_DEPTH_MAX) throw tooDeep();
    if (value.length < BUCKET_HEADER_BYTES) {
      throw new CorruptionError(state.path, ownerId, "a bucket is shorter than its header");
    }
    const view = viewOf(value);
    const rootId = readU64(view, 0);
    let inline: Page | undefined;
    if (rootId === 0) {
      inline = parsePage(state.path, 0, value.subarray(BUCKET_HEADER_BYTES), ownerId);
      if (!inline.isLeaf) {
        throw new CorruptionError(state.path, ownerId, "an inline bucket is no leaf");
      }
    }
    const tree = new Tree(state, rootId, inline);
    return new Bucket(tree, view.getBigUint64(8, true), this.#depth + 1);
  }

  /** Frees all pages of this bucket and of those inside. */
  #freeAll(): void {
    this.#isDeleted = true;
    this.#freeBelow(this.#tree.root(), 0);
  }

  #freeBelow(ref: Ref, depth: number): void {
    const tree = this.#tree;
    tree.checkDepth(depth, ref);
    // Freed before its children: a page that comes up again is refused, so circles end.
    if (!(ref instanceof Page)) tree.freeHome(ref);
    else if (ref.id !== 0) tree.state.free(ref.id, ref.overflow + 1);
    if (!ref.isLeaf) {
      const branch = ref;
      for (let index = 0; index < branch.count; index++) {
        this.#freeBelow(tree.child(branch, index), depth + 1);
      }
      return;
    }
    const leaf = ref;
    for (let index = 0; index < leaf.count; index++) {
      if ((leaf.flagsAt(index) & BUCKET_FLAG) === 0) continue;
      const opened = this.#opened.get(latin1FromBytes(leaf.keyAt(index)));
      const ownerId = leaf instanceof Page ? leaf.id : 0;
      const child = opened ?? this.#openValue(leaf.valueAt(index), ownerId);
      child.#freeAll();
    }
  }

  #requireOpen(): void {
    this.#tree.state.requireOpen();
    if (this.#isDeleted) throw deleted();
  }

  #requireWritable(): void {
    this.#tree.state.requireWritable();
    if (this.#isDeleted) throw deleted();
  }
}

/** Whether the leaf may be stored in the bucket's value: small, and without buckets. */
function fitsInline(leaf: LeafNode, pageSize: number): boolean {
  if (leaf.bytes > pageSize / 4) return false;
  for (let index = 0; index < leaf.count; index++) {
    if ((leaf.flagsAt(index) & BUCKET_FLAG) !== 0) return false;
  }
  return true;
}

/** Writes the header into the first bytes of `value` and returns it. */
function encodeHeader(value: Uint8Array, rootId: number, sequence: bigint): Uint8Array {
  const view = viewOf(value);
  writeU64(view, 0, rootId);
  view.setBigUint64(8, sequence, true);
  return value;
}

function requireName(name: Uint8Array): void {
  if (name.length === 0) {
    throw new BoltError("bucketNameRequired", "The name of a bucket must not be empty");
  }
  if (name.length > KEY_BYTES_MAX) {
    throw new BoltError("keyTooLarge", `A name of ${name.length} bytes: at most ${KEY_BYTES_MAX}`);
  }
}

function tooDeep(): BoltError {
  return new BoltError("bucketTooDeep", `Over ${BUCKET_DEPTH_MAX} buckets inside each other`);
}

function deleted(): BoltError {
  return new BoltError("bucketNotFound", "The bucket was deleted in this transaction");
}
