/**
 * What the keyspace and its watchers count.
 *
 * Source: etcd server/mvcc/metrics.go, metrics_txn.go (3.5) for names, texts and what counts.
 */
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Gauge } from "../stdx/metrics/gauge.ts";
import { exponentialBounds, type Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

export class MvccMetrics {
  readonly ranges: Counter;
  readonly puts: Counter;
  readonly deletes: Counter;
  readonly txns: Counter;
  /** Of keys and values that were put. */
  readonly putBytes: Gauge;
  readonly compaction: CompactionMetrics;
  readonly hashSeconds: Histogram;
  readonly hashRevisionSeconds: Histogram;
  readonly keys: Gauge;
  readonly currentRevision: Gauge;
  readonly compactRevision: Gauge;

  constructor(registry: MetricsRegistry) {
    const total = (what: string): string => `Total number of ${what} seen by this member.`;
    this.ranges = registry.counter("etcd_mvcc_range_total", total("ranges"));
    this.puts = registry.counter("etcd_mvcc_put_total", total("puts"));
    this.deletes = registry.counter("etcd_mvcc_delete_total", total("deletes"));
    this.txns = registry.counter("etcd_mvcc_txn_total", total("txns"));
    this.putBytes = registry.gauge(
      "etcd_debugging_mvcc_total_put_size_in_bytes",
      "The total size of put kv pairs seen by this member.",
    );
    const { ranges } = this;
    registry.counterOf("etcd_debugging_mvcc_range_total", total("ranges"), () => ranges.value);
    this.compaction = new CompactionMetrics(registry);
    this.hashSeconds = registry.histogram(
      "etcd_mvcc_hash_duration_seconds",
      "The latency distribution of storage hash operation.",
      exponentialBounds(0.01, 2, 15),
    );
    this.hashRevisionSeconds = registry.histogram(
      "etcd_mvcc_hash_rev_duration_seconds",
      "The latency distribution of storage hash by revision operation.",
      exponentialBounds(0.01, 2, 15),
    );
    this.keys = registry.gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.");
    this.currentRevision = registry.gauge(
      "etcd_debugging_mvcc_current_revision",
      "The current revision of store.",
    );
    this.compactRevision = registry.gauge(
      "etcd_debugging_mvcc_compact_revision",
      "The revision of the last compaction in store.",
    );
  }

  /** A transaction has ended with so many operations, compares counted as ranges. */
  ended(ranges: number, puts: number, deletes: number): void {
    this.ranges.add(ranges);
    this.puts.add(puts);
    this.deletes.add(deletes);
    if (ranges + puts + deletes > 1) this.txns.inc();
  }
}

export class CompactionMetrics {
  /** Revisions removed. */
  readonly keys: Counter;
  /** Unix seconds of the last one; 0 before the first since start. */
  readonly lastSeconds: Gauge;
  readonly pauseMs: Histogram;
  readonly indexPauseMs: Histogram;
  readonly totalMs: Histogram;

  constructor(registry: MetricsRegistry) {
    this.keys = registry.counter(
      "etcd_debugging_mvcc_db_compaction_keys_total",
      "Total number of db keys compacted.",
    );
    this.lastSeconds = registry.gauge(
      "etcd_debugging_mvcc_db_compaction_last",
      "The unix time of the last db compaction. Resets to 0 on start.",
    );
    this.pauseMs = registry.histogram(
      "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
      "Bucketed histogram of db compaction pause duration.",
      exponentialBounds(1, 2, 13),
    );
    this.indexPauseMs = registry.histogram(
      "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds",
      "Bucketed histogram of index compaction pause duration.",
      exponentialBounds(0.5, 2, 14),
    );
    this.totalMs = registry.histogram(
      "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
      "Bucketed histogram of db compaction total duration.",
      exponentialBounds(100, 2, 14),
    );
  }
}

export class WatchMetrics {
  readonly streams: Gauge;
  readonly watchers: Gauge;
  readonly slowWatchers: Gauge;
  readonly pendingEvents: Gauge;
  readonly events: Counter;

  constructor(registry: MetricsRegistry) {
    this.streams = registry.gauge(
      "etcd_debugging_mvcc_watch_stream_total",
      "Total number of watch streams.",
    );
    this.watchers = registry.gauge(
      "etcd_debugging_mvcc_watcher_total",
      "Total number of watchers.",
    );
    this.slowWatchers = registry.gauge(
      "etcd_debugging_mvcc_slow_watcher_total",
      "Total number of unsynced slow watchers.",
    );
    this.pendingEvents = registry.gauge(
      "etcd_debugging_mvcc_pending_events_total",
      "Total number of pending events to be sent.",
    );
    this.events = registry.counter(
      "etcd_debugging_mvcc_events_total",
      "Total number of events sent by this member.",
    );
  }
}
