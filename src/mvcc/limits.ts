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

// --- Watch -------------------------------------------------------------------------------------------------

/** Bounds of what the watch hub keeps and does at once; tests take small ones. */
export interface WatchLimits {
  /**
   * Watchers of one member, with those that were compacted and not cancelled yet. One that waits costs about 300 bytes beside its key, so they cost 600 MB at most.
   * Differs from etcd: it has no bound; here a watch beyond it is refused as created and cancelled.
   */
  readonly watchers: number;
  /** Bytes of the keys and range ends of all watchers of one member. */
  readonly keyBytes: number;
  /**
   * Bytes of events that one response gathers, before the revision that goes beyond ends it: few responses
   * for watchers that catch up, no long turn of one stream, and little that waits for one without room. What
   * one revision holds is never split.
   */
  readonly batchBytes: number;
  /** Revisions that one response gathers. Source: etcd server/mvcc/watcher_group.go (watchBatchMaxRevs). */
  readonly batchRevisions: number;
  /**
   * Bytes of events that are kept in memory for watchers that have not been shown them yet, all ranges
   * together. Who falls behind them reads the database instead.
   */
  readonly recentBytes: number;
  /** Stored revisions and bytes that one segment of history holds: read in one or two milliseconds. */
  readonly segmentRevisions: number;
  readonly segmentBytes: number;
  /** Segments of history that are kept while watchers catch up: places where they may stand. */
  readonly segments: number;
  /** Watchers of one range that are told of new events before it is the turn of the next range. */
  readonly spreadSlice: number;
}

export const WATCH_LIMITS: WatchLimits = {
  watchers: 2_000_000,
  keyBytes: 256 * 1024 * 1024,
  batchBytes: 64 * 1024,
  batchRevisions: 1000,
  recentBytes: 16 * 1024 * 1024,
  segmentRevisions: 1000,
  segmentBytes: 1024 * 1024,
  segments: 8,
  spreadSlice: 64,
};

/** Milliseconds after which a segment of history that nobody has needed is given back. */
export const WATCH_SEGMENT_IDLE_MS = 1000;

/** What reading a segment of history costs in a slice of work, where showing a watcher a batch costs 1. */
export const WATCH_SEGMENT_COST = 512;

/** Bytes of a batch that cost a slice of work as much as one watcher more. */
export const WATCH_BYTES_PER_COST_UNIT = 4096;

/**
 * Milliseconds between two looks at which streams are due for progress notifications: a look goes over all
 * streams that want them. As long as the shortest interval that can be configured.
 */
export const WATCH_PROGRESS_PAUSE_MS = 100;
