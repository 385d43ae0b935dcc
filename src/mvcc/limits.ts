/** Bounds of the MVCC store. */

/**
 * Compaction hashes kept for comparison between members: etcd's number. Members compare the newest one
 * that both have, so a few compactions of distance are enough.
 */
export const COMPACTION_HASHES_KEPT_MAX = 10;

/**
 * Bytes of a stored value that cost a background step as much as one revision more. A revision takes about
 * 1.5 us (index lookup, storage), a kibibyte of checksum about 0.8 us.
 */
export const BYTES_PER_BUDGET_UNIT = 2048;
