/**
 * Renewals of leases on the member that leads: at once while leadership is certain and everything committed
 * is applied, otherwise after the others were asked, or after what is missing was applied.
 *
 * Source: etcd server/etcdserver/v3_server.go (LeaseRenew) (3.5).
 */
import { Errors } from "../errors/table.ts";
import { NONE } from "../raft/node-id.ts";
import type { LeadershipCertainty } from "./leadership-certainty.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { ReadWaiter, RenewalWaiter } from "./ready.ts";

/** What renewals need of their member. */
export interface RenewingMember {
  readonly id: bigint;
  /** 0 when no leader is known. */
  leader(): bigint;
  /** Whether nobody else could lead. */
  isOnlyVoter(): boolean;
  leaseExists(id: bigint): boolean;
  /** Whether everything that is known to be committed is applied. */
  isUpToDate(): boolean;
  whenReadable(waiter: ReadWaiter): void;
  whenApplied(waiter: ReadWaiter): void;
}

export class LeaseRenewals {
  readonly #member: RenewingMember;
  readonly #certainty: LeadershipCertainty;
  readonly #keeper: LeaseKeeper;

  constructor(member: RenewingMember, certainty: LeadershipCertainty, keeper: LeaseKeeper) {
    this.#member = member;
    this.#certainty = certainty;
    this.#keeper = keeper;
  }

  /**
   * See `Member.renewLease`.
   *
   * Differs from etcd: that there is no such lease is always confirmed by the others. A leader that has been
   * replaced and does not know it yet lacks what was granted since.
   */
  renew(id: bigint, nowMs: number, waiter: RenewalWaiter): void {
    const member = this.#member;
    const leader = member.leader();
    if (leader !== member.id) {
      waiter.onFailed(leader === NONE ? Errors.NoLeader : Errors.NotPrimaryLessor);
      return;
    }
    const isKnown = member.leaseExists(id) || member.isOnlyVoter();
    if (isKnown && this.#certainty.isCertain(nowMs)) {
      this.#renewWhenApplied(id, nowMs, waiter);
      return;
    }
    member.whenReadable({
      onReadable: () => {
        if (member.leader() !== member.id) {
          waiter.onFailed(Errors.NotPrimaryLessor);
          return;
        }
        this.#certainty.confirmed(nowMs);
        this.#renewWhenApplied(id, nowMs, waiter);
      },
      onFailed: (error) =>
        waiter.onFailed(error === Errors.Stopped ? error : Errors.NotPrimaryLessor),
    });
  }

  #renewWhenApplied(id: bigint, nowMs: number, waiter: RenewalWaiter): void {
    if (this.#member.isUpToDate()) {
      this.#keeper.renew(id, nowMs, waiter);
      return;
    }
    this.#member.whenApplied({
      onReadable: () => this.#keeper.renew(id, nowMs, waiter),
      onFailed: (error) => waiter.onFailed(error),
    });
  }
}
