/**
 * A running member: its storage, its run loop and its listeners, put together from a configuration and
 * stopped in order. The composition root.
 *
 * Source: etcd server/embed/etcd.go (StartEtcd, Close).
 */
import { AuditLog } from "../api/audit/audit-log.ts";
import type { ServiceContext } from "../api/context.ts";
import type { CallObserver } from "../api/observe/call-observer.ts";
import { createServices } from "../api/services.ts";
import { serveWithAccessControl } from "../api/http/access-control.ts";
import { clientRoutes } from "../api/http/client-routes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { GrpcServerConfig } from "../http2/options.ts";
import { formatId } from "../membership/member-info.ts";
import { createHttpServer, type HttpServer } from "../platform/http-server.ts";
import { inflate } from "../platform/inflate.ts";
import { residentBytes } from "../platform/memory.ts";
import type { HttpServerRequest } from "../ports/http.ts";
import type { AuditSink } from "../ports/audit.ts";
import type { Log, LogFields, LogLevelControl } from "../ports/log.ts";
import { type Environment, type OpenedMember, openMember } from "./bootstrap.ts";
import { ClientConnections } from "./client-listener.ts";
import type { ServerConfig } from "./config.ts";
import {
  CLIENT_HTTP_IDLE_MS,
  CLIENT_HTTP_STALL_MS,
  DRAIN_GRACE_MS,
  GRPC_OVERHEAD_BYTES,
} from "./limits.ts";
import { bindListeners, type MemberListeners } from "./listeners.ts";
import { MemberHost } from "./member-host.ts";
import type { ServerUrl } from "./server-url.ts";
import { serviceContextOf } from "./service-context.ts";

/** What a member with sockets needs of the world. */
export interface ServerEnvironment extends Environment {
  /** Answers what peers ask over HTTP/1.1, for the network that `peers` is. */
  readonly peerServer: HttpServer;
  /** The level of the log, which can be changed while the member runs. */
  readonly logLevel: LogLevelControl;
  /** Where the audit log goes; there is none where this is undefined. */
  readonly audit: AuditSink | undefined;
}

export interface EtcdServer {
  /** Ports of the client URLs that are really listened on. */
  readonly clientPorts: readonly number[];
  /** Resolves when the member has joined its cluster and serves clients; never when it is stopped before. */
  readonly ready: Promise<void>;
  /**
   * Stops serving, lets calls under way finish, hands over leadership, makes everything durable, gives up all
   * locks.
   */
  stop(): Promise<void>;
}

/**
 * Starts a member, which serves its peers from then on, and clients once it has joined its cluster. `onFatal`
 * is told when the member cannot go on, because a write failed or it was removed from the cluster: nothing
 * more is acknowledged, and the process should end.
 */
export async function startEtcd(
  config: ServerConfig,
  environment: ServerEnvironment,
  onFatal: (reason: Error) => void,
): Promise<EtcdServer> {
  const log = environment.log.named("server/etcd-server.ts");
  const listeners = await bindListeners(config, log);
  let opened: OpenedMember;
  try {
    opened = await openMember(config, environment);
  } catch (error) {
    listeners.peers.close();
    listeners.clients.close();
    throw error;
  }
  const host: MemberHost = new MemberHost(config, environment, opened, {
    onTurnEnd: () => {
      clients.flush();
      peers.flush();
    },
    onFatal,
  });
  const { clients, peers } = createConnections(config, environment, host);
  await host.prepare();
  const joined = host.join();
  listeners.peers.handTo((stream) => peers.accept(stream));
  logServing(config, host, log);
  const ready = joined.then(() => {
    log.info("ready to serve client requests");
    listeners.clients.handTo((stream) => clients.accept(stream));
    logInsecure(config, log);
  });
  return {
    clientPorts: listeners.clients.ports,
    ready,
    stop: () => stop(config, { host, listeners, clients, peers }, log),
  };
}

interface RunningParts {
  readonly host: MemberHost;
  readonly listeners: MemberListeners;
  readonly clients: ClientConnections;
  readonly peers: ClientConnections;
}

/** Clients first: what they were promised is kept, and they find another member. Then the cluster. */
async function stop(
  config: ServerConfig,
  { host, listeners, clients, peers }: RunningParts,
  log: Log,
): Promise<void> {
  const fields: LogFields = {
    name: config.name,
    "data-dir": config.dataDir,
    "advertise-peer-urls": textsOf(config.initialAdvertisePeerUrls),
    "advertise-client-urls": textsOf(config.advertiseClientUrls),
  };
  log.info("closing etcd server", fields);
  listeners.clients.close();
  await clients.drain(DRAIN_GRACE_MS);
  await host.stop();
  for (const { host: address } of config.listenPeerUrls) {
    log.info("stopping serving peer traffic", { address });
  }
  listeners.peers.close();
  await peers.drain(0);
  for (const { host: address } of config.listenPeerUrls) {
    log.info("stopped serving peer traffic", { address });
  }
  log.info("closed etcd server", fields);
}

function logServing(config: ServerConfig, host: MemberHost, log: Log): void {
  const peerUrls = textsOf(config.listenPeerUrls);
  const clientUrls = textsOf(config.listenClientUrls);
  log.info("now serving peer/client/metrics", {
    "local-member-id": formatId(host.member.id),
    "initial-advertise-peer-urls": textsOf(config.initialAdvertisePeerUrls),
    "listen-peer-urls": peerUrls,
    "advertise-client-urls": textsOf(config.advertiseClientUrls),
    "listen-client-urls": clientUrls,
    "listen-metrics-urls": [],
  });
  for (const { host: address } of config.listenPeerUrls) {
    log.info("serving peer traffic", { address });
  }
}

function logInsecure(config: ServerConfig, log: Log): void {
  for (const url of config.listenClientUrls) {
    log.info("serving client traffic insecurely; this is strongly discouraged!", {
      traffic: "grpc+http",
      address: url.host,
    });
  }
}

/** Patience with clients over HTTP/1.1. */
const CLIENT_HTTP = {
  readTimeoutMs: CLIENT_HTTP_STALL_MS,
  writeTimeoutMs: CLIENT_HTTP_STALL_MS,
  idleTimeoutMs: CLIENT_HTTP_IDLE_MS,
};

/** Both sides of a member: gRPC is the same on them, HTTP is not. */
function createConnections(
  config: ServerConfig,
  environment: ServerEnvironment,
  host: MemberHost,
): { readonly clients: ClientConnections; readonly peers: ClientConnections } {
  const { clock, log, peerServer } = environment;
  const context = serviceContextOf(config, environment, host);
  const grpc: GrpcServerConfig = {
    ...createServices(context, callObservers(environment, context)),
    inflate,
    limits: {
      receiveMessageBytesMax: config.maxRequestBytes + GRPC_OVERHEAD_BYTES,
      maxConcurrentStreams: config.maxConcurrentStreams,
      keepaliveMinTimeMs: config.grpcKeepaliveMinTimeMs,
      keepaliveTimeMs: config.grpcKeepaliveIntervalMs,
      keepaliveTimeoutMs: config.grpcKeepaliveTimeoutMs,
    },
  };
  const routes = clientRoutes(context, residentBytes);
  const httpLog = log.named("embed/serve.go");
  const access = { ...config.http, refusesCommonNames: () => false };
  const serveHttp = (request: HttpServerRequest): void => {
    serveWithAccessControl(access, routes, request, httpLog);
    host.poke();
  };
  const clientServer = createHttpServer(CLIENT_HTTP, serveHttp);
  const parts = {
    clock,
    log: log.named("server/client-listener.ts"),
    onInput: () => host.poke(),
  };
  const dateOf = (): string => new Date(clock.wallMs()).toUTCString();
  return {
    clients: new ClientConnections({
      ...parts,
      grpc,
      secureGrpc: { ...grpc, onPlainRequest: serveHttp, dateOf },
      http: clientServer,
    }),
    peers: new ClientConnections({ ...parts, grpc, secureGrpc: grpc, http: peerServer }),
  };
}

/** Who looks on the calls of clients. */
function callObservers({ audit }: ServerEnvironment, context: ServiceContext): CallObserver[] {
  if (audit === undefined) return [];
  const { clock, member, callers } = context;
  const userOf = (call: GrpcServerCall): string => {
    const caller = callers.identityOf(call);
    return caller === undefined || caller instanceof EtcdError ? "" : caller.username;
  };
  return [new AuditLog({ clock, sink: audit, memberId: formatId(member.id), userOf })];
}

function textsOf(urls: readonly ServerUrl[]): string[] {
  return urls.map(({ text }) => text);
}
