/**
 * How long the parts of a commit take: moving keys of pages that became small, making new pages, and writing
 * them to the device.
 *
 * Source: etcd server/storage/backend/metrics.go (3.5) for names and texts.
 */
import { exponentialBounds, type Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

export class CommitMetrics {
  readonly rebalanceSeconds: Histogram;
  readonly spillSeconds: Histogram;
  readonly writeSeconds: Histogram;

  constructor(registry: MetricsRegistry) {
    this.rebalanceSeconds = registry.histogram(
      "etcd_debugging_disk_backend_commit_rebalance_duration_seconds",
      "The latency distributions of commit.rebalance called by bboltdb backend.",
      exponentialBounds(0.001, 2, 14),
    );
    this.spillSeconds = registry.histogram(
      "etcd_debugging_disk_backend_commit_spill_duration_seconds",
      "The latency distributions of commit.spill called by bboltdb backend.",
      exponentialBounds(0.001, 2, 14),
    );
    this.writeSeconds = registry.histogram(
      "etcd_debugging_disk_backend_commit_write_duration_seconds",
      "The latency distributions of commit.write called by bboltdb backend.",
      exponentialBounds(0.001, 2, 14),
    );
  }
}
