/**
 * Every flag that has an effect: kind, default, group and help. The command line, the environment (ETCD_ and
 * the name in upper case with underscores), the help text and the configuration all come from this table.
 * Flags of etcd that have no effect here are in unsupported-flags.ts.
 *
 * Source: etcd server/etcdmain/config.go and help.go (3.5).
 */
import { assert } from "../stdx/assert.ts";
import {
  bool,
  durationMs,
  type FlagKind,
  int64,
  oneOf,
  string,
  texts,
  uint32,
  uint64,
  urls,
} from "./flag-kinds.ts";
import { FlagRefusal } from "./flag-refusal.ts";
import { parseServerUrls, type ServerUrl } from "./server-url.ts";

/** Headings of the help text, in order. */
export const FLAG_GROUPS = [
  "Member",
  "Clustering",
  "Logging",
  "Experimental feature",
  "Unsafe feature",
] as const;

export type FlagGroup = (typeof FLAG_GROUPS)[number];

export interface Flag<T> {
  readonly group: FlagGroup;
  readonly kind: FlagKind<T>;
  readonly initial: T;
  /** The default as the help shows it. */
  readonly shown: string;
  /** Lines of the help text. */
  readonly help: readonly string[];
}

function flag<T>(
  group: FlagGroup,
  kind: FlagKind<T>,
  initial: T,
  shown: string,
  ...help: readonly string[]
): Flag<T> {
  return { group, kind, initial, shown, help };
}

function url(text: string): readonly ServerUrl[] {
  const list = parseServerUrls(text);
  assert(!(list instanceof FlagRefusal), () => `Cannot read the default URL "${text}"`);
  return list;
}

export const DEFAULT_CLIENT_URL = "http://localhost:2379";
export const DEFAULT_PEER_URL = "http://localhost:2380";
export const DEFAULT_NAME = "default";
export const DEFAULT_INITIAL_CLUSTER: string = `${DEFAULT_NAME}=${DEFAULT_PEER_URL}`;

const MEMBER_FLAGS = {
  name: flag(
    "Member",
    string,
    DEFAULT_NAME,
    DEFAULT_NAME,
    "Name of this member, for people to read.",
  ),
  "data-dir": flag("Member", string, "", "${name}.etcd", "Directory that holds all data."),
  "wal-dir": flag(
    "Member",
    string,
    "",
    "",
    "Directory for the write-ahead log alone, for example on a device of its own.",
  ),
  "snapshot-count": flag(
    "Member",
    uint64,
    100_000,
    "100000",
    "Applied entries after which a snapshot is written and the log is cut.",
  ),
  "heartbeat-interval": flag(
    "Member",
    uint64,
    100,
    "100",
    "Milliseconds between heartbeats of the leader; one tick of raft.",
  ),
  "election-timeout": flag(
    "Member",
    uint64,
    1000,
    "1000",
    "Milliseconds without a leader after which a member calls an election.",
    "At least five times --heartbeat-interval, at most 50000.",
  ),
  "initial-election-tick-advance": flag(
    "Member",
    bool,
    true,
    "true",
    "Shorten the wait for the first election after a start.",
  ),
  "listen-peer-urls": flag(
    "Member",
    urls,
    url(DEFAULT_PEER_URL),
    DEFAULT_PEER_URL,
    "URLs to listen on for other members.",
  ),
  "listen-client-urls": flag(
    "Member",
    urls,
    url(DEFAULT_CLIENT_URL),
    DEFAULT_CLIENT_URL,
    "URLs to listen on for clients, gRPC and HTTP on the same port.",
    "When given, --advertise-client-urls must be given as well.",
  ),
  "max-snapshots": flag("Member", uint64, 5, "5", "Most snapshot files to keep (0 means all)."),
  "max-wals": flag("Member", uint64, 5, "5", "Most files of the log to keep (0 means all)."),
  "quota-backend-bytes": flag(
    "Member",
    int64,
    0,
    "0",
    "Size of the database in bytes beyond which writes are refused (0 means 2147483648, negative no limit).",
  ),
  "backend-batch-interval": flag(
    "Member",
    durationMs,
    0,
    "",
    "Longest time until a batch of applied entries is committed to the database (0 means 100ms).",
  ),
  "backend-batch-limit": flag(
    "Member",
    int64,
    0,
    "0",
    "Most operations in one such batch (0 means 10000).",
  ),
  "max-txn-ops": flag("Member", uint64, 128, "128", "Most operations in one transaction."),
  "max-request-bytes": flag(
    "Member",
    uint64,
    1_572_864,
    "1572864",
    "Largest request of a client, in bytes.",
  ),
  "max-concurrent-streams": flag(
    "Member",
    uint32,
    4_294_967_295,
    "math.MaxUint32",
    "Most streams that one client may have open at a time.",
  ),
  "grpc-keepalive-min-time": flag(
    "Member",
    durationMs,
    5000,
    "5s",
    "Shortest time between two pings of a client; a client that pings more often is disconnected.",
  ),
  "grpc-keepalive-interval": flag(
    "Member",
    durationMs,
    7_200_000,
    "2h",
    "Time without traffic after which the server pings a client (0 means never).",
  ),
  "grpc-keepalive-timeout": flag(
    "Member",
    durationMs,
    20_000,
    "20s",
    "Time to wait for the answer to such a ping before the connection is closed (0 means forever).",
  ),
  "raft-read-timeout": flag(
    "Member",
    durationMs,
    5000,
    "5s",
    "Time without a byte from a peer after which a connection to it is given up, at least 5s.",
  ),
  "raft-write-timeout": flag(
    "Member",
    durationMs,
    5000,
    "5s",
    "Time in which a peer takes no byte after which a connection to it is given up, at least 5s.",
  ),
  "experimental-watch-progress-notify-interval": flag(
    "Member",
    durationMs,
    0,
    "10m",
    "Time between two progress notifications of a watcher, 100ms at least (0 means 10m).",
  ),
} as const;

const CLUSTER_FLAGS = {
  "initial-advertise-peer-urls": flag(
    "Clustering",
    urls,
    url(DEFAULT_PEER_URL),
    DEFAULT_PEER_URL,
    "URLs under which the other members reach this one.",
  ),
  "initial-cluster": flag(
    "Clustering",
    string,
    DEFAULT_INITIAL_CLUSTER,
    DEFAULT_INITIAL_CLUSTER,
    "The members of a new cluster: name=URL, separated by commas.",
  ),
  "initial-cluster-state": flag(
    "Clustering",
    oneOf("new", "existing"),
    "new",
    "new",
    "Whether the cluster is new or exists already ('new' or 'existing').",
    "Without effect once the member has data.",
  ),
  "initial-cluster-token": flag(
    "Clustering",
    string,
    "etcd-cluster",
    "etcd-cluster",
    "Token of a new cluster. Clusters with the same members but other tokens have other ids.",
  ),
  "advertise-client-urls": flag(
    "Clustering",
    urls,
    url(DEFAULT_CLIENT_URL),
    DEFAULT_CLIENT_URL,
    "URLs under which clients reach this member, as told to clients and other members.",
  ),
  "pre-vote": flag(
    "Clustering",
    bool,
    true,
    "true",
    "Ask for votes without disturbing a leader before calling an election.",
  ),
  "strict-reconfig-check": flag(
    "Clustering",
    bool,
    true,
    "true",
    "Refuse changes of the members that could cost the cluster its quorum.",
  ),
  "auto-compaction-retention": flag(
    "Clustering",
    string,
    "0",
    "0",
    "How much history auto-compaction keeps (0 means that there is none).",
  ),
  "auto-compaction-mode": flag(
    "Clustering",
    string,
    "periodic",
    "periodic",
    "What that is: 'periodic', a time such as '5m', or hours without a unit;",
    "'revision', a number of revisions.",
  ),
} as const;

const LOGGING_FLAGS = {
  logger: flag(
    "Logging",
    string,
    "zap",
    "zap",
    "Form of the log: 'zap' is one JSON object a line.",
  ),
  "log-outputs": flag(
    "Logging",
    texts,
    ["default"],
    "default",
    "Where the log goes: 'stderr' (as 'default'), 'stdout' or paths of files, separated by commas.",
  ),
  "log-level": flag(
    "Logging",
    string,
    "info",
    "info",
    "Least level that is logged: debug, info, warn, error, panic or fatal.",
  ),
} as const;

const EXPERIMENTAL_FLAGS = {
  "experimental-snapshot-catchup-entries": flag(
    "Experimental feature",
    uint64,
    5000,
    "5000",
    "Entries of the log that stay behind a snapshot, for followers that are slow.",
  ),
  "experimental-compaction-batch-limit": flag(
    "Experimental feature",
    int64,
    0,
    "1000",
    "Most revisions that a compaction looks at before it pauses (0 means 1000).",
    "It pauses earlier when a few milliseconds have passed.",
  ),
  "experimental-compaction-sleep-interval": flag(
    "Experimental feature",
    durationMs,
    0,
    "10ms",
    "How long a compaction pauses (0 means 10ms).",
  ),
  "experimental-repair-from-peers": flag(
    "Experimental feature",
    bool,
    false,
    "false",
    "Keep damaged data aside and catch up from the other members instead of refusing to start. Not a flag of",
    "etcd: see docs/internals/snapshots.md.",
  ),
  "experimental-initial-corrupt-check": flag(
    "Experimental feature",
    bool,
    false,
    "false",
    "Compare the data with that of the other members before serving.",
  ),
  "experimental-corrupt-check-time": flag(
    "Experimental feature",
    durationMs,
    0,
    "0s",
    "Time between two comparisons of the data that the leader makes (0 means never).",
  ),
  "experimental-compact-hash-check-enabled": flag(
    "Experimental feature",
    bool,
    false,
    "false",
    "Let the leader compare what compactions left.",
  ),
  "experimental-compact-hash-check-time": flag(
    "Experimental feature",
    durationMs,
    60_000,
    "1m",
    "Time between two such comparisons.",
  ),
  "experimental-warning-apply-duration": flag(
    "Experimental feature",
    durationMs,
    100,
    "100ms",
    "A request that takes longer is warned of in the log.",
  ),
  "experimental-downgrade-check-time": flag(
    "Experimental feature",
    durationMs,
    5000,
    "5s",
    "Time between two looks of the leader whether a downgrade has arrived (0 means never).",
  ),
  "experimental-bootstrap-defrag-threshold-megabytes": flag(
    "Experimental feature",
    uint64,
    0,
    "0",
    "Megabytes of unused space from which on the database is defragmented at start (0 means never).",
  ),
  "experimental-learner-auto-promote": flag(
    "Experimental feature",
    bool,
    false,
    "false",
    "Promote learners by themselves once they have caught up.",
  ),
  "experimental-enable-lease-checkpoint": flag(
    "Experimental feature",
    bool,
    false,
    "false",
    "Tell the other members every five minutes how much of a long lease is left, so that a change of",
    "leader does not start it anew.",
  ),
  "experimental-enable-lease-checkpoint-persist": flag(
    "Experimental feature",
    bool,
    false,
    "false",
    "Keep what is left of leases over a restart, too. Needs --experimental-enable-lease-checkpoint.",
  ),
} as const;

const UNSAFE_FLAGS = {
  "force-new-cluster": flag(
    "Unsafe feature",
    bool,
    false,
    "false",
    "Make a cluster of this member alone out of its data, when the others are lost for good.",
    "Their ids must not come back: remove their data. Start without it afterwards.",
  ),
} as const;

const TABLE = {
  ...MEMBER_FLAGS,
  ...CLUSTER_FLAGS,
  ...LOGGING_FLAGS,
  ...EXPERIMENTAL_FLAGS,
  ...UNSAFE_FLAGS,
} as const;

export type FlagName = keyof typeof TABLE;

/** A value for every flag. */
export type FlagValues = {
  -readonly [Name in FlagName]: (typeof TABLE)[Name] extends Flag<infer T> ? T : never;
};

export const FLAGS: { readonly [Name in FlagName]: Flag<FlagValues[Name]> } = TABLE;

/** What holds when no flag is given. */
export function initialFlagValues(): FlagValues {
  const values = Object.fromEntries(
    Object.entries(FLAGS).map(([name, { initial }]) => [name, initial]),
  );
  return values as FlagValues;
}
