/**
 * What leases count.
 *
 * Source: etcd server/lease/metrics.go (3.5) for names and texts.
 */
import type { Counter } from "../stdx/metrics/counter.ts";
import { exponentialBounds, type Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

export class LeaseMetrics {
  readonly granted: Counter;
  readonly revoked: Counter;
  readonly renewed: Counter;
  /** Times to live that were granted, in seconds. */
  readonly ttlSeconds: Histogram;

  constructor(registry: MetricsRegistry) {
    this.granted = registry.counter(
      "etcd_debugging_lease_granted_total",
      "The total number of granted leases.",
    );
    this.revoked = registry.counter(
      "etcd_debugging_lease_revoked_total",
      "The total number of revoked leases.",
    );
    this.renewed = registry.counter(
      "etcd_debugging_lease_renewed_total",
      "The number of renewed leases seen by the leader.",
    );
    this.ttlSeconds = registry.histogram(
      "etcd_debugging_lease_ttl_total",
      "Bucketed histogram of lease TTLs.",
      exponentialBounds(1, 2, 24),
    );
  }
}
