/**
 * Every bound over what a peer can make this layer do or keep, each with its unit and reason. The ones that
 * an operator or a test may want to change are options with these values as defaults.
 */
import { assert } from "../stdx/assert.ts";

// --- What we announce, and so what a peer may send ---------------------------------------------------

/** Bytes of payload in one received frame. The protocol's minimum: every peer copes, buffers stay small. */
export const RECEIVE_FRAME_BYTES_MAX = 16_384;

/** Bytes of HPACK table for a peer's headers: the protocol's default, enough for about 70 entries. */
export const HPACK_TABLE_BYTES_MAX = 4096;

/**
 * Bytes of one decoded header list (names + values + 32 each). Tokens take hundreds; a list that refers a
 * thousand times to one big table entry (a header bomb) ends here.
 */
export const HEADER_LIST_BYTES_MAX = 65_536;

/** Bytes of one encoded header block over HEADERS and CONTINUATION: a list of the size above, uncompressed. */
export const HEADER_BLOCK_BYTES_MAX = 2 * HEADER_LIST_BYTES_MAX;

/** CONTINUATION frames of one block. Whole frames need 8; empty ones would be endless (CVE-2024-27316). */
export const CONTINUATION_FRAMES_MAX = 16;

/** Window bytes per stream that a server grants: more than half of the largest usual request. */
export const SERVER_STREAM_WINDOW_BYTES = 1 << 20;

/** Window bytes per connection that a server grants: loopback and fast links never wait for it. */
export const SERVER_CONNECTION_WINDOW_BYTES = 1 << 24;

/** Window bytes per stream that a client grants: watch bursts, snapshots and big ranges run at full speed. */
export const CLIENT_STREAM_WINDOW_BYTES = 1 << 22;

/** Window bytes per connection that a client grants. */
export const CLIENT_CONNECTION_WINDOW_BYTES = 1 << 24;

/** The value of `maxConcurrentStreams` that announces no limit, as etcd's default does. */
export const CONCURRENT_STREAMS_UNLIMITED = 0xffff_ffff;

/**
 * Streams of one connection that are open at once whatever was announced: about 100 MB of bookkeeping.
 * Differs from etcd: it has no bound when max-concurrent-streams is left at its default. More are refused
 * with REFUSED_STREAM, which clients retry.
 */
export const CONCURRENT_STREAMS_HARD_MAX = 131_072;

/** Streams a client opens before it knows the server's limit; the value grpc-go uses. */
export const CLIENT_STREAMS_BEFORE_SETTINGS = 100;

/** Calls of a client that wait for a free stream; more are answered ResourceExhausted. */
export const CLIENT_WAITING_CALLS_MAX = 1_000_000;

/** The largest stream id. A client that has used it needs a new connection. */
export const STREAM_ID_MAX = 0x7fff_ffff;

// --- What we keep ------------------------------------------------------------------------------------

/** Bytes of one received message without an option: grpc's default. */
export const RECEIVE_MESSAGE_BYTES_DEFAULT = 4 * 1024 * 1024;

/**
 * Bytes of incomplete messages of one connection to a server, all streams together. A stream whose data would exceed it
 * is reset. Sixteen of etcd's largest default requests at once, each still incomplete.
 */
export const ASSEMBLY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The same for a client, which has asked for them: two of the largest answers that there can be. One keyspace
 * or one batch of events can be far larger than any request.
 */
export const CLIENT_ASSEMBLY_BYTES_MAX = 2 ** 32;

/** Bytes of output that gather before DATA waits in the streams' queues, where it is sent fairly. */
export const OUTPUT_BYTES_HIGH = 1 << 20;

/**
 * Bytes of output at which the connection ends: only control frames and headers are added above
 * OUTPUT_BYTES_HIGH, so a peer that provokes them and does not read its socket is flooding.
 */
export const OUTPUT_BYTES_MAX = 4 << 20;

/** Bytes that could be written but are not taken at which no more input is wanted: the peer does not read. */
export const INPUT_PAUSE_BYTES = 4 << 20;

/** Bytes waiting in one stream's queue above which `sendMessage` returns false. */
export const STREAM_QUEUE_BYTES_HIGH = 65_536;

/** Bytes waiting in one stream's queue at which `onWritable` is called. */
export const STREAM_QUEUE_BYTES_LOW = 16_384;

/**
 * Bytes of incomplete requests and waiting answers of all connections of a server together; above it, each
 * keeps at most CROWDED_CONNECTION_BYTES_MAX.
 */
export const SHARED_BYTES_MAX: number = 512 << 20;

/** Bytes of either kind on one connection while all keep too much: two of the largest usual requests. */
export const CROWDED_CONNECTION_BYTES_MAX: number = 4 << 20;

/**
 * Bytes waiting in all queues of a connection, closed windows included, above which new streams are refused
 * (REFUSED_STREAM). A peer that asks for much and grants no window does not get to keep more than this.
 */
export const CONNECTION_QUEUE_BYTES_MAX = 64 << 20;

/** Bytes of the largest frame we send, where the peer allows it: one stream cannot hold up the others long. */
export const SEND_FRAME_BYTES_MAX = 65_536;

/** Streams that we reset and whose late frames are ignored; older ones are answered as closed. */
export const RECENTLY_RESET_STREAMS_MAX = 256;

/** Gaps in a client's stream numbers that are remembered, to tell a number never used from a used one. */
export const SKIPPED_GAPS_MAX = 16;

/** Header blocks remembered by their bytes: a client repeats one per method. Power of two. */
export const HEADER_MEMO_SLOTS = 32;

/** Bytes of the longest header block that is remembered: one byte per indexed field is usual. */
export const HEADER_MEMO_BLOCK_BYTES_MAX = 64;

/** Client side: encoded header blocks remembered, one per path and metadata. Cleared when full. */
export const CLIENT_BLOCK_MEMO_MAX = 64;

// --- How often (frames of one kind per window of FLOOD_WINDOW_MS) --------------------------------------

/** Milliseconds over which frames are counted. */
export const FLOOD_WINDOW_MS = 1000;

/** PINGs, on top of one per DATA frame that we sent (grpc-go measures bandwidth with a PING per round trip). */
export const PINGS_MAX = 1000;

/** SETTINGS frames: each may touch every open stream. A bandwidth estimator sends about ten in its life. */
export const SETTINGS_MAX = 64;

/** DATA frames without payload and without END_STREAM: they do nothing. */
export const EMPTY_DATA_MAX = 1000;

/** Streams that end early by the peer's doing: RST_STREAM while open (CVE-2023-44487), or a provoked reset. */
export const RESETS_MAX = 4096;

/** PRIORITY frames: they do nothing. */
export const PRIORITIES_MAX = 4096;

/** WINDOW_UPDATE frames, on top of four per DATA frame that we sent. */
export const WINDOW_UPDATES_MAX = 10_000;

/** Frames of unknown type: they do nothing. */
export const UNKNOWN_FRAMES_MAX = 4096;

/** SETTINGS entries in one frame; the protocol has seven, extensions a few more. */
export const SETTINGS_ENTRIES_MAX = 64;

/** HPACK size updates at the start of one block: the protocol needs at most two. */
export const HPACK_SIZE_UPDATES_MAX = 2;

// --- How long (milliseconds) -------------------------------------------------------------------------

/** From the start of the connection to the peer's first SETTINGS. grpc-go's handshake limit. */
export const HANDSHAKE_TIMEOUT_MS = 120_000;

/** From our SETTINGS to their acknowledgement. */
export const SETTINGS_ACK_TIMEOUT_MS = 60_000;

/** From the first byte of a frame, or the first frame of a header block, to its last. */
export const PARTIAL_FRAME_TIMEOUT_MS = 60_000;

/**
 * A stream whose queue has not moved for this long because the peer grants no window is reset; a connection
 * whose output was not taken for this long, because the peer does not read, ends.
 * Differs from etcd: it holds the answers of such a peer for ever.
 */
export const SEND_STALL_TIMEOUT_MS = 300_000;

/** Between the two GOAWAYs of a graceful end, when the PING in between is not answered; grpc-go's value. */
export const DRAIN_PING_TIMEOUT_MS = 5000;

/** Milliseconds between two looks at the deadlines of open calls: bounds the work that deadlines cause. */
export const DEADLINE_GRANULARITY_MS = 5;

/** Bytes of the smallest output buffer that connections share; smaller ones stay with their connection. */
export const SPARE_BUFFER_BYTES_MIN = 1 << 17;

/** Bytes of the largest one: a connection does not gather more. */
export const SPARE_BUFFER_BYTES_MAX = 4 << 20;

/** Bytes of all shared output buffers that nobody uses: bursts of some tens of connections in one turn. */
export const SPARE_BYTES_MAX = 16 << 20;

/** Idle output memory is given back after this long. */
export const OUTPUT_IDLE_MS = 10_000;

/** Server keepalive as grpc-go's and etcd's defaults: PING after this much silence ... */
export const SERVER_KEEPALIVE_TIME_MS = 7_200_000;

/** ... and the end of the connection when nothing is heard for this long after it. */
export const KEEPALIVE_TIMEOUT_MS = 20_000;

/** Least time between two PINGs of a client with open calls; grpc-go's default (etcd's flag: 5 s). */
export const KEEPALIVE_MIN_TIME_MS = 300_000;

/** Least time between two PINGs of a client without open calls; grpc-go's value. */
export const KEEPALIVE_IDLE_MIN_TIME_MS = 7_200_000;

/** PINGs earlier than that which are forgiven before GOAWAY too_many_pings; grpc-go's value. */
export const PING_STRIKES_MAX = 2;

assert(STREAM_QUEUE_BYTES_LOW < STREAM_QUEUE_BYTES_HIGH, "The queue marks must be in order");
assert(OUTPUT_BYTES_HIGH < OUTPUT_BYTES_MAX, "The output marks must be in order");
assert(STREAM_QUEUE_BYTES_HIGH < CONNECTION_QUEUE_BYTES_MAX, "One stream must fit in a connection");
assert(
  Number.isInteger(Math.log2(SPARE_BUFFER_BYTES_MAX / SPARE_BUFFER_BYTES_MIN)),
  "Buffer sizes must be powers of two",
);
assert((HEADER_MEMO_SLOTS & (HEADER_MEMO_SLOTS - 1)) === 0, "The memo is addressed by a mask");
