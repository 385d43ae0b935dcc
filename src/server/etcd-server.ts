/**
 * A running member: its storage, its run loop and its listeners, put together from a configuration and
 * stopped in order. The composition root.
 *
 * Source: etcd server/embed/etcd.go (StartEtcd, Close).
 */
import { formatId } from "../membership/member-info.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { type OpenedMember, openMember } from "./start/bootstrap.ts";
import { CallObservers } from "./observe/call-observers.ts";
import type { GrpcStream } from "./client-listener.ts";
import type { ServerConfig } from "./config/config.ts";
import { createFronts, type Fronts, type ServerEnvironment } from "./fronts.ts";
import { DRAIN_GRACE_MS } from "./limits.ts";
import { bindListeners, closeListeners, type MemberListeners } from "./listeners.ts";
import { MemberHost } from "./member-host.ts";
import { StartError } from "./start/start-error.ts";
import { showMember } from "./metrics/member-gauges.ts";
import { showRuntime } from "./metrics/runtime-metrics.ts";
import type { ServerUrl } from "./config/server-url.ts";

export interface EtcdServer {
  /** Ports of the client URLs that are really listened on. */
  readonly clientPorts: readonly number[];
  /** Resolves when the member has joined its cluster and serves clients; never when it is stopped before. */
  readonly ready: Promise<void>;
  readonly memberId: bigint;
  readonly clusterId: bigint;
  /** Who leads, as far as this member knows; 0 for nobody. */
  readonly leader: bigint;
  /** Serves gRPC to a client inside the process, over `stream`. */
  serve(stream: GrpcStream): void;
  /** Stops serving, lets calls under way finish, makes everything durable, gives up all locks. */
  stop(ending?: Partial<Ending>): Promise<void>;
}

/** How a member ends. */
export interface Ending {
  /**
   * Whether leadership goes to another member first, true when absent; not when all stop, or when this one has
   * failed.
   */
  readonly handsOver: boolean;
  /** Milliseconds for calls under way. */
  readonly graceMs: number;
}

export interface ServerEvents {
  /**
   * The member cannot go on, because a write failed or it was removed from the cluster: nothing more is
   * acknowledged.
   */
  readonly onFatal: (reason: Error) => void;
  /** Another member leads as far as this one knows, or nobody (0). */
  readonly onLeader?: (leader: bigint) => void;
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
  const listeners = await bindListeners(config, environment.tls, log);
  return startOn(listeners, config, environment, { onFatal });
}

/**
 * As `startEtcd`, on listeners that are bound already: `config` may advertise the ports that they got. They are
 * closed when the member cannot start.
 */
export async function startOn(
  listeners: MemberListeners,
  config: ServerConfig,
  environment: ServerEnvironment,
  { onFatal, onLeader }: ServerEvents,
): Promise<EtcdServer> {
  const log = environment.log.named("server/etcd-server.ts");
  let opened: OpenedMember;
  try {
    opened = await openMember(config, environment);
  } catch (error) {
    closeListeners(listeners);
    throw error;
  }
  let knownLeader = opened.member.leader;
  const host: MemberHost = new MemberHost(config, environment, opened, {
    onTurnEnd: () => {
      for (const front of all) front.flush();
      const { leader } = opened.member;
      if (leader === knownLeader) return;
      knownLeader = leader;
      onLeader?.(leader);
    },
    onFatal,
  });
  const observers = new CallObservers(config, environment);
  const fronts = createFronts(config, environment, host, observers);
  const all = [fronts.clients, fronts.http, fronts.metrics, fronts.peers];
  showMember(environment.metrics, host, config);
  const hideRuntime = showRuntime(environment.metrics.registry, environment.clock);
  try {
    await host.prepare();
    if (environment.isCancelled?.() === true) throw new StartError("the start was cancelled");
  } catch (error) {
    hideRuntime();
    closeListeners(listeners);
    await host.stop(false);
    throw error;
  }
  const joined = host.join();
  listeners.peers.handTo((stream) => fronts.peers.accept(stream));
  listeners.metrics.handTo((stream) => fronts.metrics.accept(stream));
  logServing(config, host, log);
  const ready = joined.then(() => {
    log.info("ready to serve client requests");
    listeners.clients.handTo((stream) => fronts.clients.accept(stream));
    listeners.http.handTo((stream) => fronts.http.accept(stream));
    logTraffic(config, log);
  });
  return {
    clientPorts: listeners.clients.ports,
    ready,
    memberId: host.member.id,
    clusterId: host.clusterId,
    get leader() {
      return host.member.leader;
    },
    serve: (stream) => fronts.clients.acceptGrpc(stream),
    stop: ({ handsOver = true, graceMs = DRAIN_GRACE_MS } = {}) => {
      hideRuntime();
      return stop(config, { host, listeners, fronts, observers }, { handsOver, graceMs }, log);
    },
  };
}

interface RunningParts {
  readonly host: MemberHost;
  readonly listeners: MemberListeners;
  readonly fronts: Fronts;
  readonly observers: CallObservers;
}

/** Clients first: what they were promised is kept, and they find another member. Then the cluster. */
async function stop(
  config: ServerConfig,
  { host, listeners, fronts, observers }: RunningParts,
  { handsOver, graceMs }: Ending,
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
  listeners.http.close();
  await Promise.all([fronts.clients.drain(graceMs), fronts.http.drain(graceMs)]);
  listeners.metrics.close();
  await fronts.metrics.drain(0);
  await host.stop(handsOver);
  for (const { host: address } of config.listenPeerUrls) {
    log.info("stopping serving peer traffic", { address });
  }
  listeners.peers.close();
  await fronts.peers.drain(0);
  await observers.close();
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
    "listen-metrics-urls": textsOf(config.http.metricsUrls),
  });
  for (const { host: address } of config.listenPeerUrls) {
    log.info("serving peer traffic", { address });
  }
  for (const { text: address } of config.http.metricsUrls) {
    log.info("serving metrics", { address });
  }
}

function logTraffic({ listenClientUrls, http }: ServerConfig, log: Log): void {
  const logEach = (urls: readonly ServerUrl[], traffic: string): void => {
    for (const { scheme, host: address } of urls) {
      const isSecure = scheme === "https" || scheme === "unixs";
      const message = isSecure
        ? "serving client traffic securely"
        : "serving client traffic insecurely; this is strongly discouraged!";
      log.info(message, { traffic, address });
    }
  };
  logEach(listenClientUrls, http.clientHttpUrls.length > 0 ? "grpc" : "grpc+http");
  logEach(http.clientHttpUrls, "http");
}

function textsOf(urls: readonly ServerUrl[]): string[] {
  return urls.map(({ text }) => text);
}
