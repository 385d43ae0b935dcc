/**
 * The configuration of one member: what its flags mean once defaults are filled in. Made once at start, from
 * the values of the flags, and read-only from then on.
 *
 * Source: etcd server/embed/config.go, server/config/config.go (3.5).
 */
import * as path from "node:path";
import type { LogSettings } from "../../platform/log.ts";
import type { LogThreshold } from "../../ports/log.ts";
import {
  type AuditSettings,
  type AuthSettings,
  auditOf,
  authOf,
  clientTlsOf,
  type DiscoverySettings,
  discoveryOf,
  type HttpSettings,
  httpOf,
  logOf,
  peerTlsOf,
  type TlsSettings,
  type TlsVersions,
  type TracingSettings,
  tlsVersionsOf,
  tracingOf,
} from "./config-groups.ts";
import {
  type FeatureGates,
  type FeatureState,
  featureStates,
  isFeatureOn,
} from "../flags/feature-gates.ts";
import { FLAGS, type FlagValues } from "../flags/table.ts";
import type { ServerUrl } from "./server-url.ts";

export interface ServerConfig {
  /** Features that can be switched by --feature-gates, and whether they are on. */
  readonly features: readonly FeatureState[];
  readonly name: string;
  readonly dataDir: string;
  /** A directory for the log alone, or empty. `walDirOf` has the one in use. */
  readonly dedicatedWalDir: string;
  /** Applied entries between two snapshots. */
  readonly snapshotCount: number;
  /** Entries that stay in memory behind a snapshot. */
  readonly snapshotCatchUpEntries: number;
  /** Snapshot files that are kept; 0 keeps all. */
  readonly snapshotFilesMax: number;
  /** Segments of the log that are kept; 0 keeps all. */
  readonly walFilesMax: number;
  /** One raft tick. */
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly initialElectionTickAdvance: boolean;
  readonly preVote: boolean;
  /** Refuse changes of the membership that could cost the quorum. */
  readonly strictReconfigCheck: boolean;
  /** Promote learners that have caught up. */
  readonly learnerAutoPromote: boolean;
  /** How long a peer may send nothing on a connection. */
  readonly raftReadTimeoutMs: number;
  /** How long a peer may take nothing on a connection. */
  readonly raftWriteTimeoutMs: number;
  /** Make a cluster of this member alone out of its data. */
  readonly forceNewCluster: boolean;
  readonly listenPeerUrls: readonly ServerUrl[];
  readonly listenClientUrls: readonly ServerUrl[];
  readonly initialAdvertisePeerUrls: readonly ServerUrl[];
  readonly advertiseClientUrls: readonly ServerUrl[];
  /** As given: "name=URL,name=URL". Read by `verifyBootstrap` when the member has no data. */
  readonly initialCluster: string;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  /** Size of the database beyond which writes are refused, in bytes; negative means no limit. */
  readonly quotaBackendBytes: number;
  readonly backendBatchIntervalMs: number;
  /** Operations. */
  readonly backendBatchLimit: number;
  /** "periodic", "revision" or nothing: how to read the retention. */
  readonly autoCompactionMode: string;
  /** As given. Read by `compactionPolicy`. */
  readonly autoCompactionRetention: string;
  /** Revisions in one slice of a compaction. */
  readonly compactionBatchLimit: number;
  /** Pause between two of them. */
  readonly compactionSleepIntervalMs: number;
  /** Whether, and how long, what is left of a lease is remembered beside its expiry. */
  readonly leaseCheckpoints: "none" | "memory" | "persisted";
  /** Repair damaged data from the other members. */
  readonly repairsFromPeers: boolean;
  /** Compare the data with the other members' before serving. */
  readonly initialCorruptCheck: boolean;
  /** Time between two comparisons of the leader; 0 means never. */
  readonly corruptCheckMs: number;
  /** Time between two comparisons of what compactions left; 0 means never. */
  readonly compactHashCheckMs: number;
  /** What that time would be, also where it is never. */
  readonly compactHashCheckIntervalMs: number;
  /** Time between two looks whether a downgrade has arrived; 0 means never. */
  readonly downgradeCheckMs: number;
  /** Unused space of the database from which on it is defragmented at start, in bytes; 0 means never. */
  readonly bootstrapDefragBytes: number;
  /** Whether health checks of gRPC are told to go elsewhere during a defragmentation. */
  readonly stopsServingOnDefrag: boolean;
  /** Requests that take longer are worth a line in the log. */
  readonly warningApplyMs: number;
  readonly maxTxnOps: number;
  readonly maxRequestBytes: number;
  readonly maxConcurrentStreams: number;
  readonly grpcKeepaliveMinTimeMs: number;
  /** 0 means never. */
  readonly grpcKeepaliveIntervalMs: number;
  /** 0 means forever. */
  readonly grpcKeepaliveTimeoutMs: number;
  /** Between two progress notifications of a watcher. */
  readonly watchProgressIntervalMs: number;
  /** Calls that take longer are worth a line in the log. */
  readonly warningUnaryRequestMs: number;
  /** Look at the data directory and repair it, instead of starting the member. */
  readonly repair: boolean;
  /** Most learners that the cluster may have. */
  readonly learnersMax: number;
  /** Never wait for the disk: what was acknowledged can be lost. */
  readonly unsafeNoFsync: boolean;
  /** Let other processes listen on the same ports. */
  readonly socketReusePort: boolean;
  readonly log: LogSettings;
  readonly clientTls: TlsSettings;
  readonly peerTls: TlsSettings;
  readonly tlsVersions: TlsVersions;
  /** By their names in Go; none means a good choice. */
  readonly cipherSuites: readonly string[];
  readonly selfSignedCertYears: number;
  readonly auth: AuthSettings;
  readonly http: HttpSettings;
  readonly tracing: TracingSettings;
  readonly audit: AuditSettings;
  readonly discovery: DiscoverySettings;
}

const BYTES_PER_MEGABYTE = 1024 * 1024;

/** What 0 stands for, where 0 is the default of a flag. */
export const DEFAULT_QUOTA_BACKEND_BYTES = 2_147_483_648;
export const DEFAULT_BACKEND_BATCH_INTERVAL_MS = 100;
export const DEFAULT_BACKEND_BATCH_LIMIT = 10_000;
export const DEFAULT_COMPACTION_BATCH_LIMIT = 1000;
export const DEFAULT_COMPACTION_SLEEP_INTERVAL_MS = 10;
export const DEFAULT_WARNING_UNARY_REQUEST_MS = 300;
export const DEFAULT_WATCH_PROGRESS_INTERVAL_MS = 600_000;

/**
 * The configuration that `values` stand for; they have been found valid.
 * `logLevel` is what --log-level was read as.
 */
export function configFromFlags(values: FlagValues, logLevel: LogThreshold): ServerConfig {
  const gates = values["feature-gates"];
  return {
    name: values.name,
    dataDir: values["data-dir"],
    dedicatedWalDir: values["wal-dir"],
    snapshotCount: values["snapshot-count"] || FLAGS["snapshot-count"].initial,
    snapshotCatchUpEntries:
      values["snapshot-catchup-entries"] || FLAGS["snapshot-catchup-entries"].initial,
    repairsFromPeers: values["experimental-repair-from-peers"],
    snapshotFilesMax: values["max-snapshots"],
    walFilesMax: values["max-wals"],
    heartbeatIntervalMs: values["heartbeat-interval"],
    electionTimeoutMs: values["election-timeout"],
    initialElectionTickAdvance: values["initial-election-tick-advance"],
    preVote: values["pre-vote"],
    strictReconfigCheck: values["strict-reconfig-check"],
    learnerAutoPromote: values["experimental-learner-auto-promote"],
    raftReadTimeoutMs: values["raft-read-timeout"],
    raftWriteTimeoutMs: values["raft-write-timeout"],
    forceNewCluster: values["force-new-cluster"],
    listenPeerUrls: values["listen-peer-urls"],
    listenClientUrls: values["listen-client-urls"],
    initialAdvertisePeerUrls: values["initial-advertise-peer-urls"],
    advertiseClientUrls: values["advertise-client-urls"],
    initialCluster: values["initial-cluster"],
    initialClusterState: values["initial-cluster-state"],
    initialClusterToken: values["initial-cluster-token"],
    quotaBackendBytes: values["quota-backend-bytes"] || DEFAULT_QUOTA_BACKEND_BYTES,
    backendBatchIntervalMs: values["backend-batch-interval"] || DEFAULT_BACKEND_BATCH_INTERVAL_MS,
    backendBatchLimit: values["backend-batch-limit"] || DEFAULT_BACKEND_BATCH_LIMIT,
    autoCompactionMode: values["auto-compaction-mode"],
    autoCompactionRetention: values["auto-compaction-retention"],
    compactionBatchLimit: values["compaction-batch-limit"] || DEFAULT_COMPACTION_BATCH_LIMIT,
    compactionSleepIntervalMs:
      values["compaction-sleep-interval"] || DEFAULT_COMPACTION_SLEEP_INTERVAL_MS,
    leaseCheckpoints: leaseCheckpointsOf(gates),
    features: featureStates(gates),
    initialCorruptCheck: isFeatureOn(gates, "InitialCorruptCheck"),
    corruptCheckMs: values["corrupt-check-time"],
    compactHashCheckMs: isFeatureOn(gates, "CompactHashCheck")
      ? values["compact-hash-check-time"]
      : 0,
    compactHashCheckIntervalMs: values["compact-hash-check-time"],
    downgradeCheckMs: values["downgrade-check-time"],
    bootstrapDefragBytes: values["bootstrap-defrag-threshold-megabytes"] * BYTES_PER_MEGABYTE,
    stopsServingOnDefrag: isFeatureOn(gates, "StopGRPCServiceOnDefrag"),
    warningApplyMs: values["warning-apply-duration"],
    maxTxnOps: values["max-txn-ops"],
    maxRequestBytes: values["max-request-bytes"],
    maxConcurrentStreams: values["max-concurrent-streams"],
    grpcKeepaliveMinTimeMs: values["grpc-keepalive-min-time"],
    grpcKeepaliveIntervalMs: values["grpc-keepalive-interval"],
    grpcKeepaliveTimeoutMs: values["grpc-keepalive-timeout"],
    watchProgressIntervalMs: watchProgressIntervalOf(values),
    warningUnaryRequestMs: warningUnaryRequestOf(values),
    repair: values.repair,
    learnersMax: values["max-learners"],
    unsafeNoFsync: values["unsafe-no-fsync"],
    socketReusePort: values["socket-reuse-port"],
    log: logOf(values, logLevel),
    cipherSuites: values["cipher-suites"],
    selfSignedCertYears: values["self-signed-cert-validity"],
    ...groupsOf(values),
  };
}

function groupsOf(values: FlagValues) {
  return {
    clientTls: clientTlsOf(values),
    peerTls: peerTlsOf(values),
    tlsVersions: tlsVersionsOf(values),
    auth: authOf(values),
    http: httpOf(values),
    tracing: tracingOf(values),
    audit: auditOf(values),
    discovery: discoveryOf(values),
  };
}

function leaseCheckpointsOf(gates: FeatureGates): ServerConfig["leaseCheckpoints"] {
  if (isFeatureOn(gates, "LeaseCheckpointPersist")) return "persisted";
  return isFeatureOn(gates, "LeaseCheckpoint") ? "memory" : "none";
}

/** One of the two names may be given. */
function warningUnaryRequestOf(values: FlagValues): number {
  return (
    values["warning-unary-request-duration"] ||
    values["experimental-warning-unary-request-duration"] ||
    DEFAULT_WARNING_UNARY_REQUEST_MS
  );
}

/** Source: etcd server/etcdserver/api/v3rpc/watch.go: what is not above zero leaves the default. */
function watchProgressIntervalOf(values: FlagValues): number {
  const intervalMs = values["watch-progress-notify-interval"];
  return intervalMs > 0 ? intervalMs : DEFAULT_WATCH_PROGRESS_INTERVAL_MS;
}

/** Ticks of an election timeout. */
export function electionTicksOf(config: ServerConfig): number {
  return Math.floor(config.electionTimeoutMs / config.heartbeatIntervalMs);
}

export function memberDirOf(config: ServerConfig): string {
  return path.join(config.dataDir, "member");
}

export function snapDirOf(config: ServerConfig): string {
  return path.join(memberDirOf(config), "snap");
}

export function walDirOf(config: ServerConfig): string {
  return config.dedicatedWalDir === ""
    ? path.join(memberDirOf(config), "wal")
    : config.dedicatedWalDir;
}

export function backendPathOf(config: ServerConfig): string {
  return path.join(snapDirOf(config), "db");
}
