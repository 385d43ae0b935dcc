/** Bounds of the peer protocol: each with its unit and the reason for its size. */

/** Bytes of one message between members. Source: etcd rafthttp (readBytesLimit). */
export const MESSAGE_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Bytes for which a receiver makes room because a frame says that they will come. Beyond it memory grows with
 * what does come.
 */
export const FRAME_TRUST_BYTES = 1024 * 1024;

/** Messages that wait for a stream that takes nothing. Source: etcd rafthttp (streamBufSize). */
export const STREAM_QUEUE_MESSAGES_MAX = 4096;

/**
 * Bytes of entries that wait for such a stream; a single message is taken whatever its size. Raft's flow
 * control alone would let four times as much wait; what is dropped is sent again.
 */
export const STREAM_QUEUE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Bytes of frames after which a stream is written to within a turn, and so about the most that waits encoded
 * for a peer that takes nothing.
 */
export const STREAM_WRITE_BYTES = 1024 * 1024;

/** Messages that wait for the senders of a pipeline. Source: etcd rafthttp (pipelineBufSize). */
export const PIPELINE_QUEUE_MESSAGES_MAX = 64;

/** Requests of one pipeline under way at once. Source: etcd rafthttp (connPerPipeline). */
export const PIPELINE_SENDERS = 4;

/** Milliseconds between attempts to open a stream. Source: etcd rafthttp (DialRetryFrequency). */
export const DIAL_INTERVAL_MS = 100;

/**
 * A connection for a stream is waited for as many times as long as the quickest stream took to open, and this
 * many milliseconds: TCP itself waits a second before it tries again, and longer each time.
 */
export const DIAL_BASE_MS = 250;
export const DIAL_PATIENCE = 8;

/** Milliseconds between looks at whether a peer was heard from. */
export const SILENCE_TICK_MS = 250;

/** Looks in a row that find something, after which a peer counts as one that talks all the time. */
export const SILENCE_BUSY_TICKS = 4;

/** Looks in a row that find nothing, after which such a peer counts as silent: an election is not due yet. */
export const SILENCE_TICKS = 2;

/** Milliseconds between probes of a peer. Source: etcd rafthttp (proberInterval). */
export const PROBE_INTERVAL_MS = 4000;

/** Milliseconds between looks at what the probes found, while all is well. As etcd. */
export const PROBE_REPORT_INTERVAL_MS = 30_000;

/** The same while something is wrong, and the first time. As etcd. */
export const PROBE_ALARM_INTERVAL_MS = 5000;

/** Milliseconds by which a peer's clock may differ before the log says so. As etcd. */
export const CLOCK_DIFFERENCE_MS_MAX = 1000;

/** Bytes of an answer to a message or a probe: a line of text. */
export const SHORT_RESPONSE_BYTES_MAX = 64 * 1024;

/** Bytes of a request or response between members beside Raft: lists of members, leases. */
export const CALL_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Senders that are in no list of members but gave their URLs. There is one for a moment after each member
 * that joins; anybody can invent more.
 */
export const REMOTES_MAX = 64;

/** Peer URLs that such a sender may have. */
export const REMOTE_URLS_MAX = 16;

/** Databases that are taken in at once: one from the leader, one more from a leader that just was. */
export const SNAPSHOTS_RECEIVED_MAX = 2;

/** Milliseconds for which the receiver of a database may take nothing. etcd waits for ever. */
export const SNAPSHOT_STALL_MS = 60_000;

/**
 * Milliseconds from the end of a database to the receiver's word that it has it: on a slow disk gigabytes
 * take a while to be durable. etcd waits for ever.
 */
export const SNAPSHOT_RESPONSE_MS = 600_000;
