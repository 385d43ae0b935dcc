/** Random requests of all services to one store, in a mix that keeps it changing. */
import type { Prng } from "../../src/stdx/prng.ts";
import { KvOperations } from "./kv-operations.ts";
import { LeaseOperations } from "./lease-operations.ts";
import { MaintenanceOperations } from "./maintenance-operations.ts";
import type { Operation, StoreState } from "./operation.ts";

/** Operations that an alarm lasts, on average. */
const ALARM_OPERATIONS = 10;

export class RandomOperations {
  readonly #prng: Prng;
  readonly #state: StoreState;
  readonly #kv: KvOperations;
  readonly #lease: LeaseOperations;
  readonly #maintenance: MaintenanceOperations;

  /** `state` is read for every operation and kept up to date by the caller. */
  constructor(prng: Prng, state: StoreState, memberId: bigint) {
    this.#prng = prng;
    this.#state = state;
    this.#kv = new KvOperations(prng.fork("kv"), state);
    this.#lease = new LeaseOperations(prng.fork("lease"), state);
    this.#maintenance = new MaintenanceOperations(prng.fork("maintenance"), state, memberId);
  }

  next(): Operation {
    if (this.#lease.isUrgent) return this.#lease.next();
    if (this.#state.alarms.length > 0 && this.#prng.chance(1 / ALARM_OPERATIONS)) {
      return this.#maintenance.calm();
    }
    const roll = this.#prng.below(100);
    if (roll < 88) return this.#kv.next();
    return roll < 96 ? this.#lease.next() : this.#maintenance.next();
  }
}
