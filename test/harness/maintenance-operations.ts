/**
 * Random requests of the Maintenance and the Cluster service whose answers are the same on two members with
 * the same history. Alarms are raised, and taken back after a few more operations.
 */
import type { Prng } from "../../src/stdx/prng.ts";
import {
  AlarmAction,
  type AlarmMember,
  AlarmType,
  createAlarmRequest,
  createDowngradeRequest,
  createHashKVRequest,
  createMemberListRequest,
  createMoveLeaderRequest,
  DowngradeAction,
} from "../../src/wire/gen/rpc.ts";
import { ClusterService, MaintenanceService } from "../../src/wire/gen/services.ts";
import type { Operation, StoreState } from "./operation.ts";

/** Versions of which one can be told apart from the others, and texts that are none. */
const VERSIONS = ["3.4.0", "3.4", "3.5.0", "3.6.0", "3.3.0", "2.0.0", "3.4.0-rc.1", "", "x", "3"];

export class MaintenanceOperations {
  readonly #prng: Prng;
  readonly #state: StoreState;
  readonly #memberId: bigint;

  /** `state` is read for every operation and kept up to date by the caller. */
  constructor(prng: Prng, state: StoreState, memberId: bigint) {
    this.#prng = prng;
    this.#state = state;
    this.#memberId = memberId;
  }

  /** Takes back one of the alarms that are raised. */
  calm(): Operation {
    return this.#alarm(AlarmAction.DEACTIVATE, this.#prng.pick(this.#state.alarms));
  }

  next(): Operation {
    const prng = this.#prng;
    const roll = prng.below(100);
    if (roll < 25) return this.#anyAlarm();
    if (roll < 60) {
      const request = createHashKVRequest({ revision: this.#revision() });
      return { method: MaintenanceService.hashKV, request };
    }
    if (roll < 70) return { method: MaintenanceService.status, request: {} };
    if (roll < 75) {
      const { hash, status } = MaintenanceService;
      return { method: this.#state.isCompacting ? status : hash, request: {} };
    }
    if (roll < 80) {
      const targetId = prng.pick([this.#memberId, 0n, 1n, 2n ** 64n - 1n]);
      const request = createMoveLeaderRequest({ targetId });
      return { method: MaintenanceService.moveLeader, request };
    }
    if (roll < 90) return this.#downgrade();
    if (roll < 92) return { method: MaintenanceService.defragment, request: {} };
    const request = createMemberListRequest({ linearizable: prng.chance(0.5) });
    return { method: ClusterService.memberList, request };
  }

  /**
   * One alarm at a time: of several, etcd forgets what the others forbid when one goes. None that there is
   * not: raising it makes etcd crash.
   */
  #anyAlarm(): Operation {
    const prng = this.#prng;
    const memberId = prng.pick([this.#memberId, this.#memberId, 0n, 5n]);
    const { NONE, NOSPACE, CORRUPT } = AlarmType;
    const { GET, ACTIVATE, DEACTIVATE } = AlarmAction;
    const action = prng.pick([GET, ACTIVATE, ACTIVATE, DEACTIVATE]);
    const known = [NOSPACE, NOSPACE, CORRUPT];
    const alarm = prng.pick(action === ACTIVATE ? known : [...known, NONE, 9]);
    const [raised = { memberId, alarm }] = action === ACTIVATE ? this.#state.alarms : [];
    return this.#alarm(action, raised);
  }

  #alarm(action: AlarmAction, { memberId, alarm }: AlarmMember): Operation {
    const request = createAlarmRequest({ action, memberId, alarm });
    return { method: MaintenanceService.alarm, request };
  }

  #revision(): number {
    const prng = this.#prng;
    const { revision, compactRevision } = this.#state;
    const roll = prng.below(10);
    if (roll < 3) return 0;
    if (roll < 7) return Math.max(1, revision - prng.below(300));
    if (roll < 9) return Math.max(1, compactRevision - 2 + prng.below(5));
    return prng.pick([revision + 1, -1, 2 ** 53 - 1]);
  }

  /** Never one that would begin: a server that is told to go back does not start again. */
  #downgrade(): Operation {
    const prng = this.#prng;
    const { VALIDATE, CANCEL } = DowngradeAction;
    const action = prng.pick([VALIDATE, VALIDATE, CANCEL, 9 as DowngradeAction]);
    const request = createDowngradeRequest({ action, version: prng.pick(VERSIONS) });
    return { method: MaintenanceService.downgrade, request };
  }
}
