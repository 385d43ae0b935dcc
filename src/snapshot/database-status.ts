/**
 * What a database file holds, in four numbers.
 *
 * Source: etcd etcdutl/snapshot/v3_snapshot.go (Status).
 */
import type { Tx } from "../bolt/tx.ts";
import { bytesFromLatin1, equalBytes } from "../stdx/bytes.ts";
import { crc32c } from "../stdx/crc32c.ts";
import { storageVersionOf } from "./storage-version.ts";
import { type FileEnvironment, requireIntegrity, withDatabase } from "./database-file.ts";

export interface DatabaseStatus {
  /** CRC-32C over the names of all buckets, and over every key and value in them. */
  readonly hash: number;
  /** Main revision of the last key of bucket `key`, signed as it is stored; 0 when there is none. */
  readonly revision: bigint;
  /** Keys of all buckets. */
  readonly totalKeys: number;
  /** Logical size of the file, in bytes. */
  readonly totalBytes: number;
  /** Which etcd has written it, where that is in it: 3.6 and later. */
  readonly version: string | undefined;
}

const KEY_BUCKET = bytesFromLatin1("key");

/**
 * Checks the file at `path` and sums it up. O(file). Errors: SnapshotError, also when the file is damaged.
 */
export function databaseStatus(
  environment: FileEnvironment,
  path: string,
): Promise<DatabaseStatus> {
  return withDatabase(environment, path, (tx) => {
    requireIntegrity(tx);
    return statusOf(tx);
  });
}

function statusOf(tx: Tx): DatabaseStatus {
  let hash = 0;
  let revision = 0n;
  let totalKeys = 0;
  tx.forEachBucket((name) => {
    const cursor = tx.bucket(name)?.cursor();
    const holdsRevisions = equalBytes(name, KEY_BUCKET);
    hash = crc32c(hash, name);
    for (let found = cursor?.first(); found === true; found = cursor?.next()) {
      const { key, value } = cursor ?? {};
      if (key === undefined) continue;
      hash = crc32c(hash, key);
      if (value !== undefined) hash = crc32c(hash, value);
      if (holdsRevisions && key.length >= 8) revision = mainOf(key);
      totalKeys++;
    }
  });
  const { sizeBytes: totalBytes } = tx;
  return { hash, revision, totalKeys, totalBytes, version: storageVersionOf(tx) };
}

function mainOf(key: Uint8Array): bigint {
  return new DataView(key.buffer, key.byteOffset, key.length).getBigInt64(0);
}
