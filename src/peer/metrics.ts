/**
 * What the network between members counts. Labels are ids of members in hexadecimal digits.
 *
 * Source: etcd server/etcdserver/api/rafthttp/metrics.go (3.5) for names, texts and what counts.
 */
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Family } from "../stdx/metrics/family.ts";
import type { Gauge } from "../stdx/metrics/gauge.ts";
import { exponentialBounds, type Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

/** Files of snapshots that go one way. */
export interface SnapshotTransferMetrics {
  readonly succeeded: Family<Counter>;
  readonly failed: Family<Counter>;
  readonly inflight: Family<Gauge>;
  readonly seconds: Family<Histogram>;
}

export class PeerMetrics {
  readonly active: Family<Gauge>;
  readonly disconnected: Family<Counter>;
  readonly sentBytes: Family<Counter>;
  readonly receivedBytes: Family<Counter>;
  readonly sentFailures: Family<Counter>;
  readonly receivedFailures: Family<Counter>;
  readonly roundTripSeconds: Family<Histogram>;
  readonly snapshotsSent: SnapshotTransferMetrics;
  readonly snapshotsReceived: SnapshotTransferMetrics;

  constructor(registry: MetricsRegistry) {
    this.active = registry.gauges(
      "etcd_network_active_peers",
      "The current number of active peer connections.",
      ["Local", "Remote"],
    );
    this.disconnected = registry.counters(
      "etcd_network_disconnected_peers_total",
      "The total number of disconnected peers.",
      ["Local", "Remote"],
    );
    this.sentBytes = registry.counters(
      "etcd_network_peer_sent_bytes_total",
      "The total number of bytes sent to peers.",
      ["To"],
    );
    this.receivedBytes = registry.counters(
      "etcd_network_peer_received_bytes_total",
      "The total number of bytes received from peers.",
      ["From"],
    );
    this.sentFailures = registry.counters(
      "etcd_network_peer_sent_failures_total",
      "The total number of send failures from peers.",
      ["To"],
    );
    this.receivedFailures = registry.counters(
      "etcd_network_peer_received_failures_total",
      "The total number of receive failures from peers.",
      ["From"],
    );
    this.roundTripSeconds = registry.histograms(
      "etcd_network_peer_round_trip_time_seconds",
      "Round-Trip-Time histogram between peers",
      ["To"],
      exponentialBounds(0.0001, 2, 16),
    );
    this.snapshotsSent = snapshotTransfers(registry, "send", "To");
    this.snapshotsReceived = snapshotTransfers(registry, "receive", "From");
  }
}

function snapshotTransfers(
  registry: MetricsRegistry,
  way: "send" | "receive",
  label: string,
): SnapshotTransferMetrics {
  const name = `etcd_network_snapshot_${way}`;
  return {
    succeeded: registry.counters(`${name}_success`, `Total number of successful snapshot ${way}s`, [
      label,
    ]),
    failed: registry.counters(`${name}_failures`, `Total number of snapshot ${way} failures`, [
      label,
    ]),
    inflight: registry.gauges(
      `${name}_inflights_total`,
      `Total number of inflight snapshot ${way}s`,
      [label],
    ),
    seconds: registry.histograms(
      `${name}_total_duration_seconds`,
      `Total latency distributions of v3 snapshot ${way}s`,
      [label],
      exponentialBounds(0.1, 2, 10),
    ),
  };
}
