/**
 * Leases: keys that are attached to one live as long as it does.
 *
 * ```ts
 * const { id } = await client.lease.grant({ ttl: 10 });
 * await client.kv.put({ key, value, lease: id });
 * for await (const { ttl } of client.lease.keepAlive(id)) { … }  // throws when the lease is lost
 * ```
 *
 * Source: etcd client/v3/lease.go.
 */
import { Errors } from "../errors/table.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "../wire/gen/rpc.ts";
import { LeaseService } from "../wire/gen/services.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";
import { answersOf, Inbox } from "./inbox.ts";
import { type KeepOptions, LeaseSession } from "./lease-session.ts";
import { KEEP_ALIVE_WAITING_MAX } from "./limits.ts";

/** Keeps one lease alive until `cancel`, whether its answers are read or not. One reader. */
export class LeaseKeeper {
  readonly #id: bigint;
  readonly #session: LeaseSession;
  readonly #inbox = new Inbox<LeaseKeepAliveResponse>();
  #deadlineMs: number | undefined;
  readonly #listener = {
    onRenewed: (response: LeaseKeepAliveResponse, deadlineMs: number): void => {
      this.#deadlineMs = deadlineMs;
      if (this.#inbox.length < KEEP_ALIVE_WAITING_MAX) this.#inbox.push(response);
    },
    onLost: (error: Error): void => this.#inbox.end(error),
  };

  constructor(id: bigint, session: LeaseSession, options: KeepOptions) {
    this.#id = id;
    this.#session = session;
    this.#deadlineMs = options.knownDeadlineMs;
    session.add(id, this.#listener, options);
  }

  /** Until when the lease lives in any case, in milliseconds of the clock; `undefined` while that is not known. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /**
   * The next renewal; `undefined` after `cancel`. Throws when the lease is lost: `Errors.LeaseNotFound` when
   * it has expired or was revoked, another `EtcdError` when no server answered before its time ran out.
   */
  next(): Promise<LeaseKeepAliveResponse | undefined> {
    return this.#inbox.next();
  }

  /** Lets the lease expire. */
  cancel(): void {
    this.#session.remove(this.#id, this.#listener);
    this.#inbox.clear();
    this.#inbox.end();
  }

  /** The renewals, as `next`. Leaving the loop early cancels. */
  [Symbol.asyncIterator](): AsyncGenerator<LeaseKeepAliveResponse, void, undefined> {
    return answersOf(this);
  }
}

/** Every method throws `EtcdError`. Times to live are seconds. */
export class Lease {
  readonly #channel: Channel;
  readonly #session: LeaseSession;

  /** `firstAnswerMs`: how long a lease whose time to live is not known yet may go without an answer. */
  constructor(channel: Channel, clock: Clock, firstAnswerMs: number) {
    this.#channel = channel;
    this.#session = new LeaseSession(channel, clock, firstAnswerMs);
  }

  /** Makes a lease; without an id the server chooses one. The granted time may be longer than asked for. */
  grant(request: Partial<LeaseGrantRequest>, options?: CallOptions): Promise<LeaseGrantResponse> {
    return this.#channel.call(LeaseService.leaseGrant, request, "once", options);
  }

  /** Ends a lease and deletes its keys. */
  revoke(id: bigint, options?: CallOptions): Promise<LeaseRevokeResponse> {
    return this.#channel.call(LeaseService.leaseRevoke, { id }, "once", options);
  }

  /** What is left of a lease; a time to live of -1 when there is no such lease. */
  timeToLive(
    request: Partial<LeaseTimeToLiveRequest>,
    options?: CallOptions,
  ): Promise<LeaseTimeToLiveResponse> {
    return this.#channel.call(LeaseService.leaseTimeToLive, request, "repeatable", options);
  }

  /** The ids of all leases. */
  leases(options?: CallOptions): Promise<LeaseLeasesResponse> {
    return this.#channel.call(LeaseService.leaseLeases, {}, "repeatable", options);
  }

  /** Renews a lease once. Throws `Errors.LeaseNotFound` when there is no such lease. */
  async keepAliveOnce(id: bigint, options?: CallOptions): Promise<LeaseKeepAliveResponse> {
    const { leaseKeepAlive } = LeaseService;
    for await (const response of this.#channel.serverStream(leaseKeepAlive, { id }, options)) {
      if (response.ttl <= 0) break;
      return response;
    }
    throw Errors.LeaseNotFound;
  }

  /** Keeps a lease alive from now on. */
  keepAlive(id: bigint, options: KeepOptions = {}): LeaseKeeper {
    return new LeaseKeeper(id, this.#session, options);
  }

  /** Keeps no lease alive any more. */
  close(): void {
    this.#session.close();
  }
}
