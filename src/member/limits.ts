/** Bounds of a member, each with its unit and reason. */

/** Milliseconds that a proposal or a read may wait, beyond two election timeouts. Source: etcd 3.5. */
export const REQUEST_TIMEOUT_BASE_MS = 5_000;

/**
 * Entries that may be committed and not yet applied before proposals are refused: applying has fallen
 * behind, more would only wait. Source: etcd 3.5 (maxGapBetweenApplyAndCommitIndex).
 */
export const UNAPPLIED_ENTRIES_MAX = 5_000;

/** Proposals that may wait for an answer; each costs about 200 bytes beside its payload. */
export const PENDING_PROPOSALS_MAX = 200_000;

/** Changes of the membership that may wait for an answer: they are made by hand, one at a time. */
export const PENDING_MEMBERSHIP_CHANGES_MAX = 1_000;

/** Bytes of proposals that wait to be handed to Raft, as while there is no leader. */
export const QUEUED_PROPOSAL_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Bytes of proposals in one message to the leader, unless one alone is larger. etcd sends each on its own;
 * many that gathered while there was no leader must not become one message of hundreds of megabytes.
 */
export const FORWARDED_PROPOSAL_BYTES_MAX = 1024 * 1024;

/** Reads that may wait for an answer. */
export const PENDING_READS_MAX = 200_000;

/** Milliseconds after which an unanswered read index request is sent again. Source: etcd 3.5. */
export const READ_INDEX_RETRY_MS = 500;

/** Milliseconds that a call about leases waits until everything committed is applied. Source: etcd 3.5. */
export const APPLIED_WAIT_MS = 1_000;

/**
 * A proposal that was made less than so many election timeouts before an election, and got no answer, is
 * said to have failed because of it. Source: etcd 3.5 (parseProposeCtxErr).
 */
export const LEADER_FAIL_ELECTIONS = 2;

/**
 * Looks, an election timeout apart, that find no leader before streams that require one are ended: to
 * open a stream anew costs more than to repeat a call. Source: etcd 3.5 (maxNoLeaderCnt).
 */
export const LEADERLESS_LOOKS_MAX = 3;

/** Encoded bytes of entries in one append message, and of entries applied in one go. Source: etcd 3.5. */
export const RAFT_MESSAGE_BYTES_MAX = 1024 * 1024;

/** Append messages on their way to one follower. Source: etcd 3.5. */
export const RAFT_INFLIGHT_MESSAGES_MAX = 512;

/**
 * Bytes of entries kept behind a snapshot for slow followers, if that is fewer entries than
 * --experimental-snapshot-catchup-entries.
 */
export const SNAPSHOT_CATCH_UP_BYTES = 16 * 1024 * 1024;

/**
 * Bytes of entries since the last snapshot that make the next one due, if --snapshot-count has not before:
 * they are in memory, and are read again at a start.
 */
export const LOG_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes that an entry costs in memory beside its data: the entry itself and the view of its data. */
export const ENTRY_OVERHEAD_BYTES = 160;

/** Longest time between two periodic auto-compactions, however long the period. Source: etcd 3.5. */
export const COMPACTION_PERIOD_MS_MAX = 3_600_000;

/** Checks of a periodic auto-compaction in that time. Source: etcd 3.5. */
export const COMPACTION_PERIOD_CHECKS = 10;

/** Milliseconds between two checks of auto-compaction by revisions. Source: etcd 3.5. */
export const REVISION_COMPACTION_INTERVAL_MS = 300_000;

/** Least milliseconds between two checks of auto-compaction: a period in nanoseconds must not spin. */
export const AUTO_COMPACTION_CHECK_MS_MIN = 10;

/** Milliseconds by which a timer may fire early. */
export const TIMER_SLACK_MS = 2;

/**
 * Proposals to revoke an expired lease that are under way at once: puts get their turn between them.
 * Source: etcd 3.5 (maxPendingRevokes).
 */
export const LEASE_REVOKES_IN_FLIGHT_MAX = 16;

/**
 * Keys that one entry with expired leases deletes: about a millisecond of applying, which puts that are
 * under way wait for. A lease with more keys has an entry of its own.
 */
export const REVOKE_BATCH_KEYS_MAX = 128;

/**
 * Keys of the first of several such entries; each next one may have twice as many. The first ones of a
 * process are slow, because nothing is compiled yet.
 */
export const REVOKE_BATCH_KEYS_FIRST = 16;

/** Leases for each of these keys: leases without keys cost less. */
export const REVOKE_BATCH_LEASES_PER_KEY = 2;

/** Bytes of keys in one such entry, well below what --max-request-bytes is by default. */
export const REVOKE_BATCH_BYTES_MAX = 256 * 1024;

/** Bytes that a key takes in such an entry beyond being there twice: a comparison and a deletion. */
export const REVOKE_BATCH_KEY_BYTES = 48;

/** Checkpoints of leases in one entry. Source: etcd 3.5 (maxLeaseCheckpointBatchSize). */
export const LEASE_CHECKPOINTS_PER_ENTRY_MAX = 1000;

/**
 * Ticks within which a leader takes its leadership for granted when it renews a lease: a process that has
 * stood still for longer asks the others first. Source: etcd 3.5 (isActive).
 */
export const LEADERSHIP_CERTAIN_TICKS = 3;

/**
 * Milliseconds that a peer must have answered for to count as connected when the membership changes.
 * Source: etcd 3.5 (HealthInterval).
 */
export const CONNECTED_LONG_ENOUGH_MS = 5_000;

/** Part of the leader's log that a learner must have to be promoted, in percent. Source: etcd 3.5. */
export const LEARNER_READY_PERCENT = 90;

/** Election timeouts for which a proposal of another member is held that Raft would not take. */
export const HELD_PROPOSAL_ELECTIONS = 2;
