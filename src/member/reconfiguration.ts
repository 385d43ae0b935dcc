/**
 * Changes of the membership as an operator asks for them: what is checked before they are proposed, so that
 * the cluster does not lose its quorum by them, and what the log says of those that are refused.
 *
 * Source: etcd server/etcdserver/server.go (AddMember, RemoveMember, promoteMember and others) (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { formatId, type MemberInfo } from "../membership/member-info.ts";
import {
  connectedAfterRemoval,
  isConnectedForAdd,
  type StartedVoters,
  startedAfterAdd,
  startedAfterPromotion,
  startedAfterRemoval,
} from "../membership/quorum-after.ts";
import type { Log } from "../ports/log.ts";
import { CONNECTED_LONG_ENOUGH_MS, LEARNER_READY_PERCENT } from "./limits.ts";
import type { Member } from "./member.ts";
import type { MembershipWaiter } from "./ready.ts";

export interface ReconfigurationParts {
  readonly member: Member;
  /** --strict-reconfig-check: refuse what could cost the quorum. */
  readonly isStrict: boolean;
  /** When the peer began to answer, on the clock of `nowMs`; `undefined` while it does not. */
  readonly activeSinceMs: (id: bigint) => number | undefined;
  readonly nowMs: () => number;
  readonly log: Log;
}

export class Reconfiguration {
  readonly #parts: ReconfigurationParts;

  constructor(parts: ReconfigurationParts) {
    this.#parts = parts;
  }

  /** Adds a voter or a learner. Errors: NotEnoughStartedMembers, UnhealthyCluster, those of proposing. */
  add(added: MemberInfo, waiter: MembershipWaiter): void {
    const refused = this.#addRefusal(added);
    if (refused === undefined) {
      this.#parts.member.proposeMembershipChange({ kind: "add", member: added }, waiter);
    } else {
      waiter.onChanged(refused);
    }
  }

  /** Removes a member for good. Errors: as `add`. */
  remove(id: bigint, waiter: MembershipWaiter): void {
    const refused = this.#removalRefusal(id);
    if (refused === undefined) {
      this.#parts.member.proposeMembershipChange({ kind: "remove", id }, waiter);
    } else {
      waiter.onChanged(refused);
    }
  }

  /**
   * Gives a member other peer URLs. Errors: those of proposing.
   *
   * The change says of a learner that it is one. Differs from etcd: 3.5.16 does not, and holds the learner
   * for a voter from then on, which Raft does not.
   */
  update(id: bigint, peerUrls: readonly string[], waiter: MembershipWaiter): void {
    const { member } = this.#parts;
    const isLearner = member.applier.cluster.member(id)?.isLearner ?? false;
    const updated = { id, peerUrls, isLearner, name: "", clientUrls: [] };
    member.proposeMembershipChange({ kind: "update", member: updated }, waiter);
  }

  /**
   * Makes a learner a voter. Only the leader knows whether it is ready. Errors: NotLeader, MemberNotFound,
   * LearnerNotReady, NotEnoughStartedMembers, those of `Member.whenApplied` and of proposing.
   */
  promote(id: bigint, waiter: MembershipWaiter): void {
    const { member } = this.#parts;
    member.whenApplied({
      onReadable: () => {
        const refused = this.#promotionRefusal(id);
        if (refused === undefined) member.proposeMembershipChange({ kind: "promote", id }, waiter);
        else waiter.onChanged(refused);
      },
      onFailed: (error) => waiter.onChanged(error),
    });
  }

  /** Why a learner cannot be promoted by this member now, if it is one. */
  learnerRefusal(id: bigint): EtcdError | undefined {
    const progress = this.#parts.member.replicationProgress();
    if (progress === undefined) return Errors.NotLeader;
    const match = progress.get(id);
    if (match === undefined) return Errors.MemberNotFound;
    const leaderMatch = progress.get(this.#parts.member.id) ?? 0;
    const isReady = match * 100 >= leaderMatch * LEARNER_READY_PERCENT;
    return isReady ? undefined : Errors.LearnerNotReady;
  }

  #promotionRefusal(id: bigint): EtcdError | undefined {
    const unready = this.learnerRefusal(id);
    if (unready !== undefined || !this.#parts.isStrict) return unready;
    return this.#startedRefusal(
      "promote",
      startedAfterPromotion(this.#parts.member.applier.cluster),
      {
        "requested-member-remove-id": formatId(id),
      },
    );
  }

  #addRefusal(added: MemberInfo): EtcdError | undefined {
    const { member, isStrict } = this.#parts;
    if (!isStrict) return undefined;
    const { cluster } = member.applier;
    const request = { "requested-member-add": goText(added) };
    if (!added.isLearner) {
      const refused = this.#startedRefusal("add", startedAfterAdd(cluster), request);
      if (refused !== undefined) return refused;
    }
    if (isConnectedForAdd(cluster, this.#isConnected)) return undefined;
    return this.#connectionRefusal("add", request);
  }

  #removalRefusal(id: bigint): EtcdError | undefined {
    const { member, isStrict, activeSinceMs } = this.#parts;
    const { cluster } = member.applier;
    const removed = cluster.member(id);
    if (removed?.isLearner === true) return undefined;
    const after = startedAfterRemoval(cluster, id);
    if (!isStrict) {
      // Differs from etcd: it takes the removal of the only voter, and every member of it crashes.
      return after.voters === 0 ? Errors.NotEnoughStartedMembers : undefined;
    }
    const refused = this.#startedRefusal("remove", after, {
      "requested-member-remove-id": formatId(id),
    });
    if (refused !== undefined) return refused;
    // Who does not answer is not part of the quorum that there is.
    if (id !== member.id && activeSinceMs(id) === undefined) return undefined;
    const { active, isEnough } = connectedAfterRemoval(cluster, this.#isConnected);
    if (isEnough) return undefined;
    const request = { "requested-member-remove": formatId(id), "active-peers": active };
    return this.#connectionRefusal("remove", request);
  }

  #startedRefusal(
    what: "add" | "remove" | "promote",
    { started, quorum, isEnough }: StartedVoters,
    request: { readonly [key: string]: string },
  ): EtcdError | undefined {
    if (isEnough) return undefined;
    const { member, log } = this.#parts;
    const local = { "local-member-id": formatId(member.id) };
    log.warn(`rejecting member ${what}; started member will be less than quorum`, {
      "number-of-started-member": started,
      quorum,
      "cluster-id": formatId(member.applier.cluster.id),
      ...local,
    });
    const error = Errors.NotEnoughStartedMembers;
    log.warn(`rejecting member ${what} request; not enough healthy members`, {
      ...local,
      ...request,
      error: error.message,
    });
    return error;
  }

  #connectionRefusal(
    what: "add" | "remove",
    request: { readonly [key: string]: string | number },
  ): EtcdError {
    const { member, log } = this.#parts;
    const error = Errors.UnhealthyCluster;
    const peers = what === "add" ? "majority" : "all";
    log.warn(
      `rejecting member ${what} request; local member has not been connected to ${peers} peers, ` +
        "reconfigure breaks active quorum",
      { "local-member-id": formatId(member.id), ...request, error: error.message },
    );
    return error;
  }

  readonly #isConnected = (id: bigint): boolean => {
    const { member, activeSinceMs, nowMs } = this.#parts;
    if (id === member.id) return true;
    const sinceMs = activeSinceMs(id);
    return sinceMs !== undefined && sinceMs < nowMs() - CONNECTED_LONG_ENOUGH_MS;
  };
}

/** A member as Go prints it with %+v. */
function goText({ id, peerUrls, isLearner }: MemberInfo): string {
  const raft = `RaftAttributes:{PeerURLs:[${peerUrls.join(" ")}] IsLearner:${isLearner}}`;
  return `{ID:${formatId(id)} ${raft} Attributes:{Name: ClientURLs:[]}}`;
}
