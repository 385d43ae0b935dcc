/** Bounds of the work on database files. */

/** Bytes copied at a time: large enough for the device, small beside everything else in memory. */
export const COPY_CHUNK_BYTES = 1024 * 1024;

/** Milliseconds between two tries to get the lock of a database that somebody else has. */
export const LOCK_RETRY_MS = 50;

/** Milliseconds of waiting for a lock after which the user is told what is waited for. As in etcd. */
export const LOCK_NOTICE_MS = 1000;

/** Bytes of pages that work on a file keeps in memory: a file is mostly passed over once. */
export const CACHE_BYTES_MAX = 16 * 1024 * 1024;
