/** Every metric that a server registers, without a server. */
import { HealthMetrics } from "../../src/api/http/health-metrics.ts";
import { registerScrapes } from "../../src/api/http/metrics-page.ts";
import { RpcMetrics } from "../../src/api/rpc-metrics.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { showRuntime } from "../../src/server/metrics/runtime-metrics.ts";
import { ServerMetrics } from "../../src/server/metrics/server-metrics.ts";
import type { MetricDescription } from "../../src/stdx/metrics/family.ts";

/** By name, with what only `--metrics=extensive` has. */
export function allMetrics(): MetricDescription[] {
  const { registry } = new ServerMetrics();
  const rpcs = new RpcMetrics(registry, () => 0);
  rpcs.streamFailed("watch");
  const health = new HealthMetrics(registry);
  health.checked("livez", "serializable_read", true);
  registerScrapes(registry);
  showRuntime(registry, systemClock)();
  return registry.collect().map(({ description }) => description);
}
