/**
 * The client as programs use it: the calls of one namespace, over one set of connections.
 *
 * What it knows of sockets and clocks it gets from whoever makes it: `connect` for programs over a network.
 */
import type { CallOptions } from "../client/call-options.ts";
import type { Client } from "../client/client.ts";
import { errorFromStatus } from "../client/rpc-status.ts";
import type { Clock } from "../ports/clock.ts";
import { MemberAdmin } from "./admin/member-admin.ts";
import { Upkeep } from "./admin/upkeep.ts";
import { UserAdmin } from "./admin/user-admin.ts";
import { type CallBounds, Deadlines } from "./call-bounds.ts";
import { ElectionHandle } from "./election-handle.ts";
import { type Bytes, KeySpace, type KeyTarget } from "./key-space.ts";
import {
  grantLease,
  type KeepAliveOptions,
  type LeaseHandle,
  type LeaseOptions,
  type LeaseParts,
  takeLease,
  throwIfLost,
} from "./lease-handle.ts";
import {
  type EventsOf,
  type KeyWatchOptions,
  openWatchStream,
  type WatchStream,
} from "./watch-stream.ts";
import { KeyValueStore } from "./key-value-store.ts";
import { CALL_TIMEOUT_MS } from "./limits.ts";
import { type Lock, takeLock, tryLock, type TurnParts } from "./lock.ts";
import { runStm, type StmOptions, type StmResult, type StmTransaction } from "./stm.ts";
import type { TurnOptions } from "./turn.ts";
import { type CommitTxn, TxnBuilder } from "./txn-builder.ts";

/** What a client of programs is made of, for those that bring connections of their own. */
export interface EtcdClientParts {
  /** Makes the calls; closed with this one. */
  readonly client: Client;
  /** Counts the time of calls and leases. */
  readonly clock: Clock;
  /** Milliseconds that a call may take where it does not say; 30 s when absent. */
  readonly timeoutMs?: number | undefined;
}

/**
 * An open client, made by `connect`; `close` it.
 *
 * Calls throw `EtcdError`, with the objects of `Errors` where etcd has a name for it: `DeadlineExceeded` behind the time,
 * the code `Canceled` when the signal aborts. A change that may have been made throws `UnknownOutcomeError`, and is never
 * sent twice.
 */
export class EtcdClient {
  /** Keys and values. */
  readonly kv: KeyValueStore;
  /** Users, roles, and whether the cluster asks who calls. */
  readonly auth: UserAdmin;
  /** The members of the cluster. */
  readonly cluster: MemberAdmin;
  /** State and upkeep of members. */
  readonly maintenance: Upkeep;
  /** The calls as they are on the wire: messages of etcd's services, keys as bytes, no namespace. */
  readonly raw: Client;
  readonly #parts: EtcdClientParts;
  readonly #space: KeySpace;
  readonly #deadlines: Deadlines;
  readonly #commit: CommitTxn;
  /** Of all namespaces together. */
  readonly #closing: AbortController;
  readonly #leases: LeaseParts;
  readonly #turns: TurnParts;

  /** `connect` makes one over sockets; this, over what `parts` has. `closing` ends what it keeps alive. */
  constructor(
    parts: EtcdClientParts,
    space: KeySpace = new KeySpace(),
    closing: AbortController = new AbortController(),
  ) {
    const { client, clock, timeoutMs = CALL_TIMEOUT_MS } = parts;
    this.#parts = parts;
    this.#space = space;
    this.#deadlines = new Deadlines(clock, timeoutMs);
    this.#commit = (request, bounds) => client.kv.txn(request, this.#deadlines.of(bounds));
    this.raw = client;
    this.#closing = closing;
    const { lease } = client;
    this.#leases = { lease, clock, deadlines: this.#deadlines, closing: closing.signal };
    const grant: TurnParts["grant"] = (options) => this.lease(options);
    this.#turns = { client, clock, deadlines: this.#deadlines, grant };
    this.kv = new KeyValueStore(client.kv, space, this.#deadlines);
    this.auth = new UserAdmin(client.auth, this.#deadlines);
    this.cluster = new MemberAdmin(client.cluster, this.#deadlines);
    this.maintenance = new Upkeep(client.maintenance, client.cluster, this.#deadlines);
  }

  /** Begins a transaction. */
  txn(): TxnBuilder {
    return new TxnBuilder(this.#space, this.#commit, [], [[], []]);
  }

  /** Watches one key, or all keys of a range, from now on or from a revision of the past. */
  watch(target: KeyTarget): Promise<WatchStream>;
  watch<const Options extends KeyWatchOptions>(
    target: KeyTarget,
    options: Options,
  ): Promise<WatchStream<EventsOf<Options>>>;
  watch(
    target: KeyTarget,
    options: KeyWatchOptions = {},
  ): Promise<WatchStream<EventsOf<KeyWatchOptions>>> {
    const { watch } = this.raw;
    return openWatchStream(
      { watch, space: this.#space, deadlines: this.#deadlines },
      target,
      options,
    );
  }

  /** Takes a lease that is there already, and keeps it alive unless told otherwise. Throws `Errors.LeaseNotFound`. */
  leaseOf(id: bigint, options?: KeepAliveOptions & CallBounds): Promise<LeaseHandle> {
    return takeLease(this.#leases, id, options);
  }

  /** The ids of all leases of the cluster. Throws `EtcdError`. */
  async leases(bounds?: CallBounds): Promise<readonly bigint[]> {
    const { leases } = await this.raw.lease.leases(this.#deadlines.of(bounds));
    return leases.map(({ id }) => id);
  }

  /** Makes a lease, and keeps it alive unless told otherwise. Throws `EtcdError`. */
  lease(options?: LeaseOptions): Promise<LeaseHandle> {
    return grantLease(this.#leases, options);
  }

  /**
   * Takes the lock `name`, and waits for it. Throws `LeaseLostError` when its lease is lost meanwhile,
   * `Errors.DeadlineExceeded` behind the time, and `EtcdError`.
   */
  lock(name: Bytes, options: TurnOptions = {}): Promise<Lock> {
    return takeLock(this.#turns, this.#space.key(name), options);
  }

  /** Takes the lock `name` if nobody holds it; `undefined` if somebody does. Throws `EtcdError`. */
  tryLock(name: Bytes, options: TurnOptions = {}): Promise<Lock | undefined> {
    return tryLock(this.#turns, this.#space.key(name), options);
  }

  /**
   * Runs `work` while the lock `name` is held: it should end when `lock.signal` aborts. Throws its errors, and the
   * `LeaseLostError` of a lock that was lost before it ended, because others may have been at work, too.
   */
  async withLock<T>(
    name: Bytes,
    work: (lock: Lock) => Promise<T>,
    options: TurnOptions = {},
  ): Promise<T> {
    await using lock = await this.lock(name, options);
    const result = await work(lock);
    throwIfLost(lock.lease);
    return result;
  }

  /**
   * Runs `work`, which reads and writes keys as if it were alone, until it met nobody else. Throws its errors,
   * `StmConflictError`, and `EtcdError`; see `runStm`.
   */
  stm<T>(
    work: (tx: StmTransaction) => Promise<T> | T,
    options?: StmOptions,
  ): Promise<StmResult<T>> {
    const { kv } = this.raw;
    return runStm({ kv, space: this.#space, deadlines: this.#deadlines }, work, options);
  }

  /** The election `name`. */
  election(name: Bytes): ElectionHandle {
    return new ElectionHandle(this.#turns, this.#space, this.#space.key(name));
  }

  /**
   * The same client for the keys that begin with `prefix`, which it neither shows nor wants: over the same
   * connections, closed with them. Namespaces lie within each other.
   */
  namespace(prefix: Bytes): EtcdClient {
    return new EtcdClient(this.#parts, this.#space.within(prefix), this.#closing);
  }

  /** Resolves when a host can be reached. Throws `EtcdError`, which says why none could be. */
  async ready(bounds?: CallBounds): Promise<void> {
    const picked = await this.raw.channel.pick(this.#deadlines.of(bounds));
    if ("code" in picked) throw errorFromStatus(picked, undefined);
  }

  /**
   * Goes to the members of the cluster from now on, wherever they say that they serve clients: also to those that joined
   * later, and no more to those that left. Throws `EtcdError` when nobody tells who they are.
   */
  async syncHosts(bounds?: CallBounds): Promise<void> {
    await this.raw.syncEndpoints(this.#deadlines.of(bounds));
  }

  /** Bounds of a call of `raw` that starts now. */
  within(bounds: CallBounds = {}): CallOptions {
    return this.#deadlines.of(bounds);
  }

  /** Ends connections, watches and the upkeep of leases; open calls end as cancelled. Does not wait. */
  close(): void {
    this.#closing.abort();
    this.raw.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
