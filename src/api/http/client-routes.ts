/** What is served over HTTP to clients. Source: etcd server/embed/serve.go, api/etcdhttp. */
import type { ProcessFacts } from "../../ports/process-facts.ts";
import type { Profiler } from "../../ports/profiler.ts";
import type { ServiceContext } from "../context.ts";
import type { JsonGateway } from "../gateway/gateway.ts";
import { servePprof } from "./debug/pprof.ts";
import type { RequestLog } from "./debug/request-log.ts";
import { serveEvents, serveRequests } from "./debug/request-pages.ts";
import { serveVars } from "./debug/vars.ts";
import { routeHealthChecks } from "./health-checks.ts";
import type { HealthMetrics } from "./health-metrics.ts";
import { healthHandler } from "./health.ts";
import { type LogLevelParts, serveLogLevel } from "./log-level.ts";
import type { MetricsPage } from "./metrics-page.ts";
import { HttpRouter } from "./router.ts";
import { serveVersion } from "./version.ts";

export interface RouteParts {
  readonly context: ServiceContext;
  readonly page: MetricsPage;
  readonly healthMetrics: HealthMetrics;
  readonly facts: ProcessFacts;
  /** Present where the JSON gateway is served. */
  readonly gateway: JsonGateway | undefined;
  /** Present where the level of the log may be changed. */
  readonly logLevel: LogLevelParts | undefined;
  /** Present where profiles may be taken. */
  readonly profiler: Profiler | undefined;
  /** Present where calls are traced. */
  readonly requests: RequestLog | undefined;
}

/** The paths of the client port. */
export function clientRoutes(parts: RouteParts): HttpRouter {
  const { context, facts, logLevel, profiler, requests, gateway } = parts;
  const router = metricsRoutes(parts)
    .handle("/version", (request) => serveVersion(context, request))
    .handle("/debug/vars", (request) => serveVars(context.member, facts, request));
  if (logLevel !== undefined) {
    router.handle("/config/local/log", (request) => serveLogLevel(logLevel, request));
  }
  if (gateway !== undefined) {
    router.handle("/v3/", (request, path) => gateway.serve(request, path));
  }
  if (profiler !== undefined) {
    const pprof = { profiler, facts, clock: context.clock };
    router.handle("/debug/pprof/", (request, path) => servePprof(pprof, request, path));
  }
  if (requests !== undefined) {
    router
      .handle("/debug/requests", (request) => serveRequests(requests, request))
      .handle("/debug/events", (request) => serveEvents(requests, request));
  }
  return router;
}

/** The paths of --listen-metrics-urls: for those who watch over the member. */
export function metricsRoutes({ context, page, healthMetrics }: RouteParts): HttpRouter {
  const router = new HttpRouter()
    .handle("/health", healthHandler(context, healthMetrics))
    .handle("/metrics", (request) => page.serve(request));
  routeHealthChecks(router, context, healthMetrics);
  return router;
}
