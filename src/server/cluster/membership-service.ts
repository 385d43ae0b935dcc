/**
 * Changes of the membership as clients and peers ask for them: made here, but for promotions, which only the
 * leader can judge and which are forwarded to it.
 *
 * Source: etcd server/etcdserver/server.go (PromoteMember), cluster_util.go (promoteMemberHTTP) (3.5).
 */
import type { MembershipRequests } from "../../api/context.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import { Reconfiguration, type ReconfigurationParts } from "../../member/reconfiguration.ts";
import type { MembershipWaiter } from "../../member/ready.ts";
import { computeMemberId, type Sha1 } from "../../membership/identity.ts";
import {
  decodeMemberList,
  MemberFormatError,
  type MemberInfo,
} from "../../membership/member-info.ts";
import type { PeerCaller, PeerRequest, PeerResponse } from "../../peer/network.ts";
import type { Clock } from "../../ports/clock.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../../stdx/bytes.ts";
import { JsonError } from "../../stdx/json.ts";
import { type LeaderCall, LeaderCalls } from "./leader-calls.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { PROMOTE_PATH } from "./membership-endpoints.ts";

export interface MembershipServiceParts extends Omit<ReconfigurationParts, "nowMs"> {
  readonly network: PeerCaller;
  readonly clock: Clock;
  readonly sha1: Sha1;
  readonly learners: Pick<ServerMetrics["learners"], "promoted" | "failures">;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

export class MembershipService implements MembershipRequests {
  readonly #parts: MembershipServiceParts;
  readonly #changes: Reconfiguration;
  readonly #promotions: CountedPromotions;
  readonly #leaderCalls: LeaderCalls;

  constructor(parts: MembershipServiceParts) {
    this.#parts = parts;
    this.#changes = new Reconfiguration({ ...parts, nowMs: () => parts.clock.nowMs() });
    this.#promotions = new CountedPromotions(this.#changes, parts.learners);
    this.#leaderCalls = new LeaderCalls(parts);
  }

  newMember(peerUrls: readonly string[], isLearner: boolean): MemberInfo {
    const { clock, sha1 } = this.#parts;
    const id = computeMemberId(peerUrls, "", Math.floor(clock.wallMs() / 1000), sha1);
    return { id, peerUrls, isLearner, name: "", clientUrls: [] };
  }

  add(added: MemberInfo, waiter: MembershipWaiter): void {
    this.#changes.add(added, waiter);
    this.#parts.poke();
  }

  remove(id: bigint, waiter: MembershipWaiter): void {
    this.#changes.remove(id, waiter);
    this.#parts.poke();
  }

  update(id: bigint, peerUrls: readonly string[], waiter: MembershipWaiter): void {
    this.#changes.update(id, peerUrls, waiter);
    this.#parts.poke();
  }

  promote(id: bigint, waiter: MembershipWaiter, token?: string): void {
    this.#leaderCalls.start(new Promotion(this.#promotions, id, waiter, token));
    this.#parts.poke();
  }

  /** Why this member, which should lead, would not promote a learner now. */
  learnerRefusal(id: bigint): EtcdError | undefined {
    return this.#changes.learnerRefusal(id);
  }

  stop(): void {
    this.#leaderCalls.stop();
  }
}

/** Promotions that this member decides about, counted. */
class CountedPromotions {
  readonly #changes: Reconfiguration;
  readonly #learners: MembershipServiceParts["learners"];

  constructor(changes: Reconfiguration, learners: MembershipServiceParts["learners"]) {
    this.#changes = changes;
    this.#learners = learners;
  }

  /** See `Reconfiguration.promote`. */
  promote(id: bigint, waiter: MembershipWaiter): void {
    this.#changes.promote(id, {
      onChanged: (result) => {
        const { promoted, failures } = this.#learners;
        if (!(result instanceof EtcdError)) promoted.inc();
        else if (result !== Errors.NotLeader) {
          failures.child(REASONS.get(result) ?? result.message).inc();
        }
        waiter.onChanged(result);
      },
    });
  }
}

/** A promotion that whoever leads decides about. */
class Promotion implements LeaderCall {
  readonly #promotions: CountedPromotions;
  readonly #id: bigint;
  readonly #waiter: MembershipWaiter;
  readonly request: PeerRequest;

  constructor(
    promotions: CountedPromotions,
    id: bigint,
    waiter: MembershipWaiter,
    token: string | undefined,
  ) {
    this.#promotions = promotions;
    this.#id = id;
    this.#waiter = waiter;
    const path = `${PROMOTE_PATH}${id}`;
    const named = token === undefined ? {} : { token };
    this.request = { method: "POST", path, contentType: "", body: EMPTY_BYTES, ...named };
  }

  isGone(): boolean {
    return this.#waiter.isGone?.() ?? false;
  }

  tryHere(settled: (isAnswered: boolean) => void): void {
    this.#promotions.promote(this.#id, {
      onChanged: (result) => {
        const isAnswer = result !== Errors.NotLeader;
        settled(isAnswer);
        if (isAnswer) this.#waiter.onChanged(result);
      },
    });
  }

  take(response: PeerResponse): boolean {
    const outcome = outcomeOf(response);
    if (outcome === undefined) return false;
    this.#waiter.onChanged(outcome);
    return true;
  }

  fail(error: EtcdError): void {
    this.#waiter.onChanged(error);
  }
}

/** What etcd calls the errors of its folder for the membership, where clients read another text. */
const REASONS = new Map<EtcdError, string>([
  [Errors.MemberNotFound, "membership: ID not found"],
  [Errors.NotLearner, "membership: can only promote a learner member"],
]);

/** What the leader has decided; `undefined` when it is to be asked again. */
function outcomeOf({ status, body }: PeerResponse): readonly MemberInfo[] | EtcdError | undefined {
  const text = utf8FromBytes(body);
  if (status === 404) return Errors.MemberNotFound;
  if (status === 412) {
    return [Errors.LearnerNotReady, Errors.NotLearner].find(({ message }) =>
      text.includes(message.replace(/^etcdserver: /, "")),
    );
  }
  if (status !== 200) return undefined;
  try {
    return decodeMemberList(text);
  } catch (error) {
    if (error instanceof JsonError || error instanceof MemberFormatError) return undefined;
    throw error;
  }
}
