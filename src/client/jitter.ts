import type { Random } from "../ports/random.ts";

/** Steps into which the spread is divided: a millisecond of the longest wait is far coarser. */
const STEPS = 1 << 20;

/** `waitMs` spread evenly over itself plus and minus `fraction`. */
export function jitteredMs(waitMs: number, fraction: number, random: Random): number {
  return waitMs * (1 + fraction * ((2 * random.below(STEPS)) / STEPS - 1));
}
