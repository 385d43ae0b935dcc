/**
 * A running member: its storage, its run loop and its listeners, put together from a configuration and
 * stopped in order. The composition root.
 *
 * Source: etcd server/embed/etcd.go (StartEtcd, Close).
 */
import { type ServiceContext } from "../api/context.ts";
import { createServices } from "../api/services.ts";
import { serveEndpoint } from "../api/http-endpoints.ts";
import { createHttpServer } from "../platform/http1.ts";
import type { ProcessLog } from "../platform/log.ts";
import { inflate } from "../platform/inflate.ts";
import { listenOn, type SocketStream } from "../platform/tcp.ts";
import type { StreamListener } from "../ports/network.ts";
import { type Environment, type OpenedMember, openMember } from "./bootstrap.ts";
import { ClientConnections } from "./client-listener.ts";
import { CommitSchedule } from "./commit-schedule.ts";
import { CompactionLoop } from "./compaction-loop.ts";
import type { ServerConfig } from "./config.ts";
import { DRAIN_GRACE_MS, SNAPSHOT_FILES_MAX, WAL_FILES_MAX } from "./limits.ts";
import { listenAddressOf } from "./listen-address.ts";
import { publishAttributes, updateClusterVersion } from "./publish.ts";
import { RunLoop } from "./run-loop.ts";
import { SnapshotSaver } from "./snapshot-saver.ts";
import { ETCD_VERSION } from "./version.ts";

/** Bytes of a request beyond its payload that gRPC may carry. Source: etcd embed (grpcOverheadBytes). */
const GRPC_OVERHEAD_BYTES = 512 * 1024;

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
  environment: Omit<Environment, "log"> & { readonly log: ProcessLog },
  onFatal: (reason: Error) => void,
): Promise<EtcdServer> {
  const early = new EarlyStreams();
  const listeners = await listen(config, environment.log, early);
  let opened: OpenedMember;
  try {
    opened = await openMember(config, environment);
  } catch (error) {
    for (const listener of listeners) listener.close();
    early.destroyAll();
    throw error;
  }
  const running = new RunningMember(config, environment, opened, onFatal);
  await running.start();
  early.handTo((stream) => running.connections.accept(stream));
  const { log } = environment;
  for (const url of config.listenClientUrls) {
    log.info("serving client traffic insecurely; this is strongly discouraged!", {
      address: url.host,
    });
  }
  return {
    clientPorts: listeners.map((listener) => listener.port),
    async stop() {
      for (const listener of listeners) listener.close();
      await running.stop();
    },
  };
}

async function listen(
  config: ServerConfig,
  log: ProcessLog,
  early: EarlyStreams,
): Promise<StreamListener[]> {
  const listeners: StreamListener[] = [];
  for (const url of config.listenClientUrls) {
    try {
      listeners.push(await listenOn(listenAddressOf(url), (stream) => early.accept(stream)));
    } catch (error) {
      for (const listener of listeners) listener.close();
      throw error;
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
    if (this.#target === undefined) this.#waiting.push(stream);
    else this.#target(stream);
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

/** A member and everything that drives it. */
class RunningMember {
  readonly connections: ClientConnections;
  readonly #config: ServerConfig;
  readonly #opened: OpenedMember;
  readonly #log: ProcessLog;
  readonly #commits: CommitSchedule;
  readonly #compactions: CompactionLoop;
  readonly #loop: RunLoop;

  constructor(
    config: ServerConfig,
    environment: Omit<Environment, "log"> & { readonly log: ProcessLog },
    opened: OpenedMember,
    onFatal: (reason: Error) => void,
  ) {
    const { clock, disk, log } = environment;
    const { member, backend, wal, directory } = opened;
    this.#config = config;
    this.#opened = opened;
    this.#log = log;
    const fail = (reason: Error): void => {
      this.#loop.stop();
      onFatal(reason);
    };
    this.#commits = new CommitSchedule(
      backend,
      member.applier,
      clock,
      { intervalMs: config.backendBatchIntervalMs, changesMax: config.backendBatchLimit },
      fail,
    );
    const { store } = member.applier;
    this.#compactions = new CompactionLoop(store, this.#commits, clock, log);
    const services = createServices(this.#serviceContext());
    const grpc = {
      ...services,
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
      serveEndpoint(this.#serviceContext(), { ...request, query }, respond);
      this.#loop.poke();
    });
    this.connections = new ClientConnections(grpc, http, clock, log, () => this.#loop.poke());
    this.#loop = new RunLoop({
      member,
      wal,
      commits: this.#commits,
      snapshots: new SnapshotSaver({
        member,
        wal,
        commits: this.#commits,
        disk,
        log,
        directory: directory.snap,
        snapshotsMax: SNAPSHOT_FILES_MAX,
        walsMax: WAL_FILES_MAX,
        onFailure: fail,
      }),
      compactions: this.#compactions,
      clock,
      tickMs: config.heartbeatIntervalMs,
      onTurnEnd: () => this.connections.flush(),
      onFailure: fail,
    });
  }

  /** Resolves when the member has joined its cluster and published itself. */
  start(): Promise<void> {
    const { member } = this.#opened;
    const attributes = {
      name: this.#config.name,
      clientUrls: this.#config.advertiseClientUrls.map((url) => url.text),
    };
    this.#loop.start();
    return new Promise((resolve) => {
      publishAttributes(member, attributes, this.#log, () => {
        updateClusterVersion(member, this.#log);
        this.#loop.poke();
        resolve();
      });
      this.#loop.poke();
    });
  }

  async stop(): Promise<void> {
    const { member, wal, backend } = this.#opened;
    await this.connections.drain(DRAIN_GRACE_MS);
    this.#compactions.stop();
    member.stop();
    this.#loop.stop();
    await new Promise<void>((resolve) => this.#commits.force(resolve));
    await new Promise<void>((resolve) => wal.close(() => resolve()));
    backend.close();
  }

  #serviceContext(): ServiceContext {
    const { member, backend, clusterId } = this.#opened;
    return {
      member,
      clusterId,
      storage: {
        databaseBytes: () => backend.sizes().bytes,
        databaseBytesInUse: () => backend.sizes().bytesInUse,
      },
      compactor: this.#compactions,
      txnOpsMax: this.#config.maxTxnOps,
      serverVersion: ETCD_VERSION,
    };
  }
}
