/**
 * Who answers on the sockets of a member: on those for clients, for HTTP alone, for metrics and for peers.
 *
 * Source: etcd server/embed/etcd.go, serve.go.
 */
import { serveWithAccessControl } from "../api/http/access-control.ts";
import { JsonGateway } from "../api/gateway/gateway.ts";
import { clientRoutes, metricsRoutes, type RouteParts } from "../api/http/client-routes.ts";
import { RequestLog } from "../api/http/debug/request-log.ts";
import { HealthMetrics } from "../api/http/health-metrics.ts";
import { MetricsPage } from "../api/http/metrics-page.ts";
import { createServices } from "../api/services.ts";
import type { GrpcServerConfig, GrpcTraffic } from "../http2/options.ts";
import { createHttpServer, type HttpServer } from "../platform/http-server.ts";
import { SharedMemory } from "../http2/shared-memory.ts";
import { gzip } from "../platform/gzip.ts";
import { inflate } from "../platform/inflate.ts";
import type { HttpServerRequest } from "../ports/http.ts";
import type { LogLevelControl } from "../ports/log.ts";
import type { ProcessFacts } from "../ports/process-facts.ts";
import type { Profiler } from "../ports/profiler.ts";
import type { Environment } from "./start/bootstrap.ts";
import type { CallObservers, ObserverEnvironment } from "./observe/call-observers.ts";
import { ClientConnections } from "./client-listener.ts";
import type { ServerConfig } from "./config/config.ts";
import { parseLogLevel } from "./config/config-validation.ts";
import { CLIENT_HTTP_IDLE_MS, CLIENT_HTTP_STALL_MS, GRPC_OVERHEAD_BYTES } from "./limits.ts";
import type { MemberHost } from "./member-host.ts";
import { serviceContextOf } from "./service-context.ts";
import type { MemberTls } from "./tls/member-tls.ts";

/** What a member with sockets needs of the world. */
export interface ServerEnvironment extends Environment, ObserverEnvironment {
  /** Answers what peers ask over HTTP/1.1, for the network that `peers` is. */
  readonly peerServer: HttpServer;
  /** Certificates and keys of the member. */
  readonly tls: MemberTls;
  /** The level of the log, which can be changed while the member runs. */
  readonly logLevel: LogLevelControl;
  readonly facts: ProcessFacts;
  readonly startProfiler: () => Profiler;
}

export interface Fronts {
  readonly clients: ClientConnections;
  /** HTTP without gRPC, where it has URLs of its own. */
  readonly http: ClientConnections;
  readonly metrics: ClientConnections;
  readonly peers: ClientConnections;
}

/** Patience with clients over HTTP/1.1. */
const CLIENT_HTTP = {
  readTimeoutMs: CLIENT_HTTP_STALL_MS,
  writeTimeoutMs: CLIENT_HTTP_STALL_MS,
  idleTimeoutMs: CLIENT_HTTP_IDLE_MS,
};

/** All sides of a member: gRPC is the same on them, HTTP is not. */
export function createFronts(
  config: ServerConfig,
  environment: ServerEnvironment,
  host: MemberHost,
  observers: CallObservers,
): Fronts {
  const { clock, log, peerServer } = environment;
  const context = serviceContextOf(config, environment, host);
  const isDebug = config.log.level === "debug";
  const requests = isDebug ? new RequestLog(clock) : undefined;
  const looking = [...observers.of(context), ...(requests === undefined ? [] : [requests])];
  const services = createServices(context, looking);
  const grpc = grpcConfigOf(config, services, context.rpcs.traffic);
  const httpLog = log.named("embed/serve.go");
  const gateway = config.http.gateway
    ? new JsonGateway(services.calls, environment.sha1, config.maxConcurrentStreams)
    : undefined;
  const routeParts = routePartsOf(config, environment, { context, gateway, requests });
  const routes = clientRoutes(routeParts);
  const namesByCertificate = config.clientTls.clientCertAuth && config.http.gateway;
  const access = {
    ...config.http,
    refusesCommonNames: () => namesByCertificate && host.member.applier.auth.enabled,
  };
  const serveHttp = (request: HttpServerRequest): void => {
    serveWithAccessControl(access, routes, request, httpLog);
    host.poke();
  };
  const metrics = metricsRoutes(routeParts);
  const serveMetrics = (request: HttpServerRequest): void => {
    metrics.serve(request);
    host.poke();
  };
  const parts = {
    clock,
    log: log.named("server/client-listener.ts"),
    onInput: () => host.poke(),
  };
  const dateOf = (): string => new Date(clock.wallMs()).toUTCString();
  const plainOnly = (onPlainRequest: (request: HttpServerRequest) => void): ClientConnections =>
    new ClientConnections({
      ...parts,
      grpc: undefined,
      secureGrpc: { ...grpc, onPlainRequest, isPlainOnly: true, dateOf },
      http: createHttpServer(CLIENT_HTTP, onPlainRequest),
    });
  const forPeers = withoutConcurrency(grpc);
  const isSplit = config.http.clientHttpUrls.length > 0;
  return {
    clients: new ClientConnections({
      ...parts,
      grpc,
      secureGrpc: isSplit ? grpc : { ...grpc, onPlainRequest: serveHttp, dateOf },
      http: isSplit ? undefined : createHttpServer(CLIENT_HTTP, serveHttp),
    }),
    http: plainOnly(serveHttp),
    metrics: plainOnly(serveMetrics),
    peers: new ClientConnections({
      ...parts,
      grpc: forPeers,
      secureGrpc: forPeers,
      http: peerServer,
    }),
  };
}

function routePartsOf(
  { http, log: { level } }: ServerConfig,
  environment: ServerEnvironment,
  served: Pick<RouteParts, "context" | "gateway" | "requests">,
): RouteParts {
  const { clock, facts, log, logLevel: control, metrics } = environment;
  const { registry } = metrics;
  return {
    ...served,
    page: new MetricsPage({ registry, clock, gzip }),
    healthMetrics: new HealthMetrics(registry),
    facts,
    logLevel: http.pprof
      ? { control, log: log.named("embed/serve.go"), parse: parseLogLevel }
      : undefined,
    profiler: http.pprof || level === "debug" ? environment.startProfiler() : undefined,
  };
}

/** Peers have no use for locks and elections: etcd offers them to clients only. */
function withoutConcurrency(grpc: GrpcServerConfig): GrpcServerConfig {
  const isOffered = (name: string): boolean => !/^\/?v3(?:lock|election)pb\./.test(name);
  return {
    ...grpc,
    lookup: (path) => (isOffered(path) ? grpc.lookup(path) : undefined),
    knowsService: (service) => isOffered(service) && grpc.knowsService?.(service) === true,
  };
}

function grpcConfigOf(
  config: ServerConfig,
  services: Pick<GrpcServerConfig, "lookup" | "knowsService">,
  traffic: GrpcTraffic,
): GrpcServerConfig {
  return {
    ...services,
    traffic,
    inflate,
    sharedMemory: new SharedMemory(),
    limits: {
      receiveMessageBytesMax: config.maxRequestBytes + GRPC_OVERHEAD_BYTES,
      maxConcurrentStreams: config.maxConcurrentStreams,
      keepaliveMinTimeMs: config.grpcKeepaliveMinTimeMs,
      keepaliveTimeMs: config.grpcKeepaliveIntervalMs,
      keepaliveTimeoutMs: config.grpcKeepaliveTimeoutMs,
    },
  };
}
