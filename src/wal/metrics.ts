/**
 * What the log and the snapshot files count.
 *
 * Source: etcd server/wal/metrics.go, server/etcdserver/api/snap/metrics.go (3.5) for names and texts.
 */
import type { Gauge } from "../stdx/metrics/gauge.ts";
import { exponentialBounds, type Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

export class WalMetrics {
  readonly fsyncSeconds: Histogram;
  readonly writeSeconds: Histogram;
  readonly writtenBytes: Gauge;

  constructor(registry: MetricsRegistry) {
    this.fsyncSeconds = registry.histogram(
      "etcd_disk_wal_fsync_duration_seconds",
      "The latency distributions of fsync called by WAL.",
      exponentialBounds(0.001, 2, 14),
    );
    this.writeSeconds = registry.histogram(
      "etcd_disk_wal_write_duration_seconds",
      "The latency distributions of write called by WAL.",
      exponentialBounds(0.001, 2, 14),
    );
    this.writtenBytes = registry.gauge(
      "etcd_disk_wal_write_bytes_total",
      "Total number of bytes written in WAL.",
    );
  }
}

export class SnapshotFileMetrics {
  readonly marshalSeconds: Histogram;
  readonly saveSeconds: Histogram;
  readonly fsyncSeconds: Histogram;
  /** Of a database that came with a snapshot. */
  readonly databaseFsyncSeconds: Histogram;
  readonly databaseSaveSeconds: Histogram;

  constructor(registry: MetricsRegistry) {
    this.marshalSeconds = registry.histogram(
      "etcd_debugging_snap_save_marshalling_duration_seconds",
      "The marshalling cost distributions of save called by snapshot.",
      exponentialBounds(0.001, 2, 14),
    );
    this.saveSeconds = registry.histogram(
      "etcd_debugging_snap_save_total_duration_seconds",
      "The total latency distributions of save called by snapshot.",
      exponentialBounds(0.001, 2, 14),
    );
    this.fsyncSeconds = registry.histogram(
      "etcd_snap_fsync_duration_seconds",
      "The latency distributions of fsync called by snap.",
      exponentialBounds(0.001, 2, 14),
    );
    this.databaseSaveSeconds = registry.histogram(
      "etcd_snap_db_save_total_duration_seconds",
      "The total latency distributions of v3 snapshot save",
      exponentialBounds(0.1, 2, 10),
    );
    this.databaseFsyncSeconds = registry.histogram(
      "etcd_snap_db_fsync_duration_seconds",
      "The latency distributions of fsyncing .snap.db file",
      exponentialBounds(0.001, 2, 14),
    );
  }
}
