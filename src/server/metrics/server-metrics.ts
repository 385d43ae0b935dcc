/**
 * All metrics of one member: those of the folders below, and what the server itself counts.
 *
 * Source: etcd server/etcdserver/metrics.go, server/etcdserver/api/membership/metrics.go, server/auth/metrics.go
 * (3.5) for names, texts and what counts.
 */
import { BackendMetrics } from "../../backend/metrics.ts";
import { LeaseMetrics } from "../../lease/metrics.ts";
import { MemberMetrics } from "../../member/metrics.ts";
import { MvccMetrics, WatchMetrics } from "../../mvcc/metrics.ts";
import { PeerMetrics } from "../../peer/metrics.ts";
import type { Counter } from "../../stdx/metrics/counter.ts";
import type { Family } from "../../stdx/metrics/family.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import { exponentialBounds, type Histogram } from "../../stdx/metrics/histogram.ts";
import { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import { SnapshotFileMetrics, WalMetrics } from "../../wal/metrics.ts";
import { ApplyMetrics } from "./apply-metrics.ts";
import { GrpcProxyMetrics } from "./grpc-proxy-metrics.ts";
import { StoreV2Metrics } from "./store-v2-metrics.ts";

export class ServerMetrics {
  readonly registry = new MetricsRegistry();
  readonly wal = new WalMetrics(this.registry);
  readonly snapshotFiles = new SnapshotFileMetrics(this.registry);
  readonly backend = new BackendMetrics(this.registry);
  readonly mvcc = new MvccMetrics(this.registry);
  readonly watch = new WatchMetrics(this.registry);
  readonly lease = new LeaseMetrics(this.registry);
  readonly member = new MemberMetrics(this.registry);
  readonly peer = new PeerMetrics(this.registry);
  readonly apply = new ApplyMetrics(this.registry);
  readonly ranges = new RangeMetrics(this.registry);
  readonly storeV2 = new StoreV2Metrics(this.registry);
  readonly grpcProxy = new GrpcProxyMetrics(this.registry);
  readonly identity = new IdentityMetrics(this.registry);
  readonly learners = new LearnerMetrics(this.registry);
  readonly slowApplies: Counter;
  readonly heartbeatFailures: Counter;
  readonly snapshotsApplying: Gauge;
  readonly quotaBytes: Gauge;
  readonly authRevision: Gauge;
  /** Raised alarms, by member and kind: from etcd 3.6. */
  readonly alarms: Family<Gauge>;
  /** Features, by stage, and whether they are on: from etcd 3.6. */
  readonly features: Family<Gauge>;
  /** Whom this member knows as a peer: from etcd 3.6. */
  readonly knownPeers: Family<Gauge>;

  constructor() {
    const { registry } = this;
    this.slowApplies = registry.counter(
      "etcd_server_slow_apply_total",
      "The total number of slow apply requests (likely overloaded from slow disk).",
    );
    this.heartbeatFailures = registry.counter(
      "etcd_server_heartbeat_send_failures_total",
      "The total number of leader heartbeat send failures (likely overloaded from slow disk).",
    );
    this.snapshotsApplying = registry.gauge(
      "etcd_server_snapshot_apply_in_progress_total",
      "1 if the server is applying the incoming snapshot. 0 if none.",
    );
    this.quotaBytes = registry.gauge(
      "etcd_server_quota_backend_bytes",
      "Current backend storage quota size in bytes.",
    );
    this.authRevision = registry.gauge(
      "etcd_debugging_auth_revision",
      "The current revision of auth store.",
    );
    this.alarms = registry.gauges(
      "etcd_debugging_server_alarms",
      "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for 'alarm_type' label with type of this alarm",
      ["server_id", "alarm_type"],
    );
    this.features = registry.gauges(
      "etcd_server_feature_enabled",
      "Whether or not a feature is enabled. 1 is enabled, 0 is not.",
      ["name", "stage"],
    );
    this.knownPeers = registry.gauges(
      "etcd_network_known_peers",
      "The current number of known peers.",
      ["Local", "Remote"],
    );
  }
}

/** Ranges as clients ask for them, from their arrival to the answer: from etcd 3.6. */
class RangeMetrics {
  readonly succeededSeconds: Histogram;
  readonly failedSeconds: Histogram;

  constructor(registry: MetricsRegistry) {
    const seconds = registry.histograms(
      "etcd_server_range_duration_seconds",
      "The latency distributions of txn.Range",
      ["success"],
      exponentialBounds(0.0001, 2, 20),
    );
    this.succeededSeconds = seconds.child("true");
    this.failedSeconds = seconds.child("false");
  }
}

/** Metrics that are 1, and say something with their labels. */
class IdentityMetrics {
  readonly clusterVersion: Family<Gauge>;
  readonly serverVersion: Family<Gauge>;
  readonly goVersion: Family<Gauge>;
  readonly serverId: Family<Gauge>;

  constructor(registry: MetricsRegistry) {
    this.clusterVersion = registry.gauges(
      "etcd_cluster_version",
      "Which version is running. 1 for 'cluster_version' label with current cluster version",
      ["cluster_version"],
    );
    this.serverVersion = registry.gauges(
      "etcd_server_version",
      "Which version is running. 1 for 'server_version' label with current version.",
      ["server_version"],
    );
    this.goVersion = registry.gauges(
      "etcd_server_go_version",
      "Which Go version server is running with. 1 for 'server_go_version' label with current version.",
      ["server_go_version"],
    );
    this.serverId = registry.gauges(
      "etcd_server_id",
      "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
      ["server_id"],
    );
  }
}

/** Promotions of learners that this member has decided about as the leader. */
class LearnerMetrics {
  readonly promoted: Counter;
  readonly failures: Family<Counter>;

  constructor(registry: MetricsRegistry) {
    this.promoted = registry.counter(
      "etcd_server_learner_promote_successes",
      "The total number of successful learner promotions while this member is leader.",
    );
    this.failures = registry.counters(
      "etcd_server_learner_promote_failures",
      "The total number of failed learner promotions (likely learner not ready) while this member is leader.",
      ["Reason"],
    );
  }
}
