/**
 * Changes of the membership as clients and peers ask for them: made here, but for promotions, which only the
 * leader can judge and which are forwarded to it.
 *
 * Source: etcd server/etcdserver/server.go (PromoteMember), cluster_util.go (promoteMemberHTTP) (3.5).
 */
import type { MembershipRequests } from "../api/context.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { Reconfiguration, type ReconfigurationParts } from "../member/reconfiguration.ts";
import type { MembershipWaiter } from "../member/ready.ts";
import { computeMemberId, type Sha1 } from "../membership/identity.ts";
import { decodeMemberList, MemberFormatError, type MemberInfo } from "../membership/member-info.ts";
import type { PeerCaller, PeerResponse } from "../peer/network.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import { JsonError } from "../stdx/json.ts";
import { FORWARD_PAUSE_MS } from "./limits.ts";
import { PROMOTE_PATH } from "./membership-endpoints.ts";

export interface MembershipServiceParts extends Omit<ReconfigurationParts, "nowMs"> {
  readonly peers: PeerCaller;
  readonly clock: Clock;
  readonly sha1: Sha1;
  /** Milliseconds that a promotion may take, forwarded or not. */
  readonly requestTimeoutMs: number;
  readonly electionTimeoutMs: number;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

export class MembershipService implements MembershipRequests {
  readonly #parts: MembershipServiceParts;
  readonly #changes: Reconfiguration;
  readonly #forwarded = new Set<ForwardedPromotion>();

  constructor(parts: MembershipServiceParts) {
    this.#parts = parts;
    this.#changes = new Reconfiguration({ ...parts, nowMs: () => parts.clock.nowMs() });
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

  promote(id: bigint, waiter: MembershipWaiter): void {
    this.#promoteHere(id, {
      onChanged: (result) => {
        if (result === Errors.NotLeader) this.#forward(id, waiter);
        else waiter.onChanged(result);
      },
    });
  }

  /** Why this member cannot promote a learner now, if it can at all. */
  learnerRefusal(id: bigint): EtcdError | undefined {
    return this.#changes.learnerRefusal(id);
  }

  stop(): void {
    for (const promotion of this.#forwarded) promotion.end(Errors.Stopped);
  }

  #promoteHere(id: bigint, waiter: MembershipWaiter): void {
    this.#changes.promote(id, waiter);
    this.#parts.poke();
  }

  #forward(id: bigint, waiter: MembershipWaiter): void {
    const promotion = new ForwardedPromotion(
      this.#parts,
      id,
      (attempt) => this.#promoteHere(id, attempt),
      (result) => {
        this.#forwarded.delete(promotion);
        waiter.onChanged(result);
      },
    );
    this.#forwarded.add(promotion);
    promotion.start();
  }
}

/** A promotion that whoever leads is asked for, again and again until one answers or time is up. */
class ForwardedPromotion {
  readonly #parts: MembershipServiceParts;
  readonly #id: bigint;
  readonly #promoteHere: (waiter: MembershipWaiter) => void;
  readonly #done: (result: readonly MemberInfo[] | EtcdError) => void;
  readonly #endMs: number;
  #timer: Timer | undefined;
  #ended = false;

  /** `promoteHere` is for when this member has come to lead. */
  constructor(
    parts: MembershipServiceParts,
    id: bigint,
    promoteHere: (waiter: MembershipWaiter) => void,
    done: (result: readonly MemberInfo[] | EtcdError) => void,
  ) {
    this.#parts = parts;
    this.#id = id;
    this.#promoteHere = promoteHere;
    this.#done = done;
    this.#endMs = parts.clock.nowMs() + parts.requestTimeoutMs;
  }

  start(): void {
    const { member, electionTimeoutMs } = this.#parts;
    const { leader } = member.status();
    if (leader === member.id) {
      this.#promoteHere({
        onChanged: (result) => {
          if (result === Errors.NotLeader) this.#again(FORWARD_PAUSE_MS, Errors.Timeout);
          else this.end(result);
        },
      });
      return;
    }
    const peerUrls = member.applier.cluster.member(leader)?.peerUrls;
    if (peerUrls === undefined) this.#again(electionTimeoutMs, Errors.NoLeader);
    else if (peerUrls.length === 0) this.end(Errors.NoLeader);
    else this.#ask(peerUrls, 0);
  }

  end(result: readonly MemberInfo[] | EtcdError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#done(result);
  }

  #ask(urls: readonly string[], at: number): void {
    const { peers, clock } = this.#parts;
    if (at === urls.length) {
      this.#again(FORWARD_PAUSE_MS, Errors.Timeout);
      return;
    }
    const path = `${PROMOTE_PATH}${this.#id}`;
    const request = { method: "POST", path, contentType: "", body: EMPTY_BYTES } as const;
    const leftMs = Math.max(1, this.#endMs - clock.nowMs());
    peers.call(urls[at], request, leftMs, (answer) => {
      if (this.#ended) return;
      const result = answer instanceof Error ? undefined : outcomeOf(answer);
      if (result === undefined) this.#ask(urls, at + 1);
      else this.end(result);
    });
  }

  #again(pauseMs: number, tooLate: EtcdError): void {
    const { clock } = this.#parts;
    const leftMs = this.#endMs - clock.nowMs();
    this.#timer = clock.after(Math.max(0, Math.min(pauseMs, leftMs)), () => {
      if (clock.nowMs() >= this.#endMs) this.end(tooLate);
      else this.start();
    });
  }
}

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
