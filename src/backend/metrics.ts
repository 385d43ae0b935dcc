/**
 * What the database counts.
 *
 * Source: etcd server/storage/backend/metrics.go, server/mvcc/metrics.go (3.5) for names and texts.
 */
import { CommitMetrics } from "../bolt/metrics.ts";
import type { Gauge } from "../stdx/metrics/gauge.ts";
import { exponentialBounds, type Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

export class BackendMetrics {
  readonly commitParts: CommitMetrics;
  readonly commitSeconds: Histogram;
  readonly defragSeconds: Histogram;
  readonly defragInflight: Gauge;
  /** How long states are held that are sent away as a whole. */
  readonly snapshotSeconds: Histogram;
  readonly openReadTransactions: Gauge;
  readonly totalBytes: Gauge;
  readonly totalBytesInUse: Gauge;

  constructor(registry: MetricsRegistry) {
    this.commitParts = new CommitMetrics(registry);
    this.commitSeconds = registry.histogram(
      "etcd_disk_backend_commit_duration_seconds",
      "The latency distributions of commit called by backend.",
      exponentialBounds(0.001, 2, 14),
    );
    this.defragSeconds = registry.histogram(
      "etcd_disk_backend_defrag_duration_seconds",
      "The latency distribution of backend defragmentation.",
      exponentialBounds(0.1, 2, 13),
    );
    this.defragInflight = registry.gauge(
      "etcd_disk_defrag_inflight",
      "Whether or not defrag is active on the member. 1 means active, 0 means not.",
    );
    this.snapshotSeconds = registry.histogram(
      "etcd_disk_backend_snapshot_duration_seconds",
      "The latency distribution of backend snapshots.",
      exponentialBounds(0.01, 2, 17),
    );
    this.openReadTransactions = registry.gauge(
      "etcd_mvcc_db_open_read_transactions",
      "The number of currently open read transactions",
    );
    this.totalBytes = registry.gauge(
      "etcd_mvcc_db_total_size_in_bytes",
      "Total size of the underlying database physically allocated in bytes.",
    );
    this.totalBytesInUse = registry.gauge(
      "etcd_mvcc_db_total_size_in_use_in_bytes",
      "Total size of the underlying database logically in use in bytes.",
    );
  }
}
