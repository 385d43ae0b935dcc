/**
 * A running member: its storage, its run loop and its listeners, put together from a configuration and
 * stopped in order. The composition root.
 *
 * Source: etcd server/embed/etcd.go (StartEtcd, Close).
 */
import { createServices } from "../api/services.ts";
import { serveEndpoint } from "../api/http-endpoints.ts";
import { createHttpServer } from "../platform/http1.ts";
import type { Log } from "../ports/log.ts";
import { inflate } from "../platform/inflate.ts";
import { residentBytes } from "../platform/memory.ts";
import { listenOn, NetworkError, type SocketStream } from "../platform/tcp.ts";
import type { StreamListener } from "../ports/network.ts";
import { type Environment, type OpenedMember, openMember } from "./bootstrap.ts";
import { ClientConnections } from "./client-listener.ts";
import type { ServerConfig } from "./config.ts";
import { DRAIN_GRACE_MS, EARLY_CONNECTIONS_MAX, GRPC_OVERHEAD_BYTES } from "./limits.ts";
import { listenAddressOf } from "./listen-address.ts";
import { MemberHost } from "./member-host.ts";
import { serviceContextOf } from "./service-context.ts";
import { StartError } from "./start-error.ts";

export interface EtcdServer {
  /** Client URLs with the ports that are really listened on. */
  readonly clientPorts: readonly number[];
  /** Stops serving, lets calls under way finish, makes everything durable, gives up all locks. */
  stop(): Promise<void>;
}

/**
 * Starts a member and serves clients once it has joined its cluster. `onFatal` is told when the member
 * cannot go on (a failed write): nothing more is acknowledged, and the process should end.
 */
export async function startEtcd(
  config: ServerConfig,
  environment: Environment,
  onFatal: (reason: Error) => void,
): Promise<EtcdServer> {
  const early = new EarlyStreams();
  const log = environment.log.named("server/etcd-server.ts");
  const listeners = await listen(config, log, early);
  let opened: OpenedMember;
  try {
    opened = await openMember(config, environment);
  } catch (error) {
    for (const listener of listeners) listener.close();
    early.destroyAll();
    throw error;
  }
  const host: MemberHost = new MemberHost(config, environment, opened, {
    onTurnEnd: () => connections.flush(),
    onFatal,
  });
  const connections = createConnections(config, environment, host);
  await host.start();
  early.handTo((stream) => connections.accept(stream));
  for (const url of config.listenClientUrls) {
    log.info("serving client traffic insecurely; this is strongly discouraged!", {
      address: url.host,
    });
  }
  return {
    clientPorts: listeners.map((listener) => listener.port),
    async stop() {
      for (const listener of listeners) listener.close();
      await connections.drain(DRAIN_GRACE_MS);
      await host.stop();
    },
  };
}

async function listen(
  config: ServerConfig,
  log: Log,
  early: EarlyStreams,
): Promise<StreamListener[]> {
  const listeners: StreamListener[] = [];
  for (const url of config.listenClientUrls) {
    try {
      listeners.push(await listenOn(listenAddressOf(url), (stream) => early.accept(stream)));
    } catch (error) {
      for (const listener of listeners) listener.close();
      if (!(error instanceof NetworkError)) throw error;
      const other = "name another address with --listen-client-urls";
      const wayOut =
        error.code === "EADDRINUSE" ? `stop the program that has it, or ${other}` : other;
      throw new StartError(`${error.message}; ${wayOut}`, error);
    }
  }
  log.info("configuring client listeners", {
    "listen-client-urls": config.listenClientUrls.map((url) => url.text),
  });
  return listeners;
}

/** Connections that come before the member is ready wait, unread, as in the backlog of the kernel. */
class EarlyStreams {
  #waiting: SocketStream[] = [];
  #target: ((stream: SocketStream) => void) | undefined;

  accept(stream: SocketStream): void {
    if (this.#target !== undefined) this.#target(stream);
    else if (this.#waiting.length < EARLY_CONNECTIONS_MAX) this.#waiting.push(stream);
    else stream.destroy();
  }

  handTo(target: (stream: SocketStream) => void): void {
    this.#target = target;
    for (const stream of this.#waiting) target(stream);
    this.#waiting = [];
  }

  destroyAll(): void {
    for (const stream of this.#waiting) stream.destroy();
    this.#waiting = [];
  }
}

/** The client side of a member: services, endpoints, and the connections that reach them. */
function createConnections(
  config: ServerConfig,
  environment: Environment,
  host: MemberHost,
): ClientConnections {
  const { clock, log } = environment;
  const context = serviceContextOf(config, environment, host);
  const grpc = {
    ...createServices(context),
    inflate,
    limits: {
      receiveMessageBytesMax: config.maxRequestBytes + GRPC_OVERHEAD_BYTES,
      maxConcurrentStreams: config.maxConcurrentStreams,
      keepaliveMinTimeMs: config.grpcKeepaliveMinTimeMs,
      keepaliveTimeMs: config.grpcKeepaliveIntervalMs,
      keepaliveTimeoutMs: config.grpcKeepaliveTimeoutMs,
    },
  };
  const http = createHttpServer((request, respond) => {
    const query = (name: string): string[] => request.query.getAll(name);
    serveEndpoint(context, { ...request, query }, respond, residentBytes);
    host.poke();
  });
  return new ClientConnections(grpc, http, clock, log.named("server/client-listener.ts"), () =>
    host.poke(),
  );
}
