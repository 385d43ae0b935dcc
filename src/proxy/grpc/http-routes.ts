/**
 * What the gRPC proxy serves over HTTP: metrics of a server and its own, and whether both are well.
 *
 * Source: etcd server/proxy/grpcproxy (health.go, metrics.go), etcdhttp (health.go).
 */
import { answerFailure, answerText, hasMethod, TEXT_TYPE } from "../../api/http/answers.ts";
import { type PprofParts, servePprof } from "../../api/http/debug/pprof.ts";
import { HttpRouter } from "../../api/http/router.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Client } from "../../client/client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { HttpClient, HttpServerRequest } from "../../ports/http.ts";
import type { Log } from "../../ports/log.ts";
import { Canceller } from "../../client/cancel-signal.ts";
import { bytesFromUtf8, concatBytes } from "../../stdx/bytes.ts";
import { goJsonString } from "../../stdx/json.ts";
import { TEXT_CONTENT_TYPE, textExposition } from "../../stdx/metrics/exposition.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import {
  PROXY_HEALTH_READ_MS,
  PROXY_HEALTH_WATCH_MS,
  RELAYED_METRICS_BYTES_MAX,
  RELAYED_METRICS_TIMEOUT_MS,
} from "../limits.ts";
import type { Namespace } from "./namespace.ts";

export interface RouteParts {
  /** To the servers. */
  readonly client: Client;
  /** To this proxy itself; undefined where it has no address. */
  readonly proxyClient: Client | undefined;
  readonly namespace: Namespace;
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly http: HttpClient;
  /** The server whose metrics are told, as "host:port" or a URL. */
  readonly metricsEndpoint: string;
  readonly pprof: PprofParts | undefined;
}

/** All paths of the port for clients. */
export function proxyRoutes(parts: RouteParts): HttpRouter {
  const router = metricsRoutes(parts);
  const { pprof } = parts;
  if (pprof !== undefined) {
    router.handle("/debug/pprof/", (request, path) => servePprof(pprof, request, path));
  }
  return router;
}

/** The paths of --metrics-addr. */
export function metricsRoutes(parts: RouteParts): HttpRouter {
  const { client, proxyClient, registry, namespace } = parts;
  const key = namespace.inside(bytesFromUtf8("a"));
  const health = (): Promise<string> => readProblem(parts, client, key);
  const proxyHealth = async (): Promise<string> => {
    if (proxyClient === undefined) return "no connection to proxy";
    const plainKey = bytesFromUtf8("a");
    const problem = await readProblem(parts, proxyClient, plainKey);
    return problem === "" ? watchProblem(parts, proxyClient, plainKey) : problem;
  };
  return new HttpRouter()
    .handle("/metrics", (request) => relayMetrics(parts, request))
    .handle("/proxy/metrics", (request) =>
      answerText(
        request,
        200,
        { "Content-Type": TEXT_CONTENT_TYPE },
        textExposition(registry.collect()),
      ),
    )
    .handle("/health", (request) => serveHealth(parts, request, health))
    .handle("/proxy/health", (request) => serveHealth(parts, request, proxyHealth));
}

function serveHealth(
  { log }: RouteParts,
  request: HttpServerRequest,
  check: () => Promise<string>,
): void {
  if (!hasMethod(request, "GET")) {
    log.warn("/health error", { "status-code": 405 });
    return;
  }
  void check().then((reason) => {
    const output = `{"health":"${String(reason === "")}","reason":${goJsonString(reason)}}`;
    if (reason === "") {
      answerText(request, 200, { "Content-Type": TEXT_TYPE }, output);
      return;
    }
    answerFailure(request, 503, output);
    log.warn("/health error", { output, "status-code": 503 });
  });
}

/** Why a read does not come through; empty when it does, or when the servers refuse it to this proxy. */
async function readProblem(
  { clock }: RouteParts,
  client: Client,
  key: Uint8Array,
): Promise<string> {
  try {
    await client.kv.range({ key }, { deadlineMs: clock.nowMs() + PROXY_HEALTH_READ_MS });
    return "";
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return error === Errors.PermissionDenied ? "" : `GET ERROR:${error.message}`;
  }
}

async function watchProblem(
  { clock }: RouteParts,
  client: Client,
  key: Uint8Array,
): Promise<string> {
  const canceller = new Canceller();
  const timer = clock.after(PROXY_HEALTH_WATCH_MS, () => canceller.abort());
  try {
    (await client.watch.open({ key }, { signal: canceller })).cancel();
    return "";
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return "WATCH TIMEOUT";
  } finally {
    timer.cancel();
  }
}

/** Metrics of one of the servers. */
function relayMetrics({ http, metricsEndpoint }: RouteParts, request: HttpServerRequest): void {
  const scheme = request.secure ? "https" : "http";
  const base = metricsEndpoint.startsWith("http")
    ? metricsEndpoint
    : `${scheme}://${metricsEndpoint}`;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const fail = (): void => answerFailure(request, 500, "Internal server error");
  const exchange = http.request(
    {
      method: "GET",
      url: `${base}/metrics`,
      headers: {},
      body: new Uint8Array(0),
      connectTimeoutMs: RELAYED_METRICS_TIMEOUT_MS,
      stallTimeoutMs: RELAYED_METRICS_TIMEOUT_MS,
      reuse: false,
    },
    {
      onResponse() {},
      onBytes(piece) {
        bytes += piece.length;
        pieces.push(piece);
        if (bytes <= RELAYED_METRICS_BYTES_MAX) return;
        exchange.abort();
        fail();
      },
      onWritable() {},
      onEnd: () =>
        request.respond(200, { "Content-Type": "text/plain; version=0.0.4" }, concatBytes(pieces)),
      onFailed: fail,
    },
  );
  request.onGone = () => exchange.abort();
}
