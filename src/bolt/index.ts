/**
 * A reader and writer of the bbolt file format (version 2), on its own.
 *
 * A file is a tree of buckets, each with sorted keys. `Db.open` opens or makes one over any `Disk`;
 * `beginRead` gives snapshots that never block anybody, `beginWrite` the one writing transaction:
 *
 *   const db = Db.open(disk, "/data/state.db");
 *   const tx = db.beginWrite();
 *   tx.createBucketIfNotExists(name).put(key, value);
 *   tx.commit((error) => ...);            // durable when called without an error
 *
 * Reads are synchronous. Byte arrays that are returned are views of memory that never changes: keep them
 * as long as you like, and do not write to them. Arrays given to `put` are kept: do not write to them either.
 */
export { Bucket } from "./bucket.ts";
export { check } from "./check.ts";
export { Cursor } from "./cursor.ts";
export { Db } from "./db.ts";
export type { DbOptions, DbStats, ReadPoint } from "./db.ts";
export { BoltError, CorruptionError } from "./errors.ts";
export type { BoltErrorCode } from "./errors.ts";
export { Tx } from "./tx.ts";
