/** What is served over HTTP to clients. Source: etcd server/embed/serve.go, api/etcdhttp. */
import type { HttpServerRequest } from "../../ports/http.ts";
import { TEXT_CONTENT_TYPE } from "../../stdx/metrics/exposition.ts";
import type { ServiceContext } from "../context.ts";
import { answerText } from "./answers.ts";
import { serveHealth } from "./health.ts";
import { metricsPage } from "./metrics-page.ts";
import { HttpRouter } from "./router.ts";
import { serveVersion } from "./version.ts";

/** The paths of the client port. `residentBytes` is asked for the memory that the process takes. */
export function clientRoutes(context: ServiceContext, residentBytes: () => number): HttpRouter {
  return metricsRoutes(context, residentBytes).handle("/version", (request) =>
    serveVersion(context, request),
  );
}

/** The paths of --listen-metrics-urls: for those who watch over the member. */
export function metricsRoutes(context: ServiceContext, residentBytes: () => number): HttpRouter {
  const serveMetrics = (request: HttpServerRequest): void =>
    answerText(request, 200, { "Content-Type": TEXT_CONTENT_TYPE }, metricsPage(residentBytes()));
  return new HttpRouter()
    .handle("/health", (request) => serveHealth(context, request))
    .handle("/metrics", serveMetrics);
}
