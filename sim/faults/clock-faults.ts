/** Clocks that are set. */
import type { Fault } from "./faults.ts";

const JUMP_MS_MAX = 48 * 3_600_000;

export const CLOCK_FAULTS: Readonly<Record<string, Fault>> = {
  /** Somebody sets the time of day, forwards or back. */
  clockJump: ({ cluster }, random) => {
    const machine = random.pick(cluster.machines);
    const byMs = random.below(2 * JUMP_MS_MAX) - JUMP_MS_MAX;
    const scale = random.pick([1, 1e-3, 1e-6]);
    machine.parts.clock.jump(byMs * scale);
    return true;
  },
};
