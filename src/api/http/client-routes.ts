/** What is served over HTTP to clients. Source: etcd server/embed/serve.go, api/etcdhttp. */
import type { HttpServerRequest } from "../../ports/http.ts";
import type { ProcessFacts } from "../../ports/process-facts.ts";
import { TEXT_CONTENT_TYPE, textExposition } from "../../stdx/metrics/exposition.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import type { ServiceContext } from "../context.ts";
import { answerText } from "./answers.ts";
import { serveVars } from "./debug-vars.ts";
import { routeHealthChecks } from "./health-checks.ts";
import type { HealthMetrics } from "./health-metrics.ts";
import { healthHandler } from "./health.ts";
import { type LogLevelParts, serveLogLevel } from "./log-level.ts";
import { HttpRouter } from "./router.ts";
import { serveVersion } from "./version.ts";

export interface RouteParts {
  readonly context: ServiceContext;
  readonly registry: MetricsRegistry;
  readonly healthMetrics: HealthMetrics;
  readonly facts: ProcessFacts;
  /** Present where the level of the log may be changed. */
  readonly logLevel: LogLevelParts | undefined;
}

/** The paths of the client port. */
export function clientRoutes(parts: RouteParts): HttpRouter {
  const { context, facts, logLevel } = parts;
  const router = metricsRoutes(parts)
    .handle("/version", (request) => serveVersion(context, request))
    .handle("/debug/vars", (request) => serveVars(context.member, facts, request));
  if (logLevel !== undefined) {
    router.handle("/config/local/log", (request) => serveLogLevel(logLevel, request));
  }
  return router;
}

/** The paths of --listen-metrics-urls: for those who watch over the member. */
export function metricsRoutes({ context, registry, healthMetrics }: RouteParts): HttpRouter {
  const serveMetrics = (request: HttpServerRequest): void => {
    const headers = { "Content-Type": TEXT_CONTENT_TYPE };
    answerText(request, 200, headers, textExposition(registry.collect()));
  };
  const router = new HttpRouter()
    .handle("/health", healthHandler(context, healthMetrics))
    .handle("/metrics", serveMetrics);
  routeHealthChecks(router, context, healthMetrics);
  return router;
}
