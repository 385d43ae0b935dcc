/**
 * Promotes learners by itself while this member leads, each as soon as it has caught up by the rule that a
 * promotion by hand goes by.
 *
 * Differs from etcd: there a learner waits for somebody who promotes it. Off unless
 * --experimental-learner-auto-promote asks for it.
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import type { Member } from "../../member/member.ts";
import { formatId } from "../../membership/member-info.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { LEARNER_CHECK_MS } from "../limits.ts";
import type { MembershipService } from "./membership-service.ts";

export interface LearnerPromoterParts {
  readonly member: Member;
  readonly membership: Pick<MembershipService, "learnerRefusal" | "promote">;
  readonly clock: Clock;
  readonly log: Log;
}

export class LearnerPromoter {
  readonly #parts: LearnerPromoterParts;
  #timer: Timer | undefined;
  #isPromoting = false;

  constructor(parts: LearnerPromoterParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(LEARNER_CHECK_MS, () => {
      this.#check();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Promotes the first learner that is ready, one at a time; those that have never started wait. */
  #check(): void {
    const { member, membership, log } = this.#parts;
    if (!member.isLeader() || this.#isPromoting) return;
    const ready = member.applier.cluster
      .members()
      .find(
        ({ id, isLearner, name }) =>
          isLearner && name !== "" && membership.learnerRefusal(id) === undefined,
      );
    if (ready === undefined) return;
    const fields = { "local-member-id": formatId(member.id), "learner-id": formatId(ready.id) };
    log.info("promoting learner member that is in sync with leader", fields);
    this.#isPromoting = true;
    membership.promote(ready.id, {
      onChanged: (result) => {
        this.#isPromoting = false;
        if (!(result instanceof EtcdError)) return;
        log.warn("failed to promote a member", { ...fields, error: result.message });
      },
    });
  }
}
