/**
 * What the MVCC store needs of storage: bucket `key` (every kept revision of every key, in revision
 * order) and the two compaction marks of bucket `meta`. `backend/` implements it over bolt;
 * `memory-storage.ts` is its twin in memory.
 *
 * All calls are synchronous. Writes are visible to the reads that follow at once, and become durable
 * with the backend's next commit: all of them together with the consistent index, in one transaction.
 * Because a commit is atomic and keeps the order of writes, the store asks for no flush of its own.
 *
 * Values are marshalled `mvccpb.KeyValue` messages; a tombstone's holds only the key field. Keys are the
 * byte forms of `revision.ts`.
 */

/** Names of the compaction marks in bucket `meta`; their values are 17-byte revisions with sub 0. */
export type CompactionMark = "scheduledCompactRev" | "finishedCompactRev";

/**
 * Receives one stored revision; returns false to end the scan. `value` is borrowed until return. Must not
 * write to the storage.
 */
export type RevisionVisitor = (
  main: number,
  sub: number,
  tombstone: boolean,
  value: Uint8Array,
) => boolean;

export interface RevisionStorage {
  /**
   * Stores a revision. Calls come in ascending revision order, always above every stored revision, so
   * pages may be packed full. `value` is kept, and nobody writes to it afterwards.
   */
  put(main: number, sub: number, tombstone: boolean, value: Uint8Array): void;

  /**
   * Returns the value of a revision that is not a tombstone, `undefined` when it is not stored. The
   * bytes are read-only and valid until the next commit; copy them to keep them longer.
   */
  get(main: number, sub: number): Uint8Array | undefined;

  /**
   * Visits stored revisions in ascending order, tombstones too, from (fromMain, fromSub) inclusive to
   * main revision `endMain` exclusive. O(log n) to start, O(1) for each revision visited.
   */
  scan(fromMain: number, fromSub: number, endMain: number, visit: RevisionVisitor): void;

  /** Removes a stored revision; `tombstone` is part of its key. */
  delete(main: number, sub: number, tombstone: boolean): void;

  /** Returns the main revision under a compaction mark, `undefined` when it was never written. */
  compactionMark(mark: CompactionMark): number | undefined;

  setCompactionMark(mark: CompactionMark, main: number): void;
}
