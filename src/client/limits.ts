/**
 * Bounds of the client, each with its unit and the reason for its size.
 *
 * Source: etcd client/v3/options.go; grpc-go backoff and connection defaults (doc/connection-backoff.md).
 */

/** Bytes of one request: above what a server accepts by default, so that the server says what is wrong. */
export const REQUEST_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of one answer. A range can be far larger than any request; Go's client allows the same. */
export const RESPONSE_BYTES_MAX = 0x7fff_ffff;

/** Bytes of answers of one stream that wait for their reader above which the server is granted no window, … */
export const STREAM_RECEIVE_BYTES_HIGH = 1024 * 1024;

/** … and at which it is granted window again. */
export const STREAM_RECEIVE_BYTES_LOW = 256 * 1024;

/** Milliseconds before a watch stream that was lost is opened again, … */
export const WATCH_RESUME_PAUSE_MS = 2;

/** … doubled with every time that nothing came of it, up to this many. */
export const WATCH_RESUME_PAUSE_MS_MAX = 100;

/**
 * Bytes of events of one watch that wait for their reader above which the watch is given up on the server,
 * so that a slow reader neither fills memory nor holds up the watches beside it, …
 */
export const WATCH_WAITING_BYTES_HIGH = 16 * 1024 * 1024;

/** … and at which it is created again, to go on behind what waits. */
export const WATCH_WAITING_BYTES_LOW = 4 * 1024 * 1024;

/** Milliseconds before a watch stream is opened again whose server had no leader: no server may have one. */
export const WATCH_LEADERLESS_PAUSE_MS = 500;

/** Times in a row that a watch tries another stream, with a new token, when its own is refused. */
export const WATCH_TOKEN_REFUSALS_MAX = 3;

/** Milliseconds that the first answer about a lease may take, for clients without a dial timeout. */
export const KEEP_ALIVE_FIRST_ANSWER_MS = 5000;

/** Milliseconds until a keep-alive without answer is sent again, or its lost stream opened again. */
export const KEEP_ALIVE_RETRY_MS = 500;

/** Part of its time that a lease waits for the answer to a renewal before it is sent over another connection. */
export const KEEP_ALIVE_PATIENCE_FRACTION = 1 / 6;

/** Seconds that the lease of a session outlives its owner, where nobody says otherwise: etcd's number. */
export const SESSION_TTL_SECONDS = 60;

/** Answers about one lease that wait for their reader; later ones are dropped. */
export const KEEP_ALIVE_WAITING_MAX = 16;

/** Tries of one call, the first one included. */
export const CALL_ATTEMPTS_MAX = 100;

/** Milliseconds between tries, once every quorum of the endpoints has been tried. */
export const CALL_BACKOFF_MS = 25;

/** Factor from one such wait to the next, … */
export const CALL_BACKOFF_FACTOR = 1.5;

/** … and the longest of them: tries go on as long as a call may take, and do no harm. */
export const CALL_BACKOFF_MAX_MS = 1000;

/** Part of that wait that is random, in both directions. */
export const CALL_BACKOFF_JITTER = 0.1;

/** Times a call that the server surely did not process is sent again within one try. */
export const UNPROCESSED_RESENDS_MAX = 5;

/** Milliseconds from the start of a connection attempt until it counts as failed. */
export const CONNECT_TIMEOUT_MS = 20_000;

/** Milliseconds before the second attempt to connect, … */
export const RECONNECT_BACKOFF_MS = 1000;

/** … the factor from one wait to the next, … */
export const RECONNECT_BACKOFF_FACTOR = 1.6;

/** … and the longest wait. */
export const RECONNECT_BACKOFF_MAX_MS = 120_000;

/** Milliseconds without anything from a server behind which a call that ended without answer speaks against it. */
export const SILENCE_NOTICED_MS = 100;

/** Milliseconds for which calls pass over a server that was silent, unless it is heard of or there is no other. */
export const SILENT_SERVER_MS = 10_000;

/** Milliseconds for which calls pass over a server that cannot reach a leader, where there is another. */
export const LEADERLESS_SERVER_MS = 5000;

/** Part of each wait that is random, in both directions, so that clients do not come back all at once. */
export const RECONNECT_BACKOFF_JITTER = 0.2;

/** Milliseconds of silence before a keepalive PING: grpc-go raises anything shorter to this. */
export const KEEPALIVE_TIME_MIN_MS = 10_000;

/** The longest wait that a timer is set for: platforms count milliseconds in 31 bits. More is for ever. */
export const DEADLINE_TIMER_MS_MAX = 0x7fff_ffff;

/** Timers may fire this much early, and deadlines are kept in steps: a call that ends within is at its end. */
export const DEADLINE_SLACK_MS = 10;
