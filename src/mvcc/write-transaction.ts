/**
 * A write transaction: puts and deletions that share one main revision, visible to its own reads at once
 * and to everybody else at `end`. There is one at a time, between two synchronous steps of the caller, and
 * it cannot be abandoned: whoever opens one has checked before that everything in it will succeed.
 *
 * Source: etcd server/mvcc/kvstore_txn.go.
 */
import { assert } from "../stdx/assert.ts";
import { bytesFromLatin1, EMPTY_BYTES, latin1FromBytes } from "../stdx/bytes.ts";
import { encodeKeyValueParts } from "../wire/key-value.ts";
import type { KeyRange } from "./key-range.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { MvccMetrics } from "./metrics.ts";
import type { ReadView } from "./read-view.ts";
import type { RevisionStorage } from "./storage.ts";
import type { TreeIndex } from "./tree-index.ts";

/** One change of a transaction: what a watch event is made of. Its sub revision is its place in the list. */
export interface KeyChange {
  /** The key as a latin1 string. */
  readonly key: string;
  readonly tombstone: boolean;
  /** Marshalled `mvccpb.KeyValue` as the event shows it: a deletion's has key and mod_revision. */
  readonly keyValue: Uint8Array;
}

/** Receives the changes of every transaction that changed something, in revision order. */
export interface ChangeSink {
  /** Called once per transaction, when reads already see it. `changes` and its bytes may be kept. */
  onChanges(revision: number, changes: readonly KeyChange[]): void;
}

export class WriteTransaction implements ReadView {
  readonly index: TreeIndex;
  readonly storage: RevisionStorage;
  readonly compactRevision: number;
  readonly #leases: LeaseBook;
  readonly #metrics: MvccMetrics;
  /** Operations so far; ranges are told by who makes them. */
  ranges = 0;
  #puts = 0;
  #deletes = 0;
  readonly #beginRevision: number;
  readonly #changes: KeyChange[] = [];
  readonly #onEnd: (revision: number, changes: readonly KeyChange[]) => void;
  #open = true;

  /** Made by `Store.beginWrite`. */
  constructor(
    view: ReadView,
    leases: LeaseBook,
    metrics: MvccMetrics,
    onEnd: (revision: number, changes: readonly KeyChange[]) => void,
  ) {
    this.index = view.index;
    this.storage = view.storage;
    this.compactRevision = view.compactRevision;
    this.#beginRevision = view.revision;
    this.#leases = leases;
    this.#metrics = metrics;
    this.#onEnd = onEnd;
  }

  /** The revision before the transaction until something has changed, then its own. */
  get revision(): number {
    return this.#changes.length === 0 ? this.#beginRevision : this.#beginRevision + 1;
  }

  /**
   * Stores `value` under `key` and attaches the key to `lease`, which exists, or to none with 0n.
   * Borrows `key` and `value` until return.
   */
  put(key: Uint8Array, value: Uint8Array, lease: bigint): void {
    assert(this.#open, "Cannot put in an ended transaction");
    this.#puts++;
    this.#metrics.putBytes.add(key.length + value.length);
    const main = this.#beginRevision + 1;
    const sub = this.#changes.length;
    const name = latin1FromBytes(key);
    const { createRevision, version } = this.index.put(name, main, sub);
    const keyValue = encodeKeyValueParts(key, createRevision, main, version, value, lease);
    this.storage.put(main, sub, false, keyValue);
    this.#changes.push({ key: name, tombstone: false, keyValue });
    const oldLease = version === 1 ? 0n : this.#leases.leaseOf(name);
    if (oldLease === lease) return;
    if (oldLease !== 0n) this.#leases.detach(oldLease, name);
    if (lease !== 0n) this.#leases.attach(lease, name);
  }

  /** Deletes the live keys of the range, in key order; returns how many. O(keys deleted). */
  deleteRange(range: KeyRange): number {
    assert(this.#open, "Cannot delete in an ended transaction");
    this.#deletes++;
    const names: string[] = [];
    const cursor = this.index.cursor(true);
    for (let ok = cursor.seek(range.from); ok; ok = cursor.next()) {
      const { key } = cursor;
      if (range.end !== undefined && key >= range.end) break;
      names.push(key);
    }
    for (const name of names) this.#delete(name);
    return names.length;
  }

  /** Deletes one key if it is live; returns whether it was. */
  deleteKey(key: string): boolean {
    assert(this.#open, "Cannot delete in an ended transaction");
    this.#deletes++;
    const live = this.index.get(key)?.live === true;
    if (live) this.#delete(key);
    return live;
  }

  /** Makes the changes visible to all; returns the revision after the transaction. */
  end(): number {
    assert(this.#open, "Cannot end a transaction twice");
    this.#open = false;
    const { revision } = this;
    this.#metrics.ended(this.ranges, this.#puts, this.#deletes);
    this.#onEnd(revision, this.#changes);
    return revision;
  }

  #delete(name: string): void {
    const main = this.#beginRevision + 1;
    const sub = this.#changes.length;
    const key = bytesFromLatin1(name);
    this.index.tombstone(name, main, sub);
    this.storage.put(main, sub, true, encodeDeletion(key, 0));
    const keyValue = encodeDeletion(key, main);
    this.#changes.push({ key: name, tombstone: true, keyValue });
    const lease = this.#leases.leaseOf(name);
    if (lease !== 0n) this.#leases.detach(lease, name);
  }
}

/** Marshals what a tombstone stores (modRevision 0), or what the event of the deletion shows. */
export function encodeDeletion(key: Uint8Array, modRevision: number): Uint8Array {
  return encodeKeyValueParts(key, 0, modRevision, 0, EMPTY_BYTES, 0n);
}
