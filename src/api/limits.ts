/** Bounds of the services, each with its unit and reason. */
import { STREAM_QUEUE_BYTES_HIGH } from "../http2/limits.ts";

/** Bytes of the database in one message of a snapshot: etcd's number. */
export const SNAPSHOT_CHUNK_BYTES = 32 * 1024;

/** Such messages in one slice: a third of a millisecond of reading, hashing and framing. */
export const SNAPSHOT_CHUNKS_PER_SLICE = 8;

/**
 * Messages of a snapshot that wait to be written at once: one more than fill the queue of a call, and one
 * that is written in part.
 */
export const SNAPSHOT_CHUNKS_WAITING_MAX =
  Math.ceil(STREAM_QUEUE_BYTES_HIGH / SNAPSHOT_CHUNK_BYTES) + 2;

/** A snapshot that is slower than a link of one gigabit is worth a warning: etcd's number. */
export const SNAPSHOT_WARNING_BYTES_PER_MS = (100 * 1024 * 1024) / 1000;

/** Milliseconds before the first such warning, at least: etcd's number. */
export const SNAPSHOT_WARNING_MS_MIN = 30_000;

/**
 * Renewals that wait behind others of their streams, all streams together; about 32 bytes each. A stream
 * that waits grants its client no more window, so a client alone brings it to some hundred thousand at most.
 */
export const KEEP_ALIVES_WAITING_MAX = 1_000_000;

/** Seconds for which a profile may be taken at once: its samples are held in memory. */
export const PROFILE_SECONDS_MAX = 600;

/** Stacks in a profile that people read: more are of no use to them. */
export const PROFILE_TEXT_STACKS_MAX = 200;

/** Calls that /debug/requests keeps of each family and latency. As golang.org/x/net/trace. */
export const TRACES_PER_BUCKET = 10;

/** Calls under way of a family that it knows of; more are not traced. */
export const TRACED_ACTIVE_MAX = 1000;

/** Failed calls that /debug/events keeps. */
export const TRACED_EVENTS_MAX = 256;

/** Bytes of a request that sets the level of the log. */
export const LOG_LEVEL_BODY_BYTES_MAX = 4096;

/** Leases that one slice of a list looks at: about two milliseconds. */
export const LEASES_PER_SLICE = 2_000;

/** Streams that require a leader before those that are over are looked for: about 100 bytes each. */
export const REQUIRING_STREAMS_SWEEP_MIN = 1024;

/** Milliseconds of one slice of a range over many keys: nobody notices, and few ranges take two. */
export const RANGE_SLICE_MS = 2;

/** Keys of a range between two looks at the clock: some 0.1 ms of work. Shorter ones are read in one go. */
export const RANGE_STEP_KEYS = 64;

/** Keys that ranges look at outside of their turns between two rounds of the event loop: some 3 ms of work. */
export const RANGE_KEYS_AT_ONCE = 2048;

/**
 * Bytes that may wait to be sent on a connection, with what its other ranges are going to read, when a range over
 * many keys begins there: more than any link has under way.
 */
export const RANGE_UNSENT_BYTES_MAX: number = 2 * 1024 * 1024;

/** Bytes of requests for ranges that wait on one connection; more are answered TooManyRequests. */
export const RANGES_WAITING_BYTES_MAX: number = 4 * 1024 * 1024;

/** Bytes that a waiting range takes beside its keys, about. */
export const WAITING_RANGE_BYTES = 1024;

/** Milliseconds between two looks whether connections have room again when no range can go on. */
export const RANGES_RETRY_MS = 20;

/** Seconds that a lock or a leadership without a lease of its own lasts: etcd's number. */
export const SESSION_TTL_SECONDS = 60;

/** The longest time limit of a call that a timer is set for: platforms count milliseconds in 31 bits. */
export const CALL_TIMER_MS_MAX = 0x7fff_ffff;

/** Bytes of a key that a line of the audit log shows: longer ones are cut there, and their length is told. */
export const AUDIT_KEY_BYTES_MAX = 512;

/** Comparisons and operations of a transaction that such a line names; more are counted. */
export const AUDIT_TXN_PARTS_MAX = 256;

/** Leases of one stream of renewals that have a line of their own; the renewals of others are counted. */
export const AUDIT_RENEWED_LEASES_MAX = 1000;

/** Characters of a `tracestate` that is handed on: what W3C asks for at least. */
export const TRACE_STATE_CHARACTERS_MAX = 512;

/** Characters of the version that a client says it has, in metrics: longer ones are no versions. */
export const CLIENT_VERSION_CHARACTERS_MAX = 32;

/** Milliseconds for which a page of metrics is given out again at most: nobody scrapes as often as that. */
export const SCRAPE_REUSE_MS_MAX = 100;

/** Share of the time that may go into pages of metrics: a leader must not miss its heartbeats for them. */
export const SCRAPE_TIME_SHARE = 0.1;

/** Keys of leases that one slice asks for whether somebody may read them: about a millisecond. */
export const LEASE_KEYS_PER_SLICE = 4_000;
