/**
 * A member inside a Node program: started from options, reached without a socket, stopped without a trace.
 */
import { Client, openClient } from "../client/client.ts";
import type { Connector } from "../client/connector.ts";
import type { Credentials } from "../node-client/connect.ts";
import { EtcdClient } from "../node-client/etcd-client.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import type { ByteStream } from "../ports/network.ts";
import { type EtcdServer, startOn } from "../server/etcd-server.ts";
import {
  bindMember,
  type BoundMember,
  type BoundUrls,
  initialClusterOf,
  removeDir,
} from "./bound-member.ts";
import { EtcdStoppedError } from "./errors.ts";
import { FAILED_STOP_MS } from "./limits.ts";
import { silentLog } from "./member-log.ts";
import { connectedStreams } from "./memory-stream.ts";
import type { EtcdOptions } from "./options.ts";
import { configOf } from "./read-options.ts";

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
 * is taken or the data directory cannot be used, and with what the disk says otherwise; nothing is left running
 * then. Never ends the process and never listens for signals: `stop` the member before the process ends.
 *
 * Source: etcd server/embed/etcd.go (StartEtcd).
 */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  return startBound(await bindMember(options), options.onFatal, undefined);
}

/** Starts what is bound, as a member of `initialCluster`, or as its options say. */
export async function startBound(
  bound: BoundMember,
  onFatal: ((reason: Error) => void) | undefined,
  initialCluster: string | undefined,
): Promise<Etcd> {
  const { values, given } = bound.read;
  const isDiscovered =
    values.discovery !== "" ||
    values["discovery-srv"] !== "" ||
    values["discovery-endpoints"].length > 0;
  if (initialCluster !== undefined) values["initial-cluster"] = initialCluster;
  else if (!isDiscovered && !given.has("initial-cluster")) {
    values["initial-cluster"] = initialClusterOf(bound.read);
  }
  const failure: Failure = { reason: undefined, onReason: () => undefined };
  let server: EtcdServer;
  try {
    server = await startOn(bound.listeners, configOf(bound.read), bound.environment, (reason) => {
      failure.reason = reason;
      failure.onReason(reason);
    });
  } catch (error) {
    await bound.audit?.close();
    removeDir(bound.temporaryDir);
    throw error;
  }
  return new Etcd(bound, server, failure, onFatal);
}

/** Why the member cannot go on. It may be known before anybody listens. */
interface Failure {
  reason: Error | undefined;
  onReason: (reason: Error) => void;
}

/** A running member. `stop` it, or declare it with `await using`. */
export class Etcd {
  /** As the other members call it. */
  readonly name: string;
  /** Where its data is. */
  readonly dataDir: string;
  /** URLs for clients outside this process, with their real ports; none unless `listenClientUrls` was given. */
  readonly endpoints: readonly string[];
  /** Everything that is listened on. */
  readonly urls: BoundUrls;
  /**
   * Resolves when the member serves clients. Rejects when it is stopped before (`EtcdStoppedError`), or cannot
   * go on.
   */
  readonly ready: Promise<void>;
  /** Resolves when the member has ended: with nothing after `stop`, else with the reason why it cannot go on. */
  readonly closed: Promise<Error | undefined>;
  readonly #bound: BoundMember;
  readonly #server: EtcdServer;
  readonly #clients = new Set<EtcdClient>();
  #client: EtcdClient | undefined;
  #failure: Error | undefined;
  #stopping: Promise<void> | undefined;
  #failReady: (reason: Error) => void = () => undefined;
  #tellClosed: (reason: Error | undefined) => void = () => undefined;

  /** To be called by `startEtcd` alone. */
  constructor(
    bound: BoundMember,
    server: EtcdServer,
    failure: Failure,
    onFatal: ((reason: Error) => void) | undefined,
  ) {
    const { values } = bound.read;
    this.name = values.name;
    this.dataDir = values["data-dir"];
    this.endpoints = bound.urls.client;
    this.urls = bound.urls;
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
    failure.onReason = (reason) => this.#fail(reason, onFatal);
    if (failure.reason !== undefined) failure.onReason(failure.reason);
  }

  /** Whether it neither was stopped nor has failed. */
  get isRunning(): boolean {
    return this.#stopping === undefined;
  }

  /**
   * A client of this member, without a socket between. It calls as nobody in particular; `openClient` makes
   * clients that are somebody. Its calls wait until the member is ready. It ends with the member.
   */
  get client(): EtcdClient {
    if (this.#client === undefined) {
      const client = new Client(this.#clientOptions());
      this.#client = new EtcdClient({ client, clock: systemClock });
      this.#clients.add(this.#client);
      if (!this.isRunning) this.#client.close();
    }
    return this.#client;
  }

  /**
   * Opens another client without a socket, as a user. Close it when it is done; it ends with the member, too.
   * Rejects with `EtcdError` when the user is refused.
   */
  async openClient(credentials?: Credentials): Promise<EtcdClient> {
    const opened = await openClient({ ...this.#clientOptions(), ...credentials });
    const client = new EtcdClient({ client: opened, clock: systemClock });
    this.#clients.add(client);
    if (!this.isRunning) client.close();
    return client;
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
   * Stops serving, lets calls under way finish, hands over leadership, makes everything durable and gives up
   * all locks; removes the folder of a temporary member. Idempotent. `handOver: false` is for when the other
   * members stop at the same time, so that nobody could take leadership.
   */
  stop({ handOver = true }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(handOver);
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #connect(): ByteStream {
    if (this.#stopping !== undefined) refuseStream(new EtcdStoppedError());
    const { client, server } = connectedStreams();
    this.#server.serve(server);
    return client;
  }

  #clientOptions() {
    return {
      endpoints: [this.name],
      connector: this.connector,
      clock: systemClock,
      random: systemRandom,
      log: silentLog(),
    };
  }

  #fail(reason: Error, onFatal: ((reason: Error) => void) | undefined): void {
    this.#failure = reason;
    // Later: what the program makes of it is none of the member's business.
    if (onFatal !== undefined) queueMicrotask(() => onFatal(reason));
    void this.stop();
  }

  async #stop(handOver: boolean): Promise<void> {
    this.#failReady(this.#failure ?? new EtcdStoppedError());
    for (const client of this.#clients) client.close();
    try {
      if (this.#failure === undefined) await this.#server.stop(handOver);
      else await endWithin(this.#server.stop(false), FAILED_STOP_MS);
      await this.#bound.audit?.close();
    } finally {
      removeDir(this.#bound.temporaryDir);
      this.#tellClosed(this.#failure);
    }
  }
}

/** What the client library expects of a connection that cannot be made. */
function refuseStream(reason: unknown): never {
  const text = reason instanceof Error ? reason.message : String(reason);
  throw new Error(`transport: Error while dialing: ${text}`, { cause: reason });
}

/** Waits for `ending`, whatever becomes of it, for so long at most. */
async function endWithin(ending: Promise<void>, ms: number): Promise<void> {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, ms);
  });
  await Promise.race([ending.catch(() => undefined), late]);
  clearTimeout(timeout);
}
