/**
 * Elections by name: one session leads and proclaims a value, others stand, everybody may watch.
 *
 * ```ts
 * const election = new Election(client, session, bytesFromUtf8("boss"));
 * await election.campaign(bytesFromUtf8("me"));
 * await election.proclaim(bytesFromUtf8("me, still"));
 * await election.resign();
 * ```
 *
 * Source: etcd client/v3/concurrency/election.go.
 */
import * as recipes from "../concurrency/election.ts";
import { Errors } from "../errors/table.ts";
import type { LeaderKey } from "../wire/gen/election.ts";
import type { CallOptions } from "./call-options.ts";
import { type KeyspaceClient, keyspaceOf } from "./keyspace.ts";
import type { Session } from "./session.ts";

/** One election, as one session takes part in it. */
export class Election {
  readonly #client: KeyspaceClient;
  readonly #session: Pick<Session, "leaseId">;
  readonly #name: Uint8Array;
  #leader: LeaderKey | undefined;

  constructor(client: KeyspaceClient, session: Pick<Session, "leaseId">, name: Uint8Array) {
    this.#client = client;
    this.#session = session;
    this.#name = name;
  }

  /**
   * Stands for election, and waits until the session leads. Returns the proof; its revision grows from leader
   * to leader. Errors: those of any call.
   */
  async campaign(value: Uint8Array, options?: CallOptions): Promise<LeaderKey> {
    const store = keyspaceOf(this.#client, options);
    const { leader } = await recipes.campaign(store, this.#name, this.#session.leaseId, value);
    this.#leader = leader;
    return leader;
  }

  /** Tells another value. Errors: `ElectionNotLeader` when the session does not lead (any more). */
  async proclaim(value: Uint8Array, options?: CallOptions): Promise<void> {
    if (this.#leader === undefined) throw Errors.ElectionNotLeader;
    await recipes.proclaim(keyspaceOf(this.#client, options), this.#leader, value);
  }

  /** Gives the leadership up, if the session has it. Errors: those of any call. */
  async resign(options?: CallOptions): Promise<void> {
    if (this.#leader === undefined) return;
    await recipes.resign(keyspaceOf(this.#client, options), this.#leader);
    this.#leader = undefined;
  }

  /** Who leads now, and what it tells. Errors: `ElectionNoLeader`. */
  leader(options?: CallOptions): Promise<recipes.LeaderValue> {
    return recipes.leaderOf(keyspaceOf(this.#client, options), this.#name);
  }

  /** Every leader and every value from now on; leaders of a moment may be left out. */
  observe(options?: CallOptions): AsyncGenerator<recipes.LeaderValue, void, undefined> {
    return recipes.observe(keyspaceOf(this.#client, options), this.#name);
  }
}
