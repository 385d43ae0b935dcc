/**
 * A member inside a Node program: started from options, reached without a socket, stopped without a trace.
 */
import { Client, type ClientOptions, openClient } from "../client/client.ts";
import type { Connector } from "../client/connector.ts";
import type { Credentials } from "../node-client/connect.ts";
import { EtcdClient } from "../node-client/etcd-client.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import type { ByteStream } from "../ports/network.ts";
import type { EtcdServer } from "../server/etcd-server.ts";
import { textExposition } from "../stdx/metrics/exposition.ts";
import { bindMember, type BoundMember, type BoundUrls } from "./bound-member.ts";
import { EtcdStoppedError } from "./errors.ts";
import { silentLog } from "./member-log.ts";
import { connectedStreams } from "./memory-stream.ts";
import type { EtcdOptions } from "./options.ts";
import { type Founder, type Reports, startServer, stopAtOnce } from "./start-bound.ts";
import { stopWhenAborted } from "./stop-when-aborted.ts";

/** How a member is stopped. */
export interface StopOptions {
  /** Whether a leader makes another member the leader first, for as long as two elections; true when absent. */
  readonly handOver?: boolean;
}

/**
 * Starts a member in this process. Resolves when it takes part in its cluster; `ready` resolves when it serves
 * clients, for which the cluster needs a leader.
 *
 * ```ts
 * await using etcd = await startEtcd({ dataDir: "data" });
 * await etcd.client.kv.put("key", "value");
 * ```
 *
 * Rejects with `EtcdConfigError` for options that no member can run with, with `StartError` when an address
 * is taken or the data directory cannot be used, with the reason of `signal` when that aborts, and with what the
 * disk says otherwise; nothing is left running then. Never ends the process and never listens for signals: `stop`
 * the member before the process ends.
 *
 * Source: etcd server/embed/etcd.go (StartEtcd).
 */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const { signal } = options;
  signal?.throwIfAborted();
  const etcd = await startBound(await bindMember(options), options, undefined);
  if (signal !== undefined) stopWhenAborted(signal, etcd);
  return etcd;
}

/** Starts what is bound: as a founder of a whole cluster, or as its options say. */
export async function startBound(
  bound: BoundMember,
  { onFatal, onLeader, signal }: EtcdOptions,
  founder: Founder | undefined,
): Promise<Etcd> {
  const reports: Reports = {
    reason: undefined,
    onReason: () => undefined,
    onLeader: () => undefined,
  };
  const server = await startServer(bound, reports, founder, signal);
  return new Etcd(bound, server, reports, { onFatal, onLeader });
}

/** A client of a member, with what is closed before and behind it. */
interface OwnClient {
  readonly client: Client;
  /** Ends the upkeep of leases. */
  readonly closing: AbortController;
}

/** A running member, made by `startEtcd`. `stop` it, or declare it with `await using`. */
export class Etcd {
  /** What it is called: the option `name`, "default" without. */
  readonly name: string;
  /** The folder of its data, as a path. */
  readonly dataDir: string;
  /** URLs for clients outside this process, with their real ports; none unless `listenClientUrls` was given. */
  readonly endpoints: readonly string[];
  /** Everything that is listened on. */
  readonly urls: BoundUrls;
  /** Id of the member, 64 bits without sign; etcdctl shows it in hexadecimal. */
  readonly memberId: bigint;
  /** Id of its cluster, 64 bits without sign. */
  readonly clusterId: bigint;
  /**
   * Resolves when the member serves clients. Rejects when it is stopped before (`EtcdStoppedError`), or cannot
   * go on.
   */
  readonly ready: Promise<void>;
  /** Resolves when the member has ended: with nothing after `stop`, else with the reason why it cannot go on. */
  readonly closed: Promise<Error | undefined>;
  readonly #bound: BoundMember;
  readonly #server: EtcdServer;
  readonly #clients = new Set<OwnClient>();
  readonly #streams = new Set<ByteStream>();
  #client: EtcdClient | undefined;
  #failure: Error | undefined;
  #stopping: Promise<void> | undefined;
  #failReady: (reason: Error) => void = () => undefined;
  #tellClosed: (reason: Error | undefined) => void = () => undefined;

  /** To be called by `startEtcd` alone. @internal */
  constructor(
    bound: BoundMember,
    server: EtcdServer,
    reports: Reports,
    { onFatal, onLeader }: Pick<EtcdOptions, "onFatal" | "onLeader">,
  ) {
    const { values } = bound.read;
    this.name = values.name;
    this.dataDir = values["data-dir"];
    this.endpoints = bound.urls.client;
    this.urls = bound.urls;
    this.memberId = server.memberId;
    this.clusterId = server.clusterId;
    this.#bound = bound;
    this.#server = server;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      this.#failReady = reject;
      server.ready.then(resolve, reject);
    });
    // Whoever does not wait for it learns of a failure from `closed`, `onFatal` and failing calls.
    this.ready.catch(() => undefined);
    reports.onReason = (reason) => this.#fail(reason, onFatal);
    if (onLeader !== undefined) {
      reports.onLeader = (leaderId) => this.#tellLeader(leaderId, onLeader);
      // One was elected while it started.
      if (server.leader !== 0n) reports.onLeader(server.leader);
    }
    if (reports.reason !== undefined) reports.onReason(reports.reason);
  }

  /** Whether it neither was stopped nor has failed. */
  get isRunning(): boolean {
    return this.#stopping === undefined;
  }

  /** Who leads the cluster as far as this member knows; 0 for nobody. */
  get leaderId(): bigint {
    return this.isRunning ? this.#server.leader : 0n;
  }

  /** Whether this member leads, as far as it knows. */
  get isLeader(): boolean {
    return this.leaderId === this.memberId;
  }

  /** What the member counts, as text for Prometheus: what `/metrics` has. */
  metrics(): string {
    return textExposition(this.#bound.environment.metrics.registry.collect());
  }

  /**
   * A client of this member, without a socket between. It calls as nobody in particular; `openClient` makes
   * clients that are somebody. Its calls wait until the member is ready. It ends with the member.
   */
  get client(): EtcdClient {
    this.#client ??= this.#own(new Client(this.#clientOptions()));
    return this.#client;
  }

  /**
   * Opens another client without a socket, as a user. Close it when it is done; it ends with the member, too.
   * Rejects with `EtcdError` when the user is refused.
   */
  async openClient(credentials?: Credentials): Promise<EtcdClient> {
    return this.#own(await openClient({ ...this.#clientOptions(), ...credentials }));
  }

  /**
   * A way of the client library to this member, whatever the endpoint: for a client with options of its own.
   * It connects when the member is ready.
   */
  readonly connector: Connector = {
    connect: async () => {
      await this.ready.catch(refuseStream);
      return this.#connect();
    },
  };

  /**
   * Stops serving, lets calls under way finish (for two seconds at most), ends watches, hands over leadership, makes
   * everything durable and gives up all locks; removes the folder of a temporary member. Idempotent.
   * `handOver: false` is for when the other members stop at the same time, so that nobody could take leadership.
   * Rejects when what was done cannot be made durable, with the DiskError; it is stopped then, too.
   */
  stop({ handOver = true }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(handOver);
    return this.#stopping;
  }

  /** The same as `stop`, for `await using`. Rejects as `stop` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #own(client: Client): EtcdClient {
    const closing = new AbortController();
    const own = { client, closing };
    this.#clients.add(own);
    closing.signal.addEventListener("abort", () => this.#clients.delete(own), { once: true });
    const opened = new EtcdClient({ client, clock: systemClock }, undefined, closing);
    if (!this.isRunning) opened.close();
    return opened;
  }

  #connect(): ByteStream {
    if (this.#stopping !== undefined) refuseStream(this.#failure ?? new EtcdStoppedError());
    const { client, server } = connectedStreams(() => {
      this.#streams.delete(client);
      if (this.isRunning) return "";
      const { message } = this.#failure ?? new EtcdStoppedError();
      return this.#failure === undefined ? message : `the member cannot go on: ${message}`;
    });
    this.#streams.add(client);
    this.#server.serve(server);
    return client;
  }

  #clientOptions(): ClientOptions {
    return {
      endpoints: [this.name],
      connector: this.connector,
      clock: systemClock,
      random: systemRandom,
      log: silentLog(),
    };
  }

  #tellLeader(leaderId: bigint, onLeader: NonNullable<EtcdOptions["onLeader"]>): void {
    const { name, memberId } = this;
    // Later, as all that the program does of its own.
    queueMicrotask(() => onLeader({ name, leaderId, isLeader: leaderId === memberId }));
  }

  #fail(reason: Error, onFatal: ((reason: Error) => void) | undefined): void {
    this.#failure = reason;
    // Later: what the program makes of it is none of the member's business.
    if (onFatal !== undefined) queueMicrotask(() => onFatal(reason));
    // `closed` tells of it.
    this.stop().catch(() => undefined);
  }

  async #stop(handOver: boolean): Promise<void> {
    this.#failReady(this.#failure ?? new EtcdStoppedError());
    const clients = [...this.#clients];
    try {
      if (this.#failure === undefined) {
        // They would go on for as long as they may; calls end by themselves.
        for (const { client, closing } of clients) endStreams(client, closing);
        await this.#server.stop({ handsOver: handOver });
      } else {
        // Nothing that was asked may be answered any more.
        for (const stream of this.#streams) stream.destroy();
        await stopAtOnce(this.#server);
      }
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      for (const { client, closing } of clients) closeClient(client, closing);
      await this.#clear();
    }
  }

  async #clear(): Promise<void> {
    try {
      await this.#bound.clear();
    } finally {
      this.#tellClosed(this.#failure);
    }
  }
}

/** Ends the watches of a client and the upkeep of its leases. */
function endStreams(client: Client, closing: AbortController): void {
  closing.abort();
  client.watch.close();
  client.lease.close();
}

function closeClient(client: Client, closing: AbortController): void {
  closing.abort();
  client.close();
}

/** What the client library expects of a connection that cannot be made. */
function refuseStream(reason: unknown): never {
  const text = reason instanceof Error ? reason.message : String(reason);
  throw new Error(`transport: Error while dialing: ${text}`, { cause: reason });
}
