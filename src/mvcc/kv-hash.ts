/**
 * The hash by which members compare their keyspaces: CRC-32C over the bytes `key` (the bucket's name) and
 * then, in revision order, key and value of every stored revision up to the revision asked for, except
 *
 * 1. revisions up to the compact revision that compaction removes. Members delete them at their own pace,
 *    so they must not count. (When compaction keeps nothing at all, etcd skips nothing here.)
 * 2. a tombstone at exactly the compact revision: etcd before 3.5.16 removes it, later ones keep it.
 *
 * Source: etcd server/mvcc/hash.go (3.5).
 */
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { crc32c, crc32cRange } from "../stdx/crc32c.ts";
import type { KeyIndex } from "./key-index.ts";
import { TOMBSTONE_REVISION_BYTES, writeRevision } from "./revision.ts";
import type { TreeIndex } from "./tree-index.ts";

/** The hash of the keyspace up to `revision`, taken when everything below `compactRevision` was compacted. */
export interface KeyValueHash {
  /** Unsigned 32-bit number. */
  readonly hash: number;
  /** -1 before the first compaction. */
  readonly compactRevision: number;
  readonly revision: number;
  /**
   * Whether a member with the same data has the same hash, however far its compaction has come. Not so where
   * nothing but deleted keys is left: then nothing is skipped (rule 1), or the compaction that left the hash
   * counted deletions at its own revision, which a member that is about to compact does not. Of another
   * member's hash this is not known, and true.
   */
  readonly isComparable: boolean;
}

const BUCKET_NAME = bytesFromLatin1("key");

/**
 * Finds out, in steps, whether the compaction that a hash goes by keeps any key at all. The answer comes
 * with the first key, but for a keyspace of deleted keys.
 */
export class KeepProbe {
  readonly #index: TreeIndex;
  readonly #keeps: (history: KeyIndex) => boolean;
  #from = "";
  #answer: boolean | undefined;

  constructor(index: TreeIndex, keeps: (history: KeyIndex) => boolean) {
    this.#index = index;
    this.#keeps = keeps;
  }

  /** `undefined` while more steps are needed. */
  get answer(): boolean | undefined {
    return this.#answer;
  }

  /** Looks at up to `budget` keys; returns what is left of the budget. */
  step(budget: number): number {
    let left = budget;
    const cursor = this.#index.cursor(false);
    for (let ok = cursor.seek(this.#from); ok; ok = cursor.next()) {
      if (left <= 0) {
        this.#from = cursor.key;
        return left;
      }
      left--;
      if (this.#keeps(cursor.value)) {
        this.#answer = true;
        return left;
      }
    }
    this.#answer = false;
    return left;
  }
}

/** Sums up stored revisions, given in ascending order. */
export class KeyValueHasher {
  readonly compactRevision: number;
  readonly revision: number;
  readonly #skipsRemoved: boolean;
  readonly #key = new Uint8Array(TOMBSTONE_REVISION_BYTES);
  #crc = crc32c(0, BUCKET_NAME);

  /** `skipsRemoved`: whether the compaction at `revision` keeps any key at all (rule 1 above). */
  constructor(compactRevision: number, revision: number, skipsRemoved: boolean) {
    this.compactRevision = compactRevision;
    this.revision = revision;
    this.#skipsRemoved = skipsRemoved;
  }

  /** Whether `add` needs to know if a revision with this main is kept. */
  asksIfKept(main: number): boolean {
    return this.#skipsRemoved && main <= this.compactRevision;
  }

  /** Adds a stored revision; `kept` matters when `asksIfKept(main)`. */
  add(main: number, sub: number, tombstone: boolean, value: Uint8Array, kept: boolean): void {
    if (main > this.revision) return;
    if (!kept && this.asksIfKept(main)) return;
    if (tombstone && main === this.compactRevision) return;
    const length = writeRevision(this.#key, 0, main, sub, tombstone);
    this.#crc = crc32c(crc32cRange(this.#crc, this.#key, 0, length), value);
  }

  /** The hash of what was added so far. */
  result(): KeyValueHash {
    const { compactRevision, revision } = this;
    return { hash: this.#crc, compactRevision, revision, isComparable: this.#skipsRemoved };
  }
}
