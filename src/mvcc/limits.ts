/** Bounds of the MVCC store. */
import { assert } from "../stdx/assert.ts";
import { NESTING_DEPTH_MAX } from "../wire/limits.ts";

/**
 * Transactions inside a transaction, each in the one before: as many as etcd's default of 128 operations
 * lets through. What is checked here goes into the log and must be readable there: two messages a level,
 * an operation in the innermost, and the entry around all.
 * Differs from etcd: with a larger --max-txn-ops it lets more through.
 */
export const TXN_NESTING_MAX = 128;
assert(2 * (TXN_NESTING_MAX + 1) + 1 < NESTING_DEPTH_MAX, "Checked transactions must be readable");

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
