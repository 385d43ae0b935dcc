/** Processes that die, stand still, or are stopped, and machines that lose power. */
import type { Prng } from "../../src/stdx/prng.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Machine } from "../cluster/machine.ts";
import type { Fault } from "./faults.ts";

/** Disk operations within which a machine that is about to lose power does. */
const CRASH_POINTS_MAX = 60;

/** Longest time in milliseconds that a process stands still: several election timeouts. */
const PAUSE_MS_MAX = 4_000;

export const PROCESS_FAULTS: Readonly<Record<string, Fault>> = {
  /** SIGKILL. */
  kill: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    machine?.crash({ cause: "process" });
    return machine !== undefined;
  },

  /** Power failure of one machine. */
  power: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    machine?.crash({ cause: "power" });
    return machine !== undefined;
  },

  /** Power failure in the middle of what a program does to its disk, not only between two events. */
  powerWhileWriting: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    if (machine === undefined) return false;
    machine.disk.crashAt(machine.disk.points + 1 + random.below(CRASH_POINTS_MAX));
    return true;
  },

  /** Power failure of the whole place. */
  powerEverywhere: ({ cluster }) => {
    for (const machine of cluster.machines) machine.crash({ cause: "power" });
    return true;
  },

  /** SIGSTOP, and SIGCONT later. */
  pause: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    if (machine?.process?.state !== "running") return false;
    const { process } = machine;
    machine.pause();
    cluster.loop.after(random.below(PAUSE_MS_MAX * 1000), () => {
      if (machine.process === process) machine.resume();
    });
    return true;
  },

  /** SIGTERM. */
  stop: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    if (machine?.host === undefined || machine.process?.state !== "running") return false;
    machine.stop();
    return true;
  },
};

/** A machine with a process; half of the time the leader, whose faults matter most. */
export function pickRunning(cluster: Cluster, random: Prng): Machine | undefined {
  const running = cluster.machines.filter(({ process }) => process !== undefined);
  if (running.length === 0) return undefined;
  const any = random.pick(running);
  return random.chance(0.5) ? (cluster.leader() ?? any) : any;
}
