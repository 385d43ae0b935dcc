/** Disks that fail, are slow, or do not answer. */
import type { Fault } from "./faults.ts";
import { pickRunning } from "./process-faults.ts";

/** A disk that is slow takes this much longer, at most. */
const SLOWNESS_MAX = 200;

const SLOW_MS_MAX = 8_000;

const STALL_MS_MAX = 6_000;

export const DISK_FAULTS: Readonly<Record<string, Fault>> = {
  /** A write or sync fails: the member must end itself, and have promised nothing that depends on it. */
  failedSync: ({ cluster, supervisor }, random) => {
    const machine = pickRunning(cluster, random);
    if (machine === undefined) return false;
    supervisor.failing.add(machine);
    const operation = random.pick(["writeDurable", "sync", "write"] as const);
    const code = random.chance(0.7) ? "EIO" : "ENOSPC";
    machine.disk.inject({ operation, code, after: random.below(20), times: 1e9 });
    return true;
  },

  slowDisk: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    if (machine === undefined) return false;
    const { disk } = machine.parts;
    const factor = 1 + random.below(SLOWNESS_MAX);
    disk.latencyUs = 100 * factor;
    disk.jitterUs = 400 * factor;
    cluster.loop.after(random.below(SLOW_MS_MAX * 1000), () => {
      disk.latencyUs = 100;
      disk.jitterUs = 400;
    });
    return true;
  },

  stalledDisk: ({ cluster }, random) => {
    const machine = pickRunning(cluster, random);
    if (machine === undefined) return false;
    machine.parts.disk.stalledUntilUs = cluster.loop.nowUs + random.below(STALL_MS_MAX * 1000);
    return true;
  },
};
