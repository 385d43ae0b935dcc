/** One call of a service, and what is known of the store that calls run on. */
import type { MethodInfo } from "../../src/wire/codec.ts";
import {
  type AlarmMember,
  type AlarmRequest,
  AlarmAction,
  type AlarmResponse,
  type CompactionRequest,
  type LeaseGrantResponse,
  type LeaseRevokeRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { revisionOf } from "./answer-difference.ts";
import type { RawAnswer } from "./raw-calls.ts";

/** Both streams of a call that has them carry one message here. */
export interface Operation {
  readonly method: MethodInfo<object, object>;
  readonly request: object;
}

/** What generators of operations know of the store, kept up to date from its answers. */
export class StoreState {
  /** Newest revision that an answer has told. */
  revision = 1;
  /** Newest revision that was compacted. */
  compactRevision = -1;
  /** Whether what was compacted may still be there. */
  isCompacting = false;
  /** Leases that exist. */
  readonly leases: bigint[];
  /** Alarms that are raised. */
  readonly alarms: AlarmMember[] = [];

  constructor(leases: readonly bigint[] = []) {
    this.leases = [...leases];
  }

  /** Takes in what a server said to an operation. */
  learn({ method, request }: Operation, answer: RawAnswer): void {
    this.revision = Math.max(this.revision, revisionOf(answer) ?? 0);
    if (answer.body === undefined) return;
    if (method === KVService.compact) {
      const { revision, physical } = request as CompactionRequest;
      this.compactRevision = revision;
      this.isCompacting = !physical;
    } else if (method === LeaseService.leaseGrant) {
      this.leases.push((method.response.decode(answer.body) as LeaseGrantResponse).id);
    } else if (method === LeaseService.leaseRevoke) {
      this.leases.splice(this.leases.indexOf((request as LeaseRevokeRequest).id), 1);
    } else if (method === MaintenanceService.alarm) {
      this.#learnAlarms(
        request as AlarmRequest,
        method.response.decode(answer.body) as AlarmResponse,
      );
    }
  }

  #learnAlarms({ action }: AlarmRequest, { alarms }: AlarmResponse): void {
    for (const { memberId, alarm } of alarms) {
      const at = this.alarms.findIndex((raised) => {
        return raised.memberId === memberId && raised.alarm === alarm;
      });
      if (action === AlarmAction.ACTIVATE && at < 0) this.alarms.push({ memberId, alarm });
      if (action === AlarmAction.DEACTIVATE && at >= 0) this.alarms.splice(at, 1);
    }
  }
}
