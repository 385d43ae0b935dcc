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
  #queue: ConfChange[] = [];

  /** `timeoutTicks`: whole ticks that a change may take. */
  constructor(localId: bigint, ids: RequestIds, timeoutTicks: number, log: Log) {
    this.#localId = localId;
    this.#ids = ids;
    this.#log = log;
    this.#waiting = new Pending(timeoutTicks);
  }

  /** Errors: TooManyRequests, and later Timeout, Stopped, and what applying it says. */
  add(change: MembershipChange, waiter: MembershipWaiter): void {
    if (this.#waiting.size >= PENDING_MEMBERSHIP_CHANGES_MAX) {
      waiter.onChanged(Errors.TooManyRequests);
      return;
    }
    const key = this.#ids.next();
    this.#waiting.add(key, waiter);
    this.#queue.push(confChangeOf(change, this.#ids.idOf(key)));
  }

  /** Hands what waits to `propose`, which says whether Raft took it; the rest is tried again later. */
  propose(propose: (change: ConfChange) => boolean): void {
    if (this.#queue.length > 0) this.#queue = this.#queue.filter((change) => !propose(change));
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

  tick(): void {
    const late = this.#waiting.tick();
    // What nobody waits for any more must not be proposed after all: its caller may ask again.
    if (late.length > 0) this.#queue = this.#queue.filter(({ id }) => this.#isAwaited(id));
    for (const waiter of late) waiter.onChanged(Errors.Timeout);
  }

  stop(): void {
    this.#queue = [];
    for (const waiter of this.#waiting.takeAll()) waiter.onChanged(Errors.Stopped);
  }

  #isAwaited(id: bigint): boolean {
    return this.#waiting.has(this.#ids.keyOf(Number(id & 0xffff_ffff_ffffn)));
  }
}

const TYPE_NAMES = new Map<number, string>(
  Object.entries(ConfChangeType).map(([name, type]) => [type, name]),
);
