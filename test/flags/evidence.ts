/**
 * Which test shows what a flag does: the file, a title in it, and a word of that file which stands for the
 * flag, where that is not its name: a field of the configuration, or a setting of what it configures. The
 * walk over the list of the reference makes sure that all three are there.
 */

type Evidence = readonly [file: string, title: string, word?: string];

const LIMITS = "test/flags/limits.test.ts";
const EFFECTS = "test/flags/effects.test.ts";
const DISCOVERY = "test/flags/discovery.test.ts";
const DISCOVERY_URL = "test/flags/discovery-url.test.ts";
const FOUND = "src/server/discovery/discovery.test.ts";
const TLS = "test/interop/tls.test.ts";
const TLS_CLUSTER = "test/interop/tls-cluster.test.ts";
const TLS_FLAGS = "test/interop/tls-flags.test.ts";
const ACCEPTOR = "src/platform/tls/acceptor.test.ts";
const HTTP = "test/interop/http.test.ts";
const TOKENS = "test/interop/tokens.test.ts";
const CLUSTER = "test/interop/cluster-life.test.ts";
const TRACING = "test/interop/tracing.test.ts";
const LOG = "src/platform/log.test.ts";
const AUDIT = "test/interop/audit-log.test.ts";
const ARGS = "src/cmd/server-args.test.ts";

export const EVIDENCE: Readonly<Record<string, Evidence>> = {
  name: [DISCOVERY, "two members found one cluster"],
  "data-dir": ["test/robustness/repair.test.ts", "etcd --repair"],
  "wal-dir": [LIMITS, "--wal-dir, --snapshot-count, --max-snapshots"],
  "snapshot-count": [LIMITS, "--wal-dir, --snapshot-count, --max-snapshots"],
  "heartbeat-interval": [
    "test/interop/cluster-answers.test.ts",
    "through a follower that is cut off",
  ],
  "election-timeout": [
    "test/interop/cluster-answers.test.ts",
    "through a follower that is cut off",
  ],
  "initial-election-tick-advance": [
    "sim/hand-over.test.ts",
    "comes sooner when the peers are there",
    "initialElectionTickAdvance",
  ],
  "listen-peer-urls": [CLUSTER, "elect a leader, serve, and survive"],
  "listen-client-urls": [CLUSTER, "elect a leader, serve, and survive"],
  "listen-client-http-urls": [HTTP, "the client URLs have gRPC alone"],
  "max-snapshots": [LIMITS, "--wal-dir, --snapshot-count, --max-snapshots"],
  "max-wals": ["src/wal/wal.test.ts", "purge() removes it", "wal.purge(2)"],
  "quota-backend-bytes": ["test/interop/quota.test.ts", "a put without room is refused"],
  "backend-batch-interval": ["test/interop/lease-batch.test.ts", "leave a log from which"],
  "backend-batch-limit": ["test/interop/lease-batch.test.ts", "leave a log from which"],
  "max-txn-ops": [LIMITS, "--max-txn-ops"],
  "max-request-bytes": [LIMITS, "--max-request-bytes"],
  "max-concurrent-streams": [LIMITS, "--max-concurrent-streams"],
  "enable-grpc-gateway": [LIMITS, "--initial-cluster-token and --enable-grpc-gateway"],
  "grpc-keepalive-min-time": [LIMITS, "--grpc-keepalive-min-time: who pings too often"],
  "grpc-keepalive-interval": [LIMITS, "--grpc-keepalive-interval and -timeout"],
  "grpc-keepalive-timeout": [LIMITS, "--grpc-keepalive-interval and -timeout"],
  "socket-reuse-port": [ARGS, "--socket-reuse-port needs a Node.js that can"],
  "raft-read-timeout": ["src/platform/http-server.test.ts", "for the time of --raft-read-timeout"],
  "raft-write-timeout": [
    "src/platform/http-server.test.ts",
    "for the time of --raft-write-timeout",
  ],

  "initial-advertise-peer-urls": [CLUSTER, "elect a leader, serve, and survive"],
  "initial-cluster": [
    "src/server/start/founding.test.ts",
    "makes of three names what etcd 3.5 made",
  ],
  "initial-cluster-state": [CLUSTER, "refuse to join a cluster that does not fit"],
  "initial-cluster-token": [LIMITS, "--initial-cluster-token and --enable-grpc-gateway"],
  "advertise-client-urls": [CLUSTER, "elect a leader, serve, and survive"],
  discovery: [DISCOVERY_URL, "a member of ours and a real one found a cluster"],
  "discovery-proxy": [DISCOVERY_URL, "--discovery-proxy: the service is asked by way of it"],
  "discovery-srv": [FOUND, "names itself by its address and the others by numbers"],
  "discovery-srv-name": [FOUND, "--discovery-srv-name chooses among the clusters"],
  "discovery-endpoints": [DISCOVERY, "two members found one cluster"],
  "discovery-token": [DISCOVERY, "two members found one cluster"],
  "discovery-request-timeout": [DISCOVERY, "--discovery-request-timeout", "requestTimeoutMs"],
  "discovery-dial-timeout": [
    DISCOVERY,
    "--discovery-request-timeout and -dial-timeout",
    "dialTimeoutMs",
  ],
  "discovery-keepalive-time": [DISCOVERY, "--discovery-keepalive-time", "keepaliveTimeMs"],
  "discovery-keepalive-timeout": [DISCOVERY, "--discovery-keepalive-time", "keepaliveTimeoutMs"],
  "discovery-insecure-transport": [DISCOVERY, "--discovery-cert, -key", "insecureTransport"],
  "discovery-insecure-skip-tls-verify": [DISCOVERY, "--discovery-cert, -key", "insecureSkipVerify"],
  "discovery-cert": [DISCOVERY, "--discovery-cert, -key", "certFile"],
  "discovery-key": [DISCOVERY, "--discovery-cert, -key", "keyFile"],
  "discovery-cacert": [DISCOVERY, "--discovery-cert, -key", "caFile"],
  "discovery-user": [DISCOVERY, "--discovery-user and -password"],
  "discovery-password": [DISCOVERY, "--discovery-user and -password", "password"],
  "strict-reconfig-check": [CLUSTER, "elect a leader, serve, and survive"],
  "pre-vote": [
    "src/raft/raft-paper.test.ts",
    "a pre-vote changes neither the asker's term",
    "preVote",
  ],
  "auto-compaction-retention": [
    "sim/auto-compaction.test.ts",
    "a periodic one compacts",
    "autoCompactionRetention",
  ],
  "auto-compaction-mode": [
    "sim/auto-compaction.test.ts",
    "a periodic one compacts",
    "autoCompactionMode",
  ],
  "feature-gates": ["test/flags/walk.test.ts", "is the feature %s"],

  "cert-file": [TLS, "TLS against the real etcd"],
  "key-file": [TLS, "TLS against the real etcd"],
  "client-cert-file": [TLS_FLAGS, "flags of TLS"],
  "client-key-file": [TLS_FLAGS, "flags of TLS"],
  "client-cert-auth": [TLS, "a certificate is refused: %s"],
  "client-crl-file": [TLS, "a certificate is refused: %s"],
  "client-cert-allowed-hostname": [ACCEPTOR, "only names on the list are let in", "hostNames"],
  "client-cert-allowed-cn": [ACCEPTOR, "only names on the list are let in", "commonNames"],
  "trusted-ca-file": [TLS, "TLS against the real etcd"],
  "auto-tls": [TLS_FLAGS, "certificates of its own are made once"],
  "peer-cert-file": [TLS_CLUSTER, "a cluster over TLS"],
  "peer-key-file": [TLS_CLUSTER, "a cluster over TLS"],
  "peer-client-cert-file": [TLS_CLUSTER, "a cluster over TLS"],
  "peer-client-key-file": [TLS_CLUSTER, "a cluster over TLS"],
  "peer-client-cert-auth": [TLS_CLUSTER, "who has a certificate that is not wanted"],
  "peer-trusted-ca-file": [TLS_CLUSTER, "a cluster over TLS"],
  "peer-cert-allowed-cn": [TLS_CLUSTER, "who has a certificate that is not wanted"],
  "peer-cert-allowed-hostname": [ACCEPTOR, "only names on the list are let in", "hostNames"],
  "peer-auto-tls": [TLS_CLUSTER, "a cluster over TLS"],
  "peer-crl-file": [TLS_FLAGS, "no list of revoked certificates is ever taken for an empty one"],
  "peer-skip-client-san-verification": [
    ACCEPTOR,
    "a certificate with names must come from one of them",
    "a certificate with names must come from one of them",
  ],
  "self-signed-cert-validity": [TLS_FLAGS, "certificates of its own are made once"],
  "cipher-suites": [ACCEPTOR, "keeps to the versions and ciphers", "cipherSuites"],
  "tls-min-version": [TLS_CLUSTER, "a cluster over TLS"],
  "tls-max-version": [TLS_FLAGS, "flags of TLS"],
  cors: [HTTP, "one URL for both"],
  "host-whitelist": [HTTP, "one URL for both"],

  "auth-token": [TOKENS, "a member that has no private key verifies and does not sign"],
  "bcrypt-cost": [TOKENS, "and the cost of hashes is that of the flag"],
  "auth-token-ttl": [TOKENS, "a simple token that is not used ends after its time"],

  "enable-pprof": ["test/interop/profiles.test.ts", "pages for debugging"],
  metrics: [HTTP, "URLs for HTTP and for metrics"],
  "listen-metrics-urls": [HTTP, "URLs for HTTP and for metrics"],

  logger: ["test/interop/flags.test.ts", "says the same of: etcd %s"],
  "log-outputs": [LOG, "appends to files and writes only what is at or above the level", "outputs"],
  "log-level": ["test/interop/log-lines.test.ts", "the lines that operators look for"],
  "log-format": [LOG, "writes for people where asked to", "console"],
  "enable-log-rotation": [LOG, "sets a full file aside", "rotation"],
  "log-rotation-config-json": [
    "src/server/config/log-validation.test.ts",
    "reads the fields of lumberjack",
    "maxsize",
  ],
  "audit-log": [AUDIT, "the audit log"],
  "audit-log-maxage": ["src/platform/log-rotation.test.ts", "removes what is too old", "maxAge"],
  "audit-log-maxbackups": [
    "src/platform/log-rotation.test.ts",
    "keeps as many as it should",
    "maxBackups",
  ],
  "audit-log-maxsize": [
    "src/platform/audit-file.test.ts",
    "sets full files aside and loses nothing",
    "rotation",
  ],

  "experimental-enable-distributed-tracing": [TRACING, "ours tells of each sampled call"],
  "experimental-distributed-tracing-address": [TRACING, "ours tells of each sampled call"],
  "experimental-distributed-tracing-service-name": [
    "src/server/tracing/span-exporter.test.ts",
    "sends a few spans after a while",
    "serviceName",
  ],
  "experimental-distributed-tracing-instance-id": [TRACING, "ours tells of each sampled call"],
  "experimental-distributed-tracing-sampling-rate": [TRACING, "ours tells of each sampled call"],

  "experimental-initial-corrupt-check": [
    "test/interop/corruption-cluster.test.ts",
    "is noticed by ours as by the real etcd",
  ],
  "experimental-corrupt-check-time": [
    "test/interop/corruption-cluster.test.ts",
    "is noticed by ours as by the real etcd",
  ],
  "experimental-compact-hash-check-enabled": [
    "sim/corruption-checks.test.ts",
    "a peer that agrees ends the check, until there is a new hash",
    "compactHashIntervalMs",
  ],
  "experimental-compact-hash-check-time": [
    "sim/corruption-checks.test.ts",
    "a peer that agrees ends the check, until there is a new hash",
    "compactHashIntervalMs",
  ],
  "experimental-enable-lease-checkpoint": [
    "sim/lease-expiry.test.ts",
    "with checkpoints %s a long lease goes on",
    "leaseCheckpoints",
  ],
  "experimental-enable-lease-checkpoint-persist": [
    "sim/lease-expiry.test.ts",
    "with checkpoints %s a long lease goes on",
    "leaseCheckpoints",
  ],
  "experimental-compaction-batch-limit": [LIMITS, "--experimental-compaction-batch-limit"],
  "experimental-compaction-sleep-interval": [LIMITS, "a pause behind each revision"],
  "watch-progress-notify-interval": [LIMITS, "--watch-progress-notify-interval"],
  "experimental-downgrade-check-time": ["sim/downgrade.test.ts", "or never", "downgradeCheckMs"],
  "experimental-warning-apply-duration": [
    "test/interop/slow-requests.test.ts",
    "are warned of with the same text",
  ],
  "warning-unary-request-duration": [
    "test/interop/log-lines.test.ts",
    "are there",
    "request stats",
  ],
  "experimental-warning-unary-request-duration": [
    "test/interop/log-lines.test.ts",
    "are there",
    "request stats",
  ],
  "experimental-bootstrap-defrag-threshold-megabytes": [
    "sim/defragmentation.test.ts",
    "a database with much unused space is defragmented at start",
    "bootstrapDefragBytes",
  ],
  "experimental-stop-grpc-service-on-defrag": [
    "test/interop/health-service.test.ts",
    "is watched, and changes during a defragmentation",
  ],
  "experimental-snapshot-catchup-entries": [
    "test/interop/snapshot-catch-up.test.ts",
    "snapshots between members",
  ],
  "max-learners": [EFFECTS, "--max-learners: so many learners and no more"],

  "force-new-cluster": [CLUSTER, "--force-new-cluster makes a cluster of one out of one of three"],
  "unsafe-no-fsync": [EFFECTS, "--unsafe-no-fsync: nothing waits for the disk"],

  "experimental-repair-from-peers": [
    "sim/repair.test.ts",
    "keeps a member from starting, unless it may be repaired",
    "repairsFromPeers",
  ],
  "experimental-learner-auto-promote": [
    "sim/cluster-membership.test.ts",
    "a learner is promoted by itself where a flag says so",
    "learnerAutoPromote",
  ],
  repair: ["test/robustness/repair.test.ts", "etcd --repair"],
};
