/**
 * The hash of the keys in a database file: what HashKV of a member that serves the file would answer.
 *
 * Source: etcd etcdutl/etcdutl/hashkv_command.go (3.6).
 */
import { META } from "../backend/schema.ts";
import type { Bucket } from "../bolt/bucket.ts";
import { LentMemory } from "../bolt/lent-pages.ts";
import type { Tx } from "../bolt/tx.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { HashJob } from "../mvcc/hash-job.ts";
import type { KeyValueHash } from "../mvcc/kv-hash.ts";
import type { LeaseBook } from "../mvcc/lease-book.ts";
import { Restore } from "../mvcc/restore.ts";
import {
  encodeRevision,
  isTombstoneBytes,
  mainOfRevisionBytes,
  subOfRevisionBytes,
} from "../mvcc/revision.ts";
import type { CompactionMark, RevisionStorage, RevisionVisitor } from "../mvcc/storage.ts";
import { assert, AssertionError } from "../stdx/assert.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { WireError } from "../wire/wire-error.ts";
import { type FileEnvironment, requireIntegrity, withDatabase } from "./database-file.ts";
import { SnapshotError } from "./snapshot-error.ts";

/**
 * The hash of the keys up to `revision`, 0 for the newest. O(file); the keys are in memory meanwhile. Errors:
 * SnapshotError, also for a revision that is compacted or not there yet, and for a damaged file.
 */
export function fileHash(
  environment: FileEnvironment,
  path: string,
  revision: number,
): Promise<KeyValueHash> {
  return withDatabase(environment, path, (tx) => {
    requireIntegrity(tx);
    try {
      return hashOf(tx, revision);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof AssertionError)) throw error;
      throw new SnapshotError(`${path} holds a value that cannot be read: ${error.message}`, error);
    }
  });
}

function hashOf(tx: Tx, revision: number): KeyValueHash {
  const restore = new Restore(new StoredRevisions(tx), NO_LEASES, { onChanges: () => {} });
  while (!restore.step(Number.MAX_SAFE_INTEGER));
  const opened = restore.finish().openHash(revision);
  if (opened instanceof EtcdError) throw new SnapshotError(opened.message);
  if (!(opened instanceof HashJob)) return opened;
  for (;;) {
    const hash = opened.step(Number.MAX_SAFE_INTEGER);
    if (hash !== undefined) return hash;
  }
}

/** Which key is attached to which lease does not matter here. */
const NO_LEASES: LeaseBook = {
  exists: () => false,
  leaseOf: () => 0n,
  attach: () => {},
  detach: () => {},
};

/** Bucket `key` of a state that is only read. */
class StoredRevisions implements RevisionStorage {
  readonly #keys: Bucket | undefined;
  readonly #meta: Bucket | undefined;
  readonly #lent = new LentMemory();

  constructor(tx: Tx) {
    this.#keys = tx.bucket(bytesFromLatin1("key"));
    this.#meta = tx.bucket(bytesFromLatin1("meta"));
  }

  get(main: number, sub: number): Uint8Array | undefined {
    return this.#keys?.get(encodeRevision(main, sub, false));
  }

  scan(fromMain: number, fromSub: number, endMain: number, visit: RevisionVisitor): void {
    const cursor = this.#keys?.lendingCursor(this.#lent);
    if (cursor === undefined) return;
    let found = cursor.seek(encodeRevision(fromMain, fromSub, false));
    for (; found; found = cursor.next()) {
      const { key, value } = cursor;
      if (key === undefined || value === undefined) continue;
      const main = mainOfRevisionBytes(key);
      if (main >= endMain) return;
      if (!visit(main, subOfRevisionBytes(key), isTombstoneBytes(key), value)) return;
    }
  }

  compactionMark(mark: CompactionMark): number | undefined {
    const bytes = this.#meta?.get(META[mark]);
    return bytes === undefined ? undefined : mainOfRevisionBytes(bytes);
  }

  put(): void {
    assert(false, "A file that is read is not changed");
  }

  delete(): void {
    assert(false, "A file that is read is not changed");
  }

  /** A compaction that was cut off is taken up again, which it would be noted here for a member. */
  setCompactionMark(): void {}
}
