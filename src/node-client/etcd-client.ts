/**
 * The client as programs use it: the calls of one namespace, over one set of connections.
 *
 * What it knows of sockets and clocks it gets from whoever makes it: `connect` for programs over a network.
 */
import type { Auth } from "../client/auth.ts";
import type { CallOptions } from "../client/call-options.ts";
import type { Client } from "../client/client.ts";
import type { Cluster } from "../client/cluster.ts";
import type { Maintenance } from "../client/maintenance.ts";
import type { Clock } from "../ports/clock.ts";
import { type CallBounds, Deadlines } from "./call-bounds.ts";
import { type Bytes, KeySpace } from "./key-space.ts";
import { KeyValueStore } from "./key-value-store.ts";
import { CALL_TIMEOUT_MS } from "./limits.ts";
import { type CommitTxn, TxnBuilder } from "./txn-builder.ts";

export interface EtcdClientParts {
  /** Makes the calls; closed with this one. */
  readonly client: Client;
  readonly clock: Clock;
  /** Milliseconds that a call may take where it does not say. */
  readonly timeoutMs?: number | undefined;
}

/** An open client; `close` it. */
export class EtcdClient {
  /** Keys and values. */
  readonly kv: KeyValueStore;
  /** The calls as they are on the wire: messages of etcd's services, keys as bytes, no namespace. */
  readonly raw: Client;
  readonly #parts: EtcdClientParts;
  readonly #space: KeySpace;
  readonly #deadlines: Deadlines;
  readonly #commit: CommitTxn;

  constructor(parts: EtcdClientParts, space: KeySpace = new KeySpace()) {
    const { client, clock, timeoutMs = CALL_TIMEOUT_MS } = parts;
    this.#parts = parts;
    this.#space = space;
    this.#deadlines = new Deadlines(clock, timeoutMs);
    this.#commit = (request, bounds) => client.kv.txn(request, this.#deadlines.of(bounds));
    this.raw = client;
    this.kv = new KeyValueStore(client.kv, space, this.#deadlines);
  }

  /** Users, roles, and whether the cluster asks who calls. Bounds of its calls come from `within`. */
  get auth(): Auth {
    return this.raw.auth;
  }

  /** The members of the cluster. Bounds of its calls come from `within`. */
  get cluster(): Cluster {
    return this.raw.cluster;
  }

  /** State and upkeep of members. Bounds of its calls come from `within`. */
  get maintenance(): Maintenance {
    return this.raw.maintenance;
  }

  /** Begins a transaction. */
  txn(): TxnBuilder {
    return new TxnBuilder(this.#space, this.#commit, [], [[], []]);
  }

  /**
   * The same client for the keys that begin with `prefix`, which it neither shows nor wants: over the same
   * connections, closed with them. Namespaces lie within each other.
   */
  namespace(prefix: Bytes): EtcdClient {
    return new EtcdClient(this.#parts, this.#space.within(prefix));
  }

  /** Bounds of a call that starts now, for `auth`, `cluster`, `maintenance` and `raw`. */
  within(bounds: CallBounds = {}): CallOptions {
    return this.#deadlines.of(bounds);
  }

  /** Ends connections, watches and the upkeep of leases; open calls end as cancelled. Does not wait. */
  close(): void {
    this.raw.close();
  }
}
