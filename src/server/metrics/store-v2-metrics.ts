/**
 * Metrics of the v2 API, whose store and endpoints are not there: what dashboards ask for exists, and stands
 * still. Only what etcd itself keeps in that store is counted.
 *
 * Source: etcd server/etcdserver/api/v2store/metrics.go, api/v2http/metrics.go, proxy/httpproxy/metrics.go (3.5).
 */
import type { Counter } from "../../stdx/metrics/counter.ts";
import type { Family } from "../../stdx/metrics/family.ts";
import { exponentialBounds } from "../../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";

export class StoreV2Metrics {
  readonly writes: Family<Counter>;

  constructor(registry: MetricsRegistry) {
    this.writes = registry.counters(
      "etcd_debugging_store_writes_total",
      "Total number of writes (e.g. set/compareAndDelete) seen by this member.",
      ["action"],
    );
    registry.counters(
      "etcd_debugging_store_reads_total",
      "Total number of reads action by (get/getRecursive), local to this member.",
      ["action"],
    );
    registry.counter("etcd_debugging_store_expires_total", "Total number of expired keys.");
    registry.counter(
      "etcd_debugging_store_watch_requests_total",
      "Total number of incoming watch requests (new or reestablished).",
    );
    registry.gauge("etcd_debugging_store_watchers", "Count of currently active watchers.");
    registerV2Api(registry);
    registerV2Proxy(registry);
  }
}

function registerV2Api(registry: MetricsRegistry): void {
  registry.counters(
    "etcd_http_received_total",
    "Counter of requests received into the system (successfully parsed and authd).",
    ["method"],
  );
  registry.counters(
    "etcd_http_failed_total",
    "Counter of handle failures of requests (non-watches), by method (GET/PUT etc.) and code (400, 500 etc.).",
    ["method", "code"],
  );
  registry.histograms(
    "etcd_http_successful_duration_seconds",
    "Bucketed histogram of processing time (s) of successfully handled requests (non-watches), by method (GET/PUT etc.).",
    ["method"],
    exponentialBounds(0.0005, 2, 13),
  );
}

function registerV2Proxy(registry: MetricsRegistry): void {
  registry.counters("etcd_proxy_requests_total", "Counter requests incoming by method.", [
    "method",
  ]);
  registry.counters(
    "etcd_proxy_handled_total",
    "Counter of requests fully handled (by authoratitave servers)",
    ["method", "code"],
  );
  registry.counters("etcd_proxy_dropped_total", "Counter of requests dropped on the proxy.", [
    "method",
    "proxying_error",
  ]);
  registry.histograms(
    "etcd_proxy_handling_duration_seconds",
    "Bucketed histogram of handling time of successful events (non-watches), by method (GET/PUT etc.).",
    ["method"],
    exponentialBounds(0.0005, 2, 13),
  );
}
