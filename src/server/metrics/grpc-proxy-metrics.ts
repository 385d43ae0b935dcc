/**
 * What a gRPC proxy counts. Members show these, too, and they stand still there, as in etcd, where both are one
 * program.
 *
 * Source: etcd server/proxy/grpcproxy/metrics.go, cache/store.go (3.5).
 */
import type { Counter } from "../../stdx/metrics/counter.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";

export class GrpcProxyMetrics {
  readonly watchersCoalescing: Gauge;
  readonly eventsCoalescing: Counter;
  readonly cacheKeys: Gauge;
  readonly cacheHits: Gauge;
  readonly cacheMisses: Gauge;

  constructor(registry: MetricsRegistry) {
    this.watchersCoalescing = registry.gauge(
      "etcd_grpc_proxy_watchers_coalescing_total",
      "Total number of current watchers coalescing",
    );
    this.eventsCoalescing = registry.counter(
      "etcd_grpc_proxy_events_coalescing_total",
      "Total number of events coalescing",
    );
    this.cacheKeys = registry.gauge(
      "etcd_grpc_proxy_cache_keys_total",
      "Total number of keys/ranges cached",
    );
    this.cacheHits = registry.gauge(
      "etcd_grpc_proxy_cache_hits_total",
      "Total number of cache hits",
    );
    this.cacheMisses = registry.gauge(
      "etcd_grpc_proxy_cache_misses_total",
      "Total number of cache misses",
    );
  }
}
