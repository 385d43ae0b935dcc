/**
 * The alarm of a member whose database has no room for what was asked: proposed once, however many requests
 * are refused before it is raised.
 *
 * Source: etcd server/etcdserver/apply.go (quotaApplierV3), api/v3rpc/quota.go (3.5).
 */
import type { Applier } from "../apply/applier.ts";
import type { Log } from "../ports/log.ts";
import { InternalRaftRequestOperationField } from "../wire/gen/raft-internal.ts";
import { AlarmAction, AlarmType, createAlarmRequest, encodeAlarmRequest } from "../wire/gen/rpc.ts";
import type { ProposalWaiter } from "./ready.ts";

export interface NoSpaceAlarmMember {
  readonly id: bigint;
  readonly applier: Pick<Applier, "alarms" | "quota">;
  propose(field: number, body: Uint8Array, waiter: ProposalWaiter): void;
}

export class NoSpaceAlarm {
  readonly #member: NoSpaceAlarmMember;
  readonly #log: Log;
  #isProposed = false;

  constructor(member: NoSpaceAlarmMember, log: Log) {
    this.#member = member;
    this.#log = log;
  }

  /** Proposes it, unless it is raised or about to be. */
  raise(): void {
    const { id, applier } = this.#member;
    if (this.#isProposed || applier.alarms.isRaised(AlarmType.NOSPACE)) return;
    this.#isProposed = true;
    this.#log.warn("message exceeded backend quota; raising alarm", {
      "quota-size-bytes": applier.quota.limitBytes,
    });
    const action = AlarmAction.ACTIVATE;
    const request = createAlarmRequest({ action, memberId: id, alarm: AlarmType.NOSPACE });
    this.#member.propose(InternalRaftRequestOperationField.alarm, encodeAlarmRequest(request), {
      onApplied: () => {
        this.#isProposed = false;
      },
    });
  }
}
