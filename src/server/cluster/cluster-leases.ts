/**
 * Renewals of leases and looks at them, through any member: only the leader counts leases down, so it answers,
 * and other members ask it.
 *
 * Differs from etcd: a renewal on a leader that has lost its leadership is passed on to the new one. etcd
 * ends the stream with "not a primary lessor" where it notices that before it looks at the lease.
 *
 * Source: etcd server/etcdserver/v3_server.go (LeaseRenew, LeaseTimeToLive), server/lease/leasehttp (3.5).
 */
import type { Leases, LeaseState } from "../../api/context.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import type { RenewalWaiter } from "../../member/ready.ts";
import type { PeerRequest, PeerResponse } from "../../peer/network.ts";
import type { Clock } from "../../ports/clock.ts";
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import {
  createLeaseInternalRequest,
  decodeLeaseInternalResponse,
  encodeLeaseInternalRequest,
} from "../../wire/gen/lease.ts";
import {
  createLeaseKeepAliveRequest,
  decodeLeaseKeepAliveResponse,
  encodeLeaseKeepAliveRequest,
  type LeaseTimeToLiveRequest,
} from "../../wire/gen/rpc.ts";
import { WireError } from "../../wire/wire-error.ts";
import { type LeaderCall, LeaderCalls, type LeaderCallsParts } from "./leader-calls.ts";

export interface ClusterLeasesParts extends LeaderCallsParts {
  readonly member: Member;
}

export class ClusterLeases implements Leases {
  readonly #parts: ClusterLeasesParts;
  readonly #calls: LeaderCalls;

  constructor(parts: ClusterLeasesParts) {
    this.#parts = parts;
    this.#calls = new LeaderCalls(parts);
  }

  renew(id: bigint, waiter: RenewalWaiter): void {
    const { member, clock } = this.#parts;
    if (member.isLeader() && member.applier.lessor.isPrimary) {
      member.renewLease(id, clock.nowMs(), waiter);
    } else {
      this.renewElsewhere(id, waiter);
    }
  }

  renewElsewhere(id: bigint, waiter: RenewalWaiter): void {
    this.#calls.start(new ForwardedRenewal(this.#parts, id, waiter));
  }

  timeToLive(
    request: LeaseTimeToLiveRequest,
    isGone: () => boolean,
    done: (result: LeaseState | EtcdError) => void,
  ): void {
    const { member, clock } = this.#parts;
    if (member.isLeader()) lookAtLease(member, clock, request, done);
    else this.#calls.start(new ForwardedLook(this.#parts, request, isGone, done));
  }

  stop(): void {
    this.#calls.stop();
  }
}

/**
 * Calls `done` with the state of a lease when everything committed is applied. Errors: LeaseNotFound;
 * LeaderChanged when this lessor is not the primary one; TimeoutWaitAppliedIndex, TooManyRequests, Stopped.
 */
export function lookAtLease(
  member: Pick<Member, "applier" | "whenApplied">,
  clock: Pick<Clock, "nowMs">,
  { id, keys }: LeaseTimeToLiveRequest,
  done: (result: LeaseState | EtcdError) => void,
): void {
  const look = (): LeaseState | EtcdError => {
    const { lessor } = member.applier;
    const lease = lessor.lease(id);
    if (lease === undefined) return Errors.LeaseNotFound;
    if (!lessor.isPrimary) return Errors.LeaderChanged;
    return {
      // Of an expired lease that is being revoked: 0 or below, as etcd tells it.
      ttlSeconds: Math.trunc((lease.expiryMs - clock.nowMs()) / 1000),
      grantedTtlSeconds: lease.ttlSeconds,
      keys: keys ? Array.from(lease.keys, bytesFromLatin1) : [],
    };
  };
  member.whenApplied({ onReadable: () => done(look()), onFailed: done });
}

class ForwardedRenewal implements LeaderCall {
  readonly #parts: ClusterLeasesParts;
  readonly #id: bigint;
  readonly #waiter: RenewalWaiter;
  readonly request: PeerRequest;

  constructor(parts: ClusterLeasesParts, id: bigint, waiter: RenewalWaiter) {
    this.#parts = parts;
    this.#id = id;
    this.#waiter = waiter;
    const body = encodeLeaseKeepAliveRequest(createLeaseKeepAliveRequest({ id }));
    this.request = leaderRequest("/leases", body);
  }

  isGone(): boolean {
    return this.#waiter.isGone?.() ?? false;
  }

  tryHere(settled: (isAnswered: boolean) => void): void {
    const { member, clock } = this.#parts;
    member.renewLease(this.#id, clock.nowMs(), {
      onRenewed: (ttlSeconds) => {
        settled(true);
        this.#waiter.onRenewed(ttlSeconds);
      },
      onFailed: (error) => {
        const isDeposed = error === Errors.NotPrimaryLessor || error === Errors.NoLeader;
        settled(!isDeposed);
        if (!isDeposed) this.#waiter.onFailed(error);
      },
    });
  }

  take({ status, body }: PeerResponse): boolean {
    if (status === 404) {
      this.#waiter.onRenewed(0);
      return true;
    }
    const response = status === 200 ? decoded(body, decodeLeaseKeepAliveResponse) : undefined;
    if (response?.id !== this.#id) return false;
    this.#waiter.onRenewed(response.ttl);
    return true;
  }

  fail(error: EtcdError): void {
    this.#waiter.onFailed(error);
  }
}

class ForwardedLook implements LeaderCall {
  readonly #parts: ClusterLeasesParts;
  readonly #look: LeaseTimeToLiveRequest;
  readonly #done: (result: LeaseState | EtcdError) => void;
  readonly isGone: () => boolean;
  readonly request: PeerRequest;

  constructor(
    parts: ClusterLeasesParts,
    look: LeaseTimeToLiveRequest,
    isGone: () => boolean,
    done: (result: LeaseState | EtcdError) => void,
  ) {
    this.#parts = parts;
    this.#look = look;
    this.isGone = isGone;
    this.#done = done;
    const leaseTimeToLiveRequest = look;
    const request = createLeaseInternalRequest({ leaseTimeToLiveRequest });
    this.request = leaderRequest("/leases/internal", encodeLeaseInternalRequest(request));
  }

  tryHere(settled: (isAnswered: boolean) => void): void {
    const { member, clock } = this.#parts;
    lookAtLease(member, clock, this.#look, (result) => {
      const isAnswer = !(result instanceof EtcdError) || result === Errors.LeaseNotFound;
      settled(isAnswer);
      if (isAnswer) this.#done(result);
    });
  }

  take({ status, body }: PeerResponse): boolean {
    if (status === 404) {
      this.#done(Errors.LeaseNotFound);
      return true;
    }
    const response = status === 200 ? decoded(body, decodeLeaseInternalResponse) : undefined;
    const lease = response?.leaseTimeToLiveResponse;
    if (lease?.id !== this.#look.id) return false;
    this.#done({ ttlSeconds: lease.ttl, grantedTtlSeconds: lease.grantedTtl, keys: lease.keys });
    return true;
  }

  fail(error: EtcdError): void {
    this.#done(error);
  }
}

function leaderRequest(path: string, body: Uint8Array): PeerRequest {
  return { method: "POST", path, contentType: "application/protobuf", body };
}

/** `undefined` for bytes that are no such message. */
function decoded<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}
