/** Bounds of the shell around a member, each with its unit and reason. */

/** Milliseconds a client may be silent after connecting, before its protocol is known. */
export const FIRST_BYTES_TIMEOUT_MS = 20_000;

/** Milliseconds that a body or a response over HTTP/1.1 may stand still: then nobody is at its other end. */
export const CLIENT_HTTP_STALL_MS = 60_000;

/**
 * Milliseconds that a client's connection over HTTP/1.1 may be unused: longer than pools of clients keep
 * theirs, so that none is closed while a request is on its way. etcd keeps them for ever.
 */
export const CLIENT_HTTP_IDLE_MS = 300_000;

/** Milliseconds between looks at deadlines, keepalives and timeouts of connections. */
export const CONNECTION_TICK_MS = 50;

/** Milliseconds that calls under way get to finish when the server stops. */
export const DRAIN_GRACE_MS = 2_000;

/** Milliseconds that a client gets to close its side after we closed ours. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Milliseconds that one slice of a compaction may take. */
export const COMPACTION_SLICE_MS_MAX = 2;

/** Revisions of a compaction between two looks at the clock: some 0.2 ms of work. */
export const COMPACTION_STEP_REVISIONS = 64;

/**
 * Revisions that a compaction removes in one commit of the backend, where each may be on a page of its own:
 * some 2 ms of work for the event loop.
 */
export const COMPACTION_REMOVALS_PER_COMMIT_MAX = 500;

/** Revisions read between two lines of progress when the key index is rebuilt. */
export const RESTORE_PROGRESS_REVISIONS = 1_000_000;

/** Connections that may wait while a member starts; more are closed, and their clients come again. */
export const EARLY_CONNECTIONS_MAX = 4096;

/** Milliseconds between two slices of work beside the requests, at least: what a timer can do. */
export const BACKGROUND_PAUSE_MS = 1;

/** A slice is followed by a pause this many times as long: such work has a third of the event loop. */
export const BACKGROUND_PAUSE_PER_SLICE = 2;

/** Items (large ones count more) in one slice of a hash: about a third of a millisecond. */
export const HASH_SLICE_ITEMS = 200;

/** Requests for a hash that may wait: each holds little more than its stream. */
export const HASH_REQUESTS_WAITING_MAX = 256;

/** Backups at a time. Each has a share of the background work, and holds a state of the database. */
export const BACKUPS_OPEN_MAX = 32;

/** Snapshots on their way to other members at once. Source: etcd 3.5 (maxInFlightMsgSnap). */
export const SNAPSHOTS_SENT_MAX = 16;

/**
 * Milliseconds after a snapshot has arrived in which the log is not cut, so that its receiver finds there what
 * came since. Source: etcd 3.5 (releaseDelayAfterSnapshot).
 */
export const SNAPSHOT_LOG_HOLD_MS = 30_000;

/** Bytes of a snapshot that are read in one slice: about half a millisecond from memory. */
export const SNAPSHOT_READ_BYTES = 1024 * 1024;

/** Snapshots that may arrive at once: each is a copy of the database on the disk. */
export const SNAPSHOTS_RECEIVED_MAX = 2;

/** Bytes of an arriving database between two syncs of its file: so the log never waits for much of it. */
export const SNAPSHOT_SYNC_BYTES = 16 * 1024 * 1024;

/** Bytes of it that gather before they are written: chunks that arrive are small. */
export const SNAPSHOT_WRITE_BYTES = 1024 * 1024;

/** Revisions of a database that takes over which are read in one slice: 2 to 4 ms. */
export const INSTALL_SLICE_REVISIONS = 2_000;

/** Pages of it that are looked at in one slice, to find those that are free. */
export const INSTALL_SLICE_PAGES = 2_048;

/** Bytes of the note of a repair: a list of all members. */
export const REPAIR_NOTE_BYTES_MAX = 1024 * 1024;

/** Milliseconds between two questions to peers for their terms. */
export const PEER_TERM_PAUSE_MS = 500;

/** Seconds between two checkpoints of a lease. Source: etcd server/lease/lessor.go. */
export const LEASE_CHECKPOINT_INTERVAL_SECONDS = 300;

/** Batches of events that are shown to watchers in one turn of the run loop: about half a millisecond. */
export const WATCH_PUMP_BUDGET = 512;

/** Shortest time between two progress notifications. Source: etcd server/etcdserver/api/v3rpc/watch.go. */
export const WATCH_PROGRESS_INTERVAL_MS_MIN = 100;

/** Least milliseconds between two looks at a downgrade: a negative interval must not spin. */
export const DOWNGRADE_CHECK_MS_MIN = 100;

/** Least milliseconds between two corruption checks: a negative interval must not spin. */
export const CORRUPTION_CHECK_MS_MIN = 100;

/** Items (large ones count more) that a defragmentation copies in one slice: about 0.2 ms of work. */
export const DEFRAG_SLICE_ITEMS = 256;

/**
 * Bytes of a copy in one commit to its file: few, so that turning them into pages takes half a millisecond and
 * their way to the device is no obstacle for the writes of the log; but each commit costs two syncs, and
 * leaves some pages of its own behind that no later one fits into (256 KiB: 2 % of the file, 512 KiB: 1 %).
 */
export const DEFRAG_COMMIT_BYTES = 512 * 1024;

/** Milliseconds between two lines of progress of a defragmentation. */
export const DEFRAG_PROGRESS_MS = 10_000;

/** Requests for a defragmentation that may wait: each holds little more than its stream. */
export const DEFRAG_REQUESTS_WAITING_MAX = 256;

/** Items in one step of the hash before serving, which has no pauses between steps. */
export const INITIAL_HASH_ITEMS = 100_000;

/** Bytes of a request beyond its payload that gRPC may carry. Source: etcd embed (grpcOverheadBytes). */
export const GRPC_OVERHEAD_BYTES = 512 * 1024;

/**
 * Milliseconds that a member goes on after it has applied its own removal, so that the others learn of it
 * through what it still sends. Source: etcd 3.5.
 */
export const REMOVED_MEMBER_STOP_MS = 1_000;

/** Milliseconds between two attempts to look up a host name. Source: etcd pkg/netutil. */
export const LOOKUP_RETRY_MS = 1000;

/** Milliseconds that looking up host names may take at start. Source: etcd server/config. */
export const LOOKUP_TIMEOUT_MS = 30_000;

/** Milliseconds for each peer that is asked whether this member ran before. Source: etcd server/config. */
export const BOOTSTRAP_PROBE_TIMEOUT_MS = 1000;

/** Milliseconds for each peer that is asked for its members before joining. Source: etcd cluster_util.go. */
export const JOIN_PROBE_TIMEOUT_MS = 10_000;

/** Milliseconds that a member may take to tell its version; etcd waits for ever. */
export const VERSION_PROBE_TIMEOUT_MS = 5000;
/** Milliseconds between two rounds of asking a leader that gives no answer. Source: etcd 3.5 (LeaseRenew). */
export const LEADER_CALL_PAUSE_MS = 50;

/** Requests to the leader beside Raft that are under way at once; further ones wait for one of them. */
export const LEADER_CALLS_AT_ONCE = 64;

/** Such requests that may wait: each belongs to a stream or a call of a client. */
export const LEADER_CALLS_MAX = 100_000;
/** Milliseconds between two looks whether the peers are there after a start. Source: etcd 3.5. */
export const ELECTION_ADVANCE_LOOK_MS = 50;

/** Looks for the peers after a start, five seconds' worth. Source: etcd 3.5. */
export const ELECTION_ADVANCE_LOOKS_MAX = 100;

/** Milliseconds between two looks of the leader whether a learner has caught up. */
export const LEARNER_CHECK_MS = 1_000;

/** Milliseconds between two looks of the leader at the members' versions. Source: etcd 3.5. */
export const VERSION_CHECK_MS = 4_000;

/** Milliseconds between two attempts of a member to publish itself: a refusal must not be repeated at once. */
export const PUBLISH_PAUSE_MS = 50;

/**
 * Milliseconds after which a turn of the run loop lets other events in, however much there is to apply:
 * heartbeats must go out and be answered meanwhile.
 */
export const TURN_MS_MAX = 10;

/** A heartbeat that comes so many intervals after the last one is worth a warning: etcd's number. */
export const LATE_HEARTBEAT_INTERVALS = 2;

/** Spans that wait for the collector: as OpenTelemetry for Go. */
export const SPANS_WAITING_MAX = 2048;

/** Spans of one request to the collector: as OpenTelemetry for Go. */
export const SPAN_BATCH_MAX = 512;

/** Milliseconds until spans that are fewer are sent: as OpenTelemetry for Go. */
export const SPAN_INTERVAL_MS = 5000;

/** Milliseconds between two lines about a collector that takes no spans. */
export const SPAN_COMPLAINT_INTERVAL_MS = 60_000;

/** Milliseconds that the end of a member waits for the collector. */
export const SPAN_CLOSE_GRACE_MS = 2000;

/** Pauses between two attempts to reach a discovery service double so often: up to 256 seconds. As etcd. */
export const DISCOVERY_BACKOFF_DOUBLINGS_MAX = 8;

/** Members that a discovery service may announce; no cluster is founded with more. */
export const DISCOVERY_MEMBERS_MAX = 1000;
