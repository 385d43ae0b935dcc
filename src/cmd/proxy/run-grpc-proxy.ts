/**
 * `etcd grpc-proxy start`: stands between clients and servers, and saves the servers work.
 *
 * Source: etcd server/etcdmain/grpc_proxy.go.
 */
import os from "node:os";
import process from "node:process";
import { type Client, EtcdError, openClient } from "../../client/index.ts";
import { REQUEST_BYTES_MAX } from "../../client/limits.ts";
import type { GrpcServerConfig } from "../../http2/options.ts";
import { systemClock } from "../../platform/clock.ts";
import { createHttpClient } from "../../platform/http-client.ts";
import { createHttpServer } from "../../platform/http-server.ts";
import { inflate } from "../../platform/inflate.ts";
import { DEFAULT_LOG, openLog } from "../../platform/log.ts";
import { systemProcessFacts } from "../../platform/process-facts.ts";
import { startProfiler } from "../../platform/profiler.ts";
import { systemRandom } from "../../platform/random.ts";
import { ServiceManager } from "../../platform/service-manager.ts";
import type { TlsAcceptor } from "../../platform/tls/acceptor.ts";
import type { HttpServerRequest } from "../../ports/http.ts";
import type { NamedLog } from "../../ports/log.ts";
import { Callers } from "../../proxy/grpc/callers.ts";
import { metricsRoutes, proxyRoutes, type RouteParts } from "../../proxy/grpc/http-routes.ts";
import { ProxyMetrics } from "../../proxy/grpc/metrics.ts";
import { Namespace } from "../../proxy/grpc/namespace.ts";
import { RangeCache } from "../../proxy/grpc/range-cache.ts";
import { Registration } from "../../proxy/grpc/registration.ts";
import { RevisionOrder } from "../../proxy/grpc/revision-order.ts";
import { proxyServices } from "../../proxy/grpc/services.ts";
import { Upstream } from "../../proxy/grpc/upstream.ts";
import { ClientConnections } from "../../server/client-listener.ts";
import { CLIENT_HTTP_IDLE_MS, CLIENT_HTTP_STALL_MS } from "../../server/limits.ts";
import { Listeners } from "../../server/listeners.ts";
import { parseServerUrl } from "../../server/config/server-url.ts";
import { StartError } from "../../server/start/start-error.ts";
import { FlagRefusal } from "../../server/flags/refusal.ts";
import { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import { readTls } from "../tls-config.ts";
import type { FlagSet } from "../pflag.ts";
import { socketConnector } from "../socket-connector.ts";
import { ToolExit } from "../tool-exit.ts";
import { discoverServers } from "./discover.ts";
import { checkProxyFlags, millisecondsOf } from "./grpc-proxy-settings.ts";
import { ProxyExit } from "./proxy-exit.ts";
import { clientAcceptor, metricsDialer, serverTls } from "./proxy-tls.ts";

/** Milliseconds to dial a server. As etcd. */
const DIAL_TIMEOUT_MS = 5000;

/** Starts the proxy, which runs until the process ends. Throws `ProxyExit`. */
export async function runGrpcProxy(flags: FlagSet): Promise<void> {
  try {
    await start(flags);
  } catch (error) {
    if (error instanceof StartError) throw new ProxyExit(`${error.message}\n`, "stderr");
    if (error instanceof ToolExit) throw new ProxyExit(`${error.shown ?? ""}\n`, "stderr");
    throw error;
  }
}

async function start(flags: FlagSet): Promise<void> {
  const versions = checkProxyFlags(flags);
  const level = flags.getBool("debug") ? "debug" : "info";
  const log = openLog({ ...DEFAULT_LOG, level }, systemClock, "cmd/grpc-proxy.ts");
  const acceptor = clientAcceptor(flags, versions, log);
  const address = flags.getString("listen-addr");
  const listeners = await listen("--listen-addr", address, acceptor);
  log.info("listening for gRPC proxy client requests", { address });
  const endpoints = await endpointsOf(flags, log);
  const client = await upstreamClient(flags, endpoints, log);
  syncEndpoints(flags, client, log);
  const itself = await clientOfItself(flags, acceptor !== undefined, log);
  const parts = servingParts(flags, client, itself, endpoints, log);
  const fronts = frontsOf(flags, parts, log);
  listeners.handTo((stream) => fronts.clients.accept(stream));
  const metricsAddress = flags.getString("metrics-addr");
  if (metricsAddress !== "") {
    const forMetrics = await listen("--metrics-addr", metricsAddress, acceptor);
    forMetrics.handTo((stream) => fronts.metrics.accept(stream));
    log.info("gRPC proxy server metrics URL serving");
  }
  log.info("started gRPC proxy", { address });
  await new ServiceManager(process.env["NOTIFY_SOCKET"], log).ready("proxying clients");
}

/** Listens on "host:port", or on a URL. */
async function listen(
  flag: string,
  address: string,
  acceptor: TlsAcceptor | undefined,
): Promise<Listeners> {
  const scheme = acceptor === undefined ? "http" : "https";
  const url = parseServerUrl(address.includes("://") ? address : `${scheme}://${address}`);
  if (url instanceof FlagRefusal) throw new ProxyExit(`${url.message}\n`, "stderr");
  const listeners = new Listeners();
  await listeners.bind(flag, [url], acceptor);
  return listeners;
}

async function endpointsOf(flags: FlagSet, log: NamedLog): Promise<readonly string[]> {
  const discovered = await discoverServers(
    {
      domain: flags.getString("discovery-srv"),
      serviceName: flags.getString("discovery-srv-name"),
      trustedCaFile: flags.getString("cacert"),
      acceptsInsecure: flags.getBool("insecure-discovery"),
    },
    log,
  );
  if (discovered instanceof Error) throw new ProxyExit(`${discovered.message}\n`, "stderr");
  return discovered.length > 0
    ? discovered.map(({ endpoint }) => endpoint)
    : flags.getStrings("endpoints");
}

function upstreamClient(
  flags: FlagSet,
  endpoints: readonly string[],
  log: NamedLog,
): Promise<Client> {
  const tls = serverTls(flags);
  if (flags.getBool("insecure-skip-tls-verify")) {
    log.warn(
      "--insecure-skip-tls-verify was given, this grpc proxy process skips authentication of etcd server TLS certificates. This option should be enabled only for testing purposes.",
    );
  }
  const sendMax = Number(flags.getInteger("max-send-bytes"));
  const receiveMax = Number(flags.getInteger("max-recv-bytes"));
  return openClient({
    endpoints,
    connector: socketConnector(tls),
    clock: systemClock,
    random: systemRandom,
    log: log.named("client"),
    secure: tls !== undefined,
    dialTimeoutMs: DIAL_TIMEOUT_MS,
    keepaliveTimeMs: millisecondsOf(flags, "dial-keepalive-time"),
    keepaliveTimeoutMs: millisecondsOf(flags, "dial-keepalive-timeout"),
    keepalivePermitWithoutStream: flags.getBool("permit-without-stream"),
    requestBytesMax: sendMax > 0 ? sendMax : REQUEST_BYTES_MAX,
    ...(receiveMax > 0 ? { responseBytesMax: receiveMax } : {}),
  });
}

/** Follows where the members of the cluster are, where that is asked for. */
function syncEndpoints(flags: FlagSet, client: Client, log: NamedLog): void {
  const intervalMs = millisecondsOf(flags, "endpoints-auto-sync-interval");
  if (intervalMs <= 0) return;
  let known = "";
  const sync = async (): Promise<void> => {
    try {
      const deadlineMs = systemClock.nowMs() + DIAL_TIMEOUT_MS;
      const endpoints = await client.syncEndpoints({ deadlineMs });
      const found = endpoints.join(",");
      if (found !== "" && found !== known) log.info("endpoints of the cluster", { endpoints });
      known = found;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      log.info("Auto sync endpoints failed.", { error: error.message });
    }
    systemClock.after(intervalMs, () => void sync());
  };
  systemClock.after(intervalMs, () => void sync());
}

/** Asks the proxy itself, at the address where clients are told to find it. */
async function clientOfItself(
  flags: FlagSet,
  secure: boolean,
  log: NamedLog,
): Promise<Client | undefined> {
  const address = flags.getString("advertise-client-url");
  if (address === "") return undefined;
  const tls = readTls({
    cert: flags.getString("cert-file"),
    key: flags.getString("key-file"),
    cacert: "",
    serverName: "",
    insecureTransport: !secure,
    insecureSkipVerify: true,
  });
  log.info("create proxy client", { grpcProxyAdvertiseClientURL: address });
  return openClient({
    endpoints: [address],
    connector: socketConnector(tls),
    clock: systemClock,
    random: systemRandom,
    log: log.named("client"),
    secure,
    dialTimeoutMs: DIAL_TIMEOUT_MS,
  });
}

interface ServingParts {
  readonly services: ReturnType<typeof proxyServices>;
  readonly routes: RouteParts;
}

function servingParts(
  flags: FlagSet,
  client: Client,
  itself: Client | undefined,
  endpoints: readonly string[],
  log: NamedLog,
): ServingParts {
  const registry = new MetricsRegistry();
  const namespace = new Namespace(flags.getString("namespace"));
  const advertised = flags.getString("advertise-client-url");
  const prefix = flags.getString("resolver-prefix");
  const hostname = os.hostname();
  const common = { client, namespace, clock: systemClock, log };
  const registration =
    prefix === ""
      ? undefined
      : new Registration({
          ...common,
          prefix,
          address: advertised,
          ttlSeconds: Number(flags.getInteger("resolver-ttl")),
          hostname,
        });
  const isOrdered = flags.getBool("experimental-serializable-ordering");
  const services = proxyServices({
    ...common,
    upstream: new Upstream(client.channel, new Callers()),
    cache: new RangeCache(),
    metrics: new ProxyMetrics(registry),
    order: isOrdered ? new RevisionOrder(endpoints.length) : undefined,
    advertised,
    hostname,
    registration,
  });
  const facts = systemProcessFacts();
  const routes: RouteParts = {
    ...common,
    registry,
    proxyClient: itself,
    http: createHttpClient(() => metricsDialer(flags, log)),
    metricsEndpoint: endpoints[systemRandom.below(endpoints.length)],
    pprof: flags.getBool("enable-pprof")
      ? { profiler: startProfiler(), facts, clock: systemClock }
      : undefined,
  };
  return { services, routes };
}

function frontsOf(
  flags: FlagSet,
  { services, routes }: ServingParts,
  log: NamedLog,
): { readonly clients: ClientConnections; readonly metrics: ClientConnections } {
  const grpc: GrpcServerConfig = {
    ...services,
    inflate,
    limits: {
      maxConcurrentStreams: Number(flags.getInteger("max-concurrent-streams")),
      keepaliveMinTimeMs: millisecondsOf(flags, "grpc-keepalive-min-time"),
      keepaliveTimeMs: millisecondsOf(flags, "grpc-keepalive-interval"),
      keepaliveTimeoutMs: millisecondsOf(flags, "grpc-keepalive-timeout"),
    },
  };
  const timeouts = {
    readTimeoutMs: CLIENT_HTTP_STALL_MS,
    writeTimeoutMs: CLIENT_HTTP_STALL_MS,
    idleTimeoutMs: CLIENT_HTTP_IDLE_MS,
  };
  const parts = { clock: systemClock, log: log.named("server/client-listener.ts"), onInput() {} };
  const router = proxyRoutes(routes);
  const forMetrics = metricsRoutes(routes);
  const serveMetrics = (request: HttpServerRequest): void => forMetrics.serve(request);
  const dateOf = (): string => new Date(systemClock.wallMs()).toUTCString();
  return {
    clients: new ClientConnections({
      ...parts,
      grpc,
      secureGrpc: grpc,
      http: createHttpServer(timeouts, (request) => router.serve(request)),
    }),
    metrics: new ClientConnections({
      ...parts,
      grpc: undefined,
      secureGrpc: { ...grpc, onPlainRequest: serveMetrics, isPlainOnly: true, dateOf },
      http: createHttpServer(timeouts, serveMetrics),
    }),
  };
}
