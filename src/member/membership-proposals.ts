/**
 * Changes of the membership that this member proposes: those that wait to be handed to Raft, and who waits
 * for them to be applied here.
 *
 * Raft lets one change be under way at a time and makes an empty entry of any other; whoever waits for that
 * one is told that it took too long, as by etcd, where the caller's own time runs out.
 *
 * Source: etcd server/etcdserver/server.go (configure) (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { confChangeOf, type MembershipChange } from "../membership/conf-change.ts";
import { formatId, type MemberInfo } from "../membership/member-info.ts";
import type { Log } from "../ports/log.ts";
import { type ConfChange, ConfChangeType } from "../wire/gen/raft.ts";
import { PENDING_MEMBERSHIP_CHANGES_MAX } from "./limits.ts";
import { Pending } from "./pending.ts";
import type { MembershipWaiter } from "./ready.ts";
import type { RequestIds } from "./request-ids.ts";

export class MembershipProposals {
  readonly #localId: bigint;
  readonly #ids: RequestIds;
  readonly #log: Log;
  readonly #waiting: Pending<MembershipWaiter>;
  #queue: Queued[] = [];

  /** `timeoutTicks`: whole ticks that a change may take. */
  constructor(localId: bigint, ids: RequestIds, timeoutTicks: number, log: Log) {
    this.#localId = localId;
    this.#ids = ids;
    this.#log = log;
    this.#waiting = new Pending(timeoutTicks);
  }

  /** Errors: TooManyRequests, DeadlineExceeded, Stopped, what applying it says, and a timeout's reason. */
  add(change: MembershipChange, waiter: MembershipWaiter): void {
    if (this.#waiting.size >= PENDING_MEMBERSHIP_CHANGES_MAX) {
      waiter.onChanged(Errors.TooManyRequests);
      return;
    }
    const key = this.#ids.next();
    this.#waiting.add(key, waiter);
    this.#queue.push({ key, change: confChangeOf(change, this.#ids.idOf(key)) });
  }

  /**
   * Hands what waits to `propose`, which says whether Raft took it; the rest is tried again later. What
   * nobody waits for any more is not made after all: whoever has gone may have asked again.
   */
  propose(propose: (change: ConfChange) => boolean): void {
    if (this.#queue.length === 0) return;
    this.#queue = this.#queue.filter(({ key, change }) => {
      const waiter = this.#waiting.get(key);
      if (waiter?.isGone?.() !== true) return !propose(change);
      this.#waiting.take(key);
      return false;
    });
  }

  /** A change was applied, with these members after it, or refused. */
  applied(change: ConfChange, result: readonly MemberInfo[] | EtcdError): void {
    const { id } = change;
    if (Number(id >> 48n) !== this.#ids.suffix) return;
    const waiter = this.#waiting.take(this.#ids.keyOf(Number(id & 0xffff_ffff_ffffn)));
    if (waiter === undefined) return;
    this.#log.info("applied a configuration change through raft", {
      "local-member-id": formatId(this.#localId),
      "raft-conf-change": TYPE_NAMES.get(change.type) ?? "",
      "raft-conf-change-node-id": formatId(change.nodeId),
    });
    waiter.onChanged(result);
  }

  /**
   * One tick passes. Whoever has waited too long for a change to be handed to Raft is told, and it is not any
   * more; of those whom this returns nobody knows what became of theirs.
   */
  tick(): readonly MembershipWaiter[] {
    const expiredKey = this.#waiting.expiringKey;
    const late = this.#queue.filter(({ key }) => key <= expiredKey);
    if (late.length > 0) this.#queue = this.#queue.filter(({ key }) => key > expiredKey);
    for (const { key } of late) this.#waiting.take(key)?.onChanged(Errors.DeadlineExceeded);
    return this.#waiting.tick();
  }

  stop(): void {
    this.#queue = [];
    for (const waiter of this.#waiting.takeAll()) waiter.onChanged(Errors.Stopped);
  }
}

interface Queued {
  readonly key: number;
  readonly change: ConfChange;
}

const TYPE_NAMES = new Map<number, string>(
  Object.entries(ConfChangeType).map(([name, type]) => [type, name]),
);
