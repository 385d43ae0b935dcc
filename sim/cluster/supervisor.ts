/**
 * Starts members again when they have ended, as an operator or an init system does, and insists that every
 * end has a cause: a member that ends itself, or will not start, without a fault that explains it is a
 * failure of the seed.
 */
import { RemovedError } from "../../src/server/member-host.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import type { Cluster } from "./cluster.ts";
import type { Machine, ProcessEnd } from "./machine.ts";
import { hasLog } from "./durable-log.ts";
import { Violation } from "./violation.ts";

/** Longest time in milliseconds until a member is started again. */
const DOWN_MS_MAX = 3_000;

export class Supervisor {
  readonly #cluster: Cluster;
  readonly #random: Prng;
  /** Machines whose disk was made to fail: they may, and must, end themselves. */
  readonly failing = new Set<Machine>();
  /** Whether members with damaged data are repaired from their peers. */
  readonly repairs: boolean;
  readonly #recovering = new Map<Machine, number>();
  /** Machines with a flipped bit in a file: their members may refuse to start. */
  readonly flipped = new Set<Machine>();
  /**
   * Machines whose member is new to the cluster: they may fail to start, as long as they cannot ask the others,
   * or were told an outdated membership.
   */
  readonly joining = new Set<Machine>();
  /** Machines whose member has ended because it was removed: they stay down. */
  readonly removed = new Set<Machine>();
  readonly counts = {
    starts: 0,
    endedThemselves: 0,
    flipsRefused: 0,
    flipsSurvived: 0,
    removedEnded: 0,
  };
  #downMsMax = DOWN_MS_MAX;

  constructor(cluster: Cluster, random: Prng) {
    this.#cluster = cluster;
    this.#random = random;
    this.repairs = cluster.options.config.repairsFromPeers ?? false;
    cluster.onEnded.push((machine, end) => this.#ended(machine, end));
    cluster.onOpened.push((machine) => this.#started(machine));
  }

  /**
   * A member has started on what its disk has. It may have been repaired, and holds nothing yet: until it has
   * caught up with what is applied by then, no other one may lose anything.
   */
  #started(machine: Machine): void {
    if (!this.flipped.delete(machine)) return;
    this.counts.flipsSurvived++;
    this.#recovering.set(machine, this.#cluster.safety.appliedMax);
  }

  /** Whether a member may be without what it once had. */
  get isRecovering(): boolean {
    for (const [machine, index] of this.#recovering) {
      const applied = machine.host?.member.status().appliedIndex ?? 0;
      if (applied >= index) this.#recovering.delete(machine);
    }
    return this.flipped.size + this.#recovering.size > 0;
  }

  startAll(): void {
    for (const machine of this.#cluster.machines) this.start(machine);
  }

  start(machine: Machine): void {
    if (machine.state !== "down" || this.removed.has(machine)) return;
    if (machine.config.initialCluster === "") return;
    this.counts.starts++;
    this.failing.delete(machine);
    machine.start();
  }

  /** From now on members are started again soon, and those that are down at once. */
  hurry(): void {
    this.#downMsMax = 100;
    this.startAll();
  }

  #ended(machine: Machine, end: ProcessEnd): void {
    if (end.kind === "fatal" && end.reason instanceof RemovedError) {
      this.#removedEnded(machine, end.memberId);
      return;
    }
    if (end.kind === "refused" && this.flipped.delete(machine)) {
      this.counts.flipsRefused++;
      machine.restoreCopy();
      this.#startLater(machine);
      return;
    }
    if (end.kind === "refused" && this.joining.has(machine) && !hasLog(machine.disk)) {
      this.#startLater(machine);
      return;
    }
    if (end.kind === "fatal" && this.failing.has(machine)) {
      this.counts.endedThemselves++;
      // The content of its files is unknown now. What the kernel still shows of it may never reach the
      // device, so a program that went on with it would promise what it cannot keep: the machine is
      // started anew, with what is really there.
      machine.loseCaches();
    } else if (end.kind === "refused" && this.failing.has(machine)) {
      machine.loseCaches();
    } else if (end.kind === "fatal" || end.kind === "refused") {
      throw new Violation(
        "ends for a reason",
        `${machine.name} ${end.kind}: ${end.reason.stack ?? ""}`,
      );
    }
    this.#startLater(machine);
  }

  #removedEnded(machine: Machine, memberId: bigint | undefined): void {
    if (memberId === undefined || !this.#cluster.safety.removedIds.has(memberId)) {
      throw new Violation(
        "ends for a reason",
        `${machine.name} says that it was removed, and was not`,
      );
    }
    this.counts.removedEnded++;
    this.removed.add(machine);
  }

  #startLater(machine: Machine): void {
    const delayUs = this.#random.below(this.#downMsMax * 1000);
    this.#cluster.loop.after(delayUs, () => this.start(machine));
  }
}
