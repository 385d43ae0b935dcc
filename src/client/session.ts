/**
 * Sessions: a lease that is kept alive as long as its owner lives, and that tells when it is lost. Locks and
 * leaderships are bound to one.
 *
 * ```ts
 * const session = await openSession(client, { ttlSeconds: 10 });
 * session.lost.then((reason) => …);  // whatever the session held, others may have from now on
 * await session.close();
 * ```
 *
 * Source: etcd client/v3/concurrency/session.go.
 */
import type { CallOptions } from "./call-options.ts";
import type { Client } from "./client.ts";
import type { LeaseKeeper } from "./lease.ts";
import { SESSION_TTL_SECONDS } from "./limits.ts";

export interface SessionOptions extends CallOptions {
  /** How long the lease outlives its owner; the server may grant more. Not looked at where a lease is given. */
  readonly ttlSeconds?: number;
  /** Id of a lease that is there already; one is made when absent. */
  readonly leaseId?: bigint;
}

/** Begins a session. Throws `EtcdError` when no lease is granted. */
export async function openSession(
  client: Pick<Client, "lease">,
  options: SessionOptions = {},
): Promise<Session> {
  const { ttlSeconds = SESSION_TTL_SECONDS, leaseId, ...call } = options;
  const id = leaseId ?? (await client.lease.grant({ ttl: ttlSeconds }, call)).id;
  return new Session(client, id);
}

/** A session that has begun; `close` it. */
export class Session {
  /** Id of the lease. */
  readonly leaseId: bigint;
  /**
   * Resolves with the reason when the lease is lost: it has expired, was revoked, or could not be renewed in
   * time. Then everything that is bound to it is gone, or will be any moment. Stays pending after `orphan` and
   * `close`.
   */
  readonly lost: Promise<Error>;
  readonly #client: Pick<Client, "lease">;
  readonly #keeper: LeaseKeeper;
  #isLost = false;

  constructor(client: Pick<Client, "lease">, leaseId: bigint) {
    this.#client = client;
    this.leaseId = leaseId;
    this.#keeper = client.lease.keepAlive(leaseId);
    this.lost = new Promise((resolve) => {
      void this.#keep(resolve);
    });
  }

  /** Whether the lease is known to be lost. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Keeps the lease alive no longer: what is bound to it lives on until the lease expires. */
  orphan(): void {
    this.#keeper.cancel();
  }

  /** Ends the lease, and with it everything that is bound to it. Throws `EtcdError`. */
  async close(options?: CallOptions): Promise<void> {
    this.orphan();
    await this.#client.lease.revoke(this.leaseId, options);
  }

  async #keep(onLost: (reason: Error) => void): Promise<void> {
    try {
      while ((await this.#keeper.next()) !== undefined);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#isLost = true;
      onLost(error);
    }
  }
}
