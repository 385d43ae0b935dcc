/**
 * Random requests of the Lease service: a few ids that clients choose, so that two servers have the same
 * leases, and every mistake. No lease lives so short that it could run out in between: one that was asked for
 * with too little time is revoked at once.
 */
import type { Prng } from "../../src/stdx/prng.ts";
import {
  createLeaseGrantRequest,
  createLeaseKeepAliveRequest,
  createLeaseRevokeRequest,
  createLeaseTimeToLiveRequest,
} from "../../src/wire/gen/rpc.ts";
import { LeaseService } from "../../src/wire/gen/services.ts";
import type { Operation, StoreState } from "./operation.ts";

const IDS = [1001n, 77n, 3n, 5n, 123_456_789n, -9n, 2n ** 62n + 5n, 2n ** 63n - 1n, -(2n ** 63n)];

/** Seconds, all far longer than a test, and far enough from each other to keep their order. */
const TTL_SECONDS = [100_000, 50_000, 3_600, 7_200, 9_000_000_000];
const SHORT_TTL_SECONDS = [1, 0, -1, -(2 ** 53 - 1)];
const TOO_LONG_TTL_SECONDS = [9_000_000_001, 2 ** 53 - 1];

export class LeaseOperations {
  readonly #prng: Prng;
  readonly #state: StoreState;
  /** A lease that would run out soon. */
  #short: bigint | undefined;

  /** `state` is read for every operation and kept up to date by the caller. */
  constructor(prng: Prng, state: StoreState) {
    this.#prng = prng;
    this.#state = state;
  }

  /** Whether the next operation must come now. */
  get isUrgent(): boolean {
    return this.#short !== undefined && this.#state.leases.includes(this.#short);
  }

  next(): Operation {
    const prng = this.#prng;
    if (this.isUrgent && this.#short !== undefined) {
      const request = createLeaseRevokeRequest({ id: this.#short });
      this.#short = undefined;
      return { method: LeaseService.leaseRevoke, request };
    }
    const roll = prng.below(100);
    if (roll < 30) return this.#grant();
    if (roll < 42) {
      const request = createLeaseRevokeRequest({ id: this.#id() });
      return { method: LeaseService.leaseRevoke, request };
    }
    if (roll < 67) {
      const request = createLeaseTimeToLiveRequest({ id: this.#id(), keys: prng.chance(0.6) });
      return { method: LeaseService.leaseTimeToLive, request };
    }
    if (roll < 77) return { method: LeaseService.leaseLeases, request: {} };
    const request = createLeaseKeepAliveRequest({ id: this.#id() });
    return { method: LeaseService.leaseKeepAlive, request };
  }

  #grant(): Operation {
    const prng = this.#prng;
    const id = prng.pick(IDS);
    const isShort = prng.chance(0.1);
    if (isShort && !this.#state.leases.includes(id)) this.#short = id;
    const wished = prng.chance(0.1) ? TOO_LONG_TTL_SECONDS : TTL_SECONDS;
    const ttl = prng.pick(isShort ? SHORT_TTL_SECONDS : wished);
    return { method: LeaseService.leaseGrant, request: createLeaseGrantRequest({ id, ttl }) };
  }

  /** Mostly of a lease that exists. */
  #id(): bigint {
    const { leases } = this.#state;
    if (leases.length > 0 && this.#prng.chance(0.8)) return this.#prng.pick(leases);
    return this.#prng.pick([...IDS, 0n, 42n, -1n]);
  }
}
