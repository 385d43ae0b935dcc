/**
 * Everything that goes wrong in a simulated cluster. A seed chooses which kinds there are and how often
 * (swarm testing: what is off matters as much as what is on, Groce et al., ISSTA 2012). Each kind has a random
 * sequence of its own, so that switching one off leaves the others as they are.
 *
 * What is never done, because no protocol survives it: taking away what was durable. A power failure takes
 * only what was not synced, so it may hit any number of machines at once. A disk whose sync has failed is
 * started anew before it is used again. Bits flip only in files of a machine that is down, on one machine
 * at a time, and never in more than a minority at once (`bit-flips.ts`).
 */
import type { Prng } from "../../src/stdx/prng.ts";
import type { Channel } from "../clients/channel.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Machine } from "../cluster/machine.ts";
import type { Operator } from "../cluster/operator.ts";
import type { Supervisor } from "../cluster/supervisor.ts";
import { BIT_FLIPS } from "./bit-flips.ts";
import { CLOCK_FAULTS } from "./clock-faults.ts";
import { DISK_FAULTS } from "./disk-faults.ts";
import { MEMBERSHIP_FAULTS } from "./membership-faults.ts";
import { NETWORK_FAULTS } from "./network-faults.ts";
import { OPERATOR_FAULTS } from "./operator-faults.ts";
import { PROCESS_FAULTS } from "./process-faults.ts";

/** What a fault works on. */
export interface FaultWorld {
  readonly cluster: Cluster;
  readonly channel: Channel;
  readonly supervisor: Supervisor;
  readonly operator: Operator;
}

/** Does something bad, once. Returns whether there was something to do it to. */
export type Fault = (world: FaultWorld, random: Prng) => boolean;

/** All kinds, by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  ...PROCESS_FAULTS,
  ...DISK_FAULTS,
  ...NETWORK_FAULTS,
  ...CLOCK_FAULTS,
  ...OPERATOR_FAULTS,
  ...MEMBERSHIP_FAULTS,
  ...BIT_FLIPS,
};

export interface FaultPlan {
  readonly name: string;
  /** Mean time between two of them. */
  readonly intervalMs: number;
}

export class FaultInjector {
  readonly #world: FaultWorld;
  readonly #random: Prng;
  /** How often each kind happened. */
  readonly counts = new Map<string, number>();
  #healed = false;

  constructor(world: FaultWorld, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  start(plans: readonly FaultPlan[]): void {
    for (const plan of plans) {
      this.counts.set(plan.name, 0);
      this.#schedule(plan, this.#random.fork(plan.name));
    }
  }

  /** Nothing goes wrong from now on, and what is broken is repaired. */
  heal(): void {
    this.#healed = true;
    const { cluster, channel, supervisor } = this.#world;
    cluster.trace.note("world", "everything heals");
    cluster.links.mendAll();
    cluster.links.clearUp();
    channel.conditions.broken = 0;
    for (const machine of cluster.machines) healMachine(machine);
    supervisor.hurry();
  }

  #schedule(plan: FaultPlan, random: Prng): void {
    const { cluster } = this.#world;
    // From nearly nothing to twice the mean.
    const delayUs = random.below(2 * plan.intervalMs * 1000) + 1;
    cluster.loop.after(delayUs, () => {
      if (this.#healed) return;
      const isDone = FAULTS[plan.name](this.#world, random);
      if (isDone) this.counts.set(plan.name, (this.counts.get(plan.name) ?? 0) + 1);
      this.#schedule(plan, random);
    });
  }
}

function healMachine(machine: Machine): void {
  Object.assign(machine.parts.disk, { latencyUs: 100, jitterUs: 400, stalledUntilUs: 0 });
  machine.disk.withdrawFaults();
  machine.resume();
}
