/** Bounds of raft that are not configuration, each with its reason. */

/**
 * Read requests a leader holds before it has committed in its term, or before a quorum has confirmed
 * it; further ones are dropped, as they are where there is no leader, and their senders ask again.
 * Members batch their reads, so real numbers are a few per member.
 */
export const READ_REQUESTS_PENDING_MAX = 65_536;

/** Entries dropped from a queue before its array is moved together: below, moving saves no memory. */
export const ENTRY_QUEUE_MOVE_MIN = 1024;
