/**
 * What a leader does with leases: renews them for clients, revokes those that have expired, and writes
 * checkpoints. All of it ends in proposals; the lessor changes when they are applied.
 *
 * Source: etcd server/lease/lessor.go (Renew, runLoop), server/etcdserver/server.go (revokeExpiredLeases).
 */
import type { ApplyResult } from "../apply/result.ts";
import type { AuthInfo } from "../auth/auth-info.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Lease, LeaseWaiter } from "../lease/lease.ts";
import type { Lessor } from "../lease/lessor.ts";
import type { Log } from "../ports/log.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import {
  createLeaseCheckpoint,
  createLeaseCheckpointRequest,
  createLeaseRevokeRequest,
  encodeLeaseCheckpointRequest,
  encodeLeaseRevokeRequest,
  type LeaseCheckpoint,
} from "../wire/gen/rpc.ts";
import { LEASE_CHECKPOINTS_PER_ENTRY_MAX, LEASE_REVOKES_IN_FLIGHT_MAX } from "./limits.ts";
import type { ProposalWaiter, RenewalWaiter } from "./ready.ts";
import {
  encodeRevokeBatch,
  FIRST_BATCH,
  nextBatch,
  ONE_LEASE,
  takeExpired,
} from "./revoke-batch.ts";

export interface LeaseKeeperOptions {
  /** Milliseconds after which a revocation that failed is tried again: a request timeout. */
  readonly retryMs: number;
  /** `Member.propose` and `Member.proposeRaw`. */
  readonly propose: (field: number, body: Uint8Array, waiter: ProposalWaiter) => void;
  readonly proposeRaw: (
    makeData: (requestId: bigint) => Uint8Array,
    waiter: ProposalWaiter,
  ) => void;
  /** Who revokes. */
  readonly caller: () => AuthInfo | undefined;
  /** Whether expired leases may be revoked many at a time. */
  readonly mayBatch: () => boolean;
  /** Counts leases that were ended because their time was over. */
  readonly expired: Counter;
  readonly log: Log;
}

export class LeaseKeeper {
  #lessor: Lessor;
  readonly #options: LeaseKeeperOptions;
  #nowMs = 0;
  #revokesInFlight = 0;
  /** What the next entry with expired leases may hold: more and more, as long as there are some. */
  #bounds = FIRST_BATCH;
  /** What a batch has left. */
  readonly #left: Lease[] = [];
  /** Revocations that have failed so far. */
  #failures = 0;
  #checkpointInFlight = false;

  constructor(lessor: Lessor, options: LeaseKeeperOptions) {
    this.#lessor = lessor;
    this.#options = options;
  }

  /** From now on `lessor` holds the leases: the applied state was replaced. */
  useLessor(lessor: Lessor): void {
    this.#lessor = lessor;
    this.#left.length = 0;
  }

  /** Time passes: proposes what has become due. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (!this.#lessor.isPrimary) return;
    this.#revokeExpired();
    if (!this.#checkpointInFlight) this.#writeCheckpoints();
  }

  /** Renews a lease on the leader. `waiter` is told at once, unless the lease has something in its way. */
  renew(id: bigint, nowMs: number, waiter: RenewalWaiter): void {
    // It may have waited for its turn: a lease that has expired meanwhile is being revoked already.
    const renewal = this.#lessor.renew(id, Math.max(nowMs, this.#nowMs));
    if (typeof renewal === "number") waiter.onRenewed(renewal);
    else if (renewal === Errors.LeaseNotFound) waiter.onRenewed(0);
    else if (renewal instanceof EtcdError) waiter.onFailed(renewal);
    else if (renewal === "checkpointed") this.#clearCheckpoint(id, waiter);
    else if (!this.#lessor.whenRevoked(id, new ExpiredRenewal(waiter))) {
      waiter.onFailed(Errors.TooManyRequests);
    }
  }

  /**
   * One entry at a time where it can hold many leases, else several: what is under way is bounded, and puts
   * get their turn before the next.
   */
  #revokeExpired(): void {
    const mayBatch = this.#options.mayBatch();
    const inFlightMax = mayBatch ? 1 : LEASE_REVOKES_IN_FLIGHT_MAX;
    const failures = this.#failures;
    // What is refused at once, as by a member that has too much to do, is not tried with the next lease.
    while (this.#revokesInFlight < inFlightMax && this.#failures === failures) {
      const left = this.#left.pop();
      if (left !== undefined) {
        // Not if it was granted anew, or is counted anew by a new leader.
        if (this.#lessor.isHeld(left) && left.isExpired(this.#nowMs)) this.#revoke(left);
        continue;
      }
      const leases = takeExpired(this.#lessor, this.#nowMs, mayBatch ? this.#bounds : ONE_LEASE);
      this.#bounds = leases.length === 0 ? FIRST_BATCH : nextBatch(this.#bounds);
      if (leases.length === 0) return;
      if (leases.length === 1) this.#revoke(leases[0]);
      else this.#revokeBatch(leases);
    }
  }

  /** Revokes one lease as etcd does, with all its keys in one revision. */
  #revoke(lease: Lease): void {
    this.#revokesInFlight++;
    const body = encodeLeaseRevokeRequest(createLeaseRevokeRequest({ id: lease.id }));
    this.#options.propose(Operation.leaseRevoke, body, {
      onApplied: (result) => {
        this.#revokesInFlight--;
        const isGone = !(result instanceof EtcdError) || result === Errors.LeaseNotFound;
        if (isGone) {
          this.#options.expired.inc();
          this.#revokeExpired();
        } else this.#revokeFailed(lease, result);
      },
    });
  }

  #revokeBatch(leases: readonly Lease[]): void {
    this.#revokesInFlight++;
    const caller = this.#options.caller();
    this.#options.proposeRaw((requestId) => encodeRevokeBatch(requestId, leases, caller), {
      onApplied: (result) => {
        this.#revokesInFlight--;
        if (result instanceof EtcdError && result !== Errors.RequestTooLarge) {
          for (const lease of leases) this.#revokeFailed(lease, result);
          return;
        }
        // A key was attached after the batch was made, or --max-request-bytes leaves no room for batches.
        const left = leases.filter((lease) => this.#lessor.isHeld(lease));
        this.#options.expired.add(leases.length - left.length);
        this.#left.push(...left);
        this.#revokeExpired();
      },
    });
  }

  #revokeFailed(lease: Lease, error: EtcdError): void {
    this.#failures++;
    // What was refused is known to have had no effect: no need to wait for it.
    const isKnown = error === Errors.TooManyRequests || error === Errors.AuthOldRevision;
    const pauseMs = isKnown ? 0 : this.#options.retryMs;
    this.#lessor.revokeAgain(lease, this.#nowMs + pauseMs);
    if (error === Errors.Stopped) return;
    this.#options.log.warn("failed to revoke lease", {
      "lease-id": leaseIdText(lease.id),
      error: error.message,
    });
  }

  #writeCheckpoints(): void {
    const due = this.#lessor.takeCheckpoints(this.#nowMs, LEASE_CHECKPOINTS_PER_ENTRY_MAX);
    if (due.length === 0) return;
    this.#checkpointInFlight = true;
    this.#proposeCheckpoints(
      due.map(({ id, remainingTtlSeconds }) =>
        createLeaseCheckpoint({ id, remainingTtl: remainingTtlSeconds }),
      ),
      (result) => {
        this.#checkpointInFlight = false;
        if (!(result instanceof EtcdError)) return;
        for (const { id } of due) this.#lessor.planCheckpoint(id, this.#nowMs);
      },
    );
  }

  /** After the checkpoint is cleared on every member, the lease has its full time again. */
  #clearCheckpoint(id: bigint, waiter: RenewalWaiter): void {
    this.#proposeCheckpoints([createLeaseCheckpoint({ id, remainingTtl: 0 })], (result) => {
      if (result === Errors.NotLeader) waiter.onFailed(Errors.NotPrimaryLessor);
      else if (result instanceof EtcdError) waiter.onFailed(result);
      else this.renew(id, this.#nowMs, waiter);
    });
  }

  #proposeCheckpoints(
    checkpoints: LeaseCheckpoint[],
    done: (result: ApplyResult | EtcdError) => void,
  ): void {
    const body = encodeLeaseCheckpointRequest(createLeaseCheckpointRequest({ checkpoints }));
    this.#options.propose(Operation.leaseCheckpoint, body, { onApplied: done });
  }
}

/** A renewal that came when its lease had expired: it is answered when the lease is revoked. */
class ExpiredRenewal implements LeaseWaiter {
  readonly #waiter: RenewalWaiter;

  constructor(waiter: RenewalWaiter) {
    this.#waiter = waiter;
  }

  onRevoked(): void {
    this.#waiter.onRenewed(0);
  }

  onDemoted(): void {
    this.#waiter.onFailed(Errors.NotPrimaryLessor);
  }
}

/** A lease id as etcd logs it: 16 hex digits. */
function leaseIdText(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, "0");
}
