/** What is counted of health checks. Source: etcd server/etcdserver/api/etcdhttp (health.go). */
import type { Counter } from "../../stdx/metrics/counter.ts";
import type { Family } from "../../stdx/metrics/family.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";

export class HealthMetrics {
  readonly successes: Counter;
  readonly failures: Counter;
  readonly #results: Family<Gauge>;
  readonly #runs: Family<Counter>;

  constructor(registry: MetricsRegistry) {
    this.successes = registry.counter(
      "etcd_server_health_success",
      "The total number of successful health checks",
    );
    this.failures = registry.counter(
      "etcd_server_health_failures",
      "The total number of failed health checks",
    );
    this.#results = registry.gauges(
      "etcd_server_healthcheck",
      "The result of each kind of healthcheck.",
      ["type", "name"],
    );
    this.#runs = registry.counters(
      "etcd_server_healthchecks_total",
      "The total number of each kind of healthcheck.",
      ["type", "name", "status"],
    );
  }

  /** Counts a check of `/livez` or `/readyz`. */
  checked(type: string, name: string, succeeded: boolean): void {
    this.#results.child(type, name).set(succeeded ? 1 : 0);
    this.#runs.child(type, name, succeeded ? "success" : "error").inc();
  }
}
