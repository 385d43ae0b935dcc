/**
 * Every flag of etcd 3.5.30, and those that 3.6 and 3.7 add, as their sources have them: name, type, default,
 * key in a configuration file, version. Written down apart from the tables of the program, which are held
 * against it.
 *
 * Source: etcd server/etcdmain/config.go, server/embed/config.go (3.5.30, 3.6.14, 3.7.1).
 */

export type ReferenceType =
  | "bool"
  | "int"
  | "int64"
  | "uint"
  | "uint32"
  | "uint64"
  | "duration"
  | "string"
  | "list"
  | "uniqueList"
  | "hosts"
  | "origins"
  | "urls"
  | "gates"
  | "stages"
  | "clusterState"
  | "fallback"
  | "proxyMode";

export interface ReferenceFlag {
  readonly name: string;
  readonly type: ReferenceType;
  /** Durations in milliseconds, URLs as texts. */
  readonly initial: unknown;
  /** Path of keys, separated by dots; `undefined` when no file can say it. */
  readonly key: string | undefined;
  readonly since: "3.5" | "3.6";
}

/** The key is the name. */
const SAME = true;

type Row = readonly [string, ReferenceType, unknown, string | true | null, "3.5" | "3.6"];

const ROWS: readonly Row[] = [
  ["name", "string", "default", SAME, "3.5"],
  ["data-dir", "string", "", SAME, "3.5"],
  ["wal-dir", "string", "", SAME, "3.5"],
  ["snapshot-count", "uint64", 100000, SAME, "3.5"],
  ["heartbeat-interval", "uint", 100, SAME, "3.5"],
  ["election-timeout", "uint", 1000, SAME, "3.5"],
  ["initial-election-tick-advance", "bool", true, SAME, "3.5"],
  ["listen-peer-urls", "urls", ["http://localhost:2380"], SAME, "3.5"],
  ["listen-client-urls", "urls", ["http://localhost:2379"], SAME, "3.5"],
  ["listen-client-http-urls", "urls", [], SAME, "3.5"],
  ["max-snapshots", "uint", 5, SAME, "3.5"],
  ["max-wals", "uint", 5, SAME, "3.5"],
  ["quota-backend-bytes", "int64", 0, SAME, "3.5"],
  ["backend-bbolt-freelist-type", "string", "", SAME, "3.5"],
  ["backend-batch-interval", "duration", 0, SAME, "3.5"],
  ["backend-batch-limit", "int", 0, SAME, "3.5"],
  ["max-txn-ops", "uint", 128, SAME, "3.5"],
  ["max-request-bytes", "uint", 1572864, SAME, "3.5"],
  ["max-concurrent-streams", "uint32", 4294967295, SAME, "3.5"],
  ["enable-grpc-gateway", "bool", true, SAME, "3.5"],
  ["grpc-keepalive-min-time", "duration", 5000, SAME, "3.5"],
  ["grpc-keepalive-interval", "duration", 7200000, SAME, "3.5"],
  ["grpc-keepalive-timeout", "duration", 20000, SAME, "3.5"],
  ["socket-reuse-port", "bool", false, "socket-options.reuse-port", "3.5"],
  ["socket-reuse-address", "bool", false, "socket-options.reuse-address", "3.5"],
  ["raft-read-timeout", "duration", 5000, null, "3.5"],
  ["raft-write-timeout", "duration", 5000, null, "3.5"],
  ["initial-advertise-peer-urls", "urls", ["http://localhost:2380"], SAME, "3.5"],
  ["initial-cluster", "string", "default=http://localhost:2380", SAME, "3.5"],
  ["initial-cluster-state", "clusterState", "new", SAME, "3.5"],
  ["initial-cluster-token", "string", "etcd-cluster", SAME, "3.5"],
  ["advertise-client-urls", "urls", ["http://localhost:2379"], SAME, "3.5"],
  ["discovery", "string", "", SAME, "3.5"],
  ["discovery-fallback", "fallback", "proxy", SAME, "3.5"],
  ["discovery-proxy", "string", "", SAME, "3.5"],
  ["discovery-srv", "string", "", SAME, "3.5"],
  ["discovery-srv-name", "string", "", SAME, "3.5"],
  ["strict-reconfig-check", "bool", true, SAME, "3.5"],
  ["pre-vote", "bool", true, SAME, "3.5"],
  ["auto-compaction-retention", "string", "0", SAME, "3.5"],
  ["auto-compaction-mode", "string", "periodic", SAME, "3.5"],
  ["enable-v2", "bool", false, SAME, "3.5"],
  ["v2-deprecation", "stages", "", SAME, "3.5"],
  ["cert-file", "string", "", "client-transport-security.cert-file", "3.5"],
  ["key-file", "string", "", "client-transport-security.key-file", "3.5"],
  ["client-cert-file", "string", "", "client-transport-security.client-cert-file", "3.5"],
  ["client-key-file", "string", "", "client-transport-security.client-key-file", "3.5"],
  ["client-cert-auth", "bool", false, "client-transport-security.client-cert-auth", "3.5"],
  ["client-crl-file", "string", "", null, "3.5"],
  ["client-cert-allowed-hostname", "list", [], "client-transport-security.allowed-hostname", "3.5"],
  ["trusted-ca-file", "string", "", "client-transport-security.trusted-ca-file", "3.5"],
  ["auto-tls", "bool", false, "client-transport-security.auto-tls", "3.5"],
  ["peer-cert-file", "string", "", "peer-transport-security.cert-file", "3.5"],
  ["peer-key-file", "string", "", "peer-transport-security.key-file", "3.5"],
  ["peer-client-cert-file", "string", "", "peer-transport-security.client-cert-file", "3.5"],
  ["peer-client-key-file", "string", "", "peer-transport-security.client-key-file", "3.5"],
  ["peer-client-cert-auth", "bool", false, "peer-transport-security.client-cert-auth", "3.5"],
  ["peer-trusted-ca-file", "string", "", "peer-transport-security.trusted-ca-file", "3.5"],
  ["peer-cert-allowed-cn", "list", [], "peer-transport-security.allowed-cn", "3.5"],
  ["peer-cert-allowed-hostname", "list", [], "peer-transport-security.allowed-hostname", "3.5"],
  ["peer-auto-tls", "bool", false, "peer-transport-security.auto-tls", "3.5"],
  ["self-signed-cert-validity", "uint", 1, SAME, "3.5"],
  ["peer-crl-file", "string", "", null, "3.5"],
  ["cipher-suites", "list", [], SAME, "3.5"],
  ["cors", "origins", ["*"], SAME, "3.5"],
  ["host-whitelist", "hosts", ["*"], SAME, "3.5"],
  ["tls-min-version", "string", "TLS1.2", SAME, "3.5"],
  ["tls-max-version", "string", "", SAME, "3.5"],
  ["auth-token", "string", "simple", SAME, "3.5"],
  ["bcrypt-cost", "uint", 10, SAME, "3.5"],
  ["auth-token-ttl", "uint", 300, SAME, "3.5"],
  ["enable-pprof", "bool", false, SAME, "3.5"],
  ["metrics", "string", "basic", SAME, "3.5"],
  ["listen-metrics-urls", "urls", [], SAME, "3.5"],
  ["logger", "string", "zap", SAME, "3.5"],
  ["log-outputs", "uniqueList", ["default"], SAME, "3.5"],
  ["log-level", "string", "info", SAME, "3.5"],
  ["enable-log-rotation", "bool", false, SAME, "3.5"],
  [
    "log-rotation-config-json",
    "string",
    '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
    SAME,
    "3.5",
  ],
  ["experimental-enable-distributed-tracing", "bool", false, SAME, "3.5"],
  ["experimental-distributed-tracing-address", "string", "localhost:4317", SAME, "3.5"],
  ["experimental-distributed-tracing-service-name", "string", "etcd", SAME, "3.5"],
  ["experimental-distributed-tracing-instance-id", "string", "", SAME, "3.5"],
  ["experimental-distributed-tracing-sampling-rate", "int", 0, SAME, "3.5"],
  ["proxy", "proxyMode", "off", SAME, "3.5"],
  ["proxy-failure-wait", "uint", 5000, SAME, "3.5"],
  ["proxy-refresh-interval", "uint", 30000, SAME, "3.5"],
  ["proxy-dial-timeout", "uint", 1000, SAME, "3.5"],
  ["proxy-write-timeout", "uint", 5000, SAME, "3.5"],
  ["proxy-read-timeout", "uint", 0, SAME, "3.5"],
  ["experimental-initial-corrupt-check", "bool", false, SAME, "3.5"],
  ["experimental-corrupt-check-time", "duration", 0, SAME, "3.5"],
  ["experimental-compact-hash-check-enabled", "bool", false, SAME, "3.5"],
  ["experimental-compact-hash-check-time", "duration", 60000, SAME, "3.5"],
  ["experimental-enable-v2v3", "string", "", SAME, "3.5"],
  ["experimental-enable-lease-checkpoint", "bool", false, SAME, "3.5"],
  ["experimental-enable-lease-checkpoint-persist", "bool", false, SAME, "3.5"],
  ["experimental-compaction-batch-limit", "int", 0, SAME, "3.5"],
  ["experimental-compaction-sleep-interval", "duration", 0, SAME, "3.5"],
  ["experimental-peer-skip-client-san-verification", "bool", false, SAME, "3.5"],
  ["experimental-watch-progress-notify-interval", "duration", 0, SAME, "3.5"],
  ["experimental-downgrade-check-time", "duration", 5000, SAME, "3.5"],
  ["experimental-memory-mlock", "bool", false, SAME, "3.5"],
  ["experimental-warning-apply-duration", "duration", 100, SAME, "3.5"],
  ["experimental-txn-mode-write-with-shared-buffer", "bool", true, SAME, "3.5"],
  ["experimental-bootstrap-defrag-threshold-megabytes", "uint", 0, SAME, "3.5"],
  ["experimental-stop-grpc-service-on-defrag", "bool", false, SAME, "3.5"],
  [
    "experimental-snapshot-catchup-entries",
    "uint64",
    5000,
    "experimental-snapshot-catch-up-entries",
    "3.5",
  ],
  ["force-new-cluster", "bool", false, SAME, "3.5"],
  ["unsafe-no-fsync", "bool", false, SAME, "3.5"],
  ["feature-gates", "gates", [], SAME, "3.6"],
  ["max-learners", "int", 1, SAME, "3.6"],
  ["log-format", "string", "json", SAME, "3.6"],
  ["memory-mlock", "bool", false, SAME, "3.6"],
  ["warning-apply-duration", "duration", 100, SAME, "3.6"],
  ["warning-unary-request-duration", "duration", 0, SAME, "3.6"],
  ["experimental-warning-unary-request-duration", "duration", 0, SAME, "3.6"],
  ["compaction-batch-limit", "int", 0, SAME, "3.6"],
  ["compaction-sleep-interval", "duration", 0, SAME, "3.6"],
  ["watch-progress-notify-interval", "duration", 0, SAME, "3.6"],
  ["downgrade-check-time", "duration", 5000, SAME, "3.6"],
  ["corrupt-check-time", "duration", 0, SAME, "3.6"],
  ["compact-hash-check-time", "duration", 60000, SAME, "3.6"],
  ["bootstrap-defrag-threshold-megabytes", "uint", 0, SAME, "3.6"],
  ["snapshot-catchup-entries", "uint64", 5000, SAME, "3.6"],
  [
    "peer-skip-client-san-verification",
    "bool",
    false,
    "peer-transport-security.skip-client-san-verification",
    "3.6",
  ],
  ["enable-distributed-tracing", "bool", false, SAME, "3.6"],
  ["distributed-tracing-address", "string", "localhost:4317", SAME, "3.6"],
  ["distributed-tracing-service-name", "string", "etcd", SAME, "3.6"],
  ["distributed-tracing-instance-id", "string", "", SAME, "3.6"],
  ["distributed-tracing-sampling-rate", "int", 0, SAME, "3.6"],
  ["discovery-endpoints", "uniqueList", [], "discovery-config.endpoints", "3.6"],
  ["discovery-token", "string", "", "discovery-config.token", "3.6"],
  ["discovery-dial-timeout", "duration", 2000, "discovery-config.dial-timeout", "3.6"],
  ["discovery-request-timeout", "duration", 5000, "discovery-config.request-timeout", "3.6"],
  ["discovery-keepalive-time", "duration", 2000, "discovery-config.keepalive-time", "3.6"],
  ["discovery-keepalive-timeout", "duration", 6000, "discovery-config.keepalive-timeout", "3.6"],
  [
    "discovery-insecure-transport",
    "bool",
    true,
    "discovery-config.secure.insecure-transport",
    "3.6",
  ],
  [
    "discovery-insecure-skip-tls-verify",
    "bool",
    false,
    "discovery-config.secure.insecure-skip-tls-verify",
    "3.6",
  ],
  ["discovery-cert", "string", "", "discovery-config.secure.cert", "3.6"],
  ["discovery-key", "string", "", "discovery-config.secure.key", "3.6"],
  ["discovery-cacert", "string", "", "discovery-config.secure.cacert", "3.6"],
  ["discovery-user", "string", "", "discovery-config.auth.username", "3.6"],
  ["discovery-password", "string", "", "discovery-config.auth.password", "3.6"],
];

export const REFERENCE_FLAGS: readonly ReferenceFlag[] = ROWS.map(
  ([name, type, initial, key, since]) => ({
    name,
    type,
    initial,
    key: key === SAME ? name : (key ?? undefined),
    since,
  }),
);

/** Flags that are read and mean nothing, in every version. */
export const REFERENCE_IGNORED: readonly string[] = [
  "cluster-active-size",
  "cluster-remove-delay",
  "cluster-sync-interval",
  "config",
  "force",
  "max-result-buffer",
  "max-retry-attempts",
  "peer-heartbeat-interval",
  "peer-election-timeout",
  "retry-interval",
  "snapshot",
  "v",
  "vv",
  "test.coverprofile",
  "test.outputdir",
];

/** Defaults that are others in a configuration file. */
export const FILE_DEFAULTS: Readonly<Record<string, unknown>> = {
  "auto-compaction-retention": "",
  "auto-compaction-mode": "",
  "tls-min-version": "",
  "experimental-distributed-tracing-address": "",
  "experimental-distributed-tracing-service-name": "",
  "discovery-fallback": "exit",
};

/** Our own, which etcd does not have. */
export const OWN_FLAGS: readonly string[] = [
  "audit-log",
  "audit-log-maxage",
  "audit-log-maxbackup",
  "audit-log-maxbackups",
  "audit-log-maxsize",
  "audit-log-path",
  "client-cert-allowed-cn",
  "experimental-learner-auto-promote",
  "experimental-repair-from-peers",
  "repair",
];
