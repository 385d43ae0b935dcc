/**
 * A reader and writer of the bbolt file format (version 2), on its own: files are the same as those of Go's bbolt, in
 * both directions. docs/bolt.md is a program that shows it.
 *
 * A file is a tree of buckets, each with sorted keys. Keys and values are bytes: keys of 1 to 32,768, values of up to
 * 2^31 - 2.
 *
 * ```ts
 * const db = openDb("state.db");
 * const tx = db.beginWrite();
 * tx.createBucketIfNotExists(name).put(key, value);
 * await commit(tx); // durable from here on
 * db.close();
 * ```
 *
 * Reads are synchronous, and so are changes; only `commit` waits, for the device. Byte arrays that are returned are
 * views of memory that never changes: keep them as long as you like, and do not write to them. Arrays given to `put`
 * are kept: do not write to them either.
 *
 * A call that cannot be is refused with a BoltError, whose `code` says why; a file that contradicts its format gives a
 * CorruptionError; a device that fails gives a DiskError, after which the Db refuses everything.
 *
 * @module etcd-ts/bolt
 */
export * from "../bolt/index.ts";
export type { Disk, DiskFile, DiskStat, Done, Durability, OpenMode } from "../ports/disk.ts";
export { DiskError } from "../ports/disk.ts";
export { commit, openDb, type SystemDbOptions, systemDisk } from "./open-db.ts";
