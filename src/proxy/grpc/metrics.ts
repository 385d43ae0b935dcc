/** What the gRPC proxy counts. Source: etcd server/proxy/grpcproxy/metrics.go. */
import type { Counter } from "../../stdx/metrics/counter.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";

export class ProxyMetrics {
  readonly watchersCoalescing: Gauge;
  readonly eventsCoalescing: Counter;
  readonly cacheKeys: Gauge;
  readonly cacheHits: Gauge;
  readonly cacheMisses: Gauge;

  constructor(registry: MetricsRegistry) {
    const gauge = (name: string, help: string): Gauge =>
      registry.gauge(`etcd_grpc_proxy_${name}`, help);
    this.watchersCoalescing = gauge(
      "watchers_coalescing_total",
      "Total number of current watchers coalescing",
    );
    this.eventsCoalescing = registry.counter(
      "etcd_grpc_proxy_events_coalescing_total",
      "Total number of events coalescing",
    );
    this.cacheKeys = gauge("cache_keys_total", "Total number of keys/ranges cached");
    this.cacheHits = gauge("cache_hits_total", "Total number of cache hits");
    this.cacheMisses = gauge("cache_misses_total", "Total number of cache misses");
  }
}
