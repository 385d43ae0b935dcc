/**
 * The version of etcd whose rules a database follows: written in it since 3.6, before that known by what is in it.
 *
 * Source: etcd server/storage/schema (3.6: DetectSchemaVersion, ReadStorageVersionFromSnapshot).
 */
import { META } from "../backend/schema.ts";
import type { Tx } from "../bolt/tx.ts";
import { bytesFromLatin1, utf8FromBytes } from "../stdx/bytes.ts";

/** Major and minor; a patch release changes nothing about files. */
export interface StorageVersion {
  readonly major: number;
  readonly minor: number;
}

export const META_BUCKET = bytesFromLatin1("meta");

/** What the database says of its version, as it is written; `undefined` where it says nothing. */
export function storageVersionOf(tx: Tx): string | undefined {
  const bytes = tx.bucket(META_BUCKET)?.get(META.storageVersion);
  return bytes === undefined || bytes.length === 0 ? undefined : utf8FromBytes(bytes);
}

/** The version of the database; `undefined` for one of before 3.5, or of a 3.5 that has applied nothing yet. */
export function detectStorageVersion(tx: Tx): StorageVersion | undefined {
  const written = /^(\d+)\.(\d+)\./.exec(storageVersionOf(tx) ?? "");
  if (written !== null) return { major: Number(written[1]), minor: Number(written[2]) };
  const term = tx.bucket(META_BUCKET)?.get(META.term);
  const hasTerm = term !== undefined && term.some((byte) => byte !== 0);
  return hasTerm ? { major: 3, minor: 5 } : undefined;
}
