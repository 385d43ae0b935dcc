/**
 * Makes a failing seed smaller: fewer kinds of faults, fewer members and clients, less time, as long as the
 * same rule is broken. What is left is what the failure needs.
 */
import type { SeedPlan } from "./plan.ts";

/** Runs a plan; the rule that it breaks, `undefined` when it breaks none, and when. */
export type TryPlan = (plan: SeedPlan) => Promise<FailedRule | undefined>;

export interface FailedRule {
  readonly rule: string;
  readonly atMs: number;
}

/** Tries at most, each as long as one seed. */
const TRIES_MAX = 120;

export async function shrink(
  failing: SeedPlan,
  failure: FailedRule,
  tryPlan: TryPlan,
): Promise<SeedPlan> {
  let smallest = failing;
  let tries = 0;
  let isSmaller = true;
  // What did not help is tried again only when everything else has been.
  while (isSmaller && tries < TRIES_MAX) {
    isSmaller = false;
    let candidates = [...smaller(smallest, failure.atMs)];
    for (let at = 0; at < candidates.length && tries < TRIES_MAX; tries++) {
      const candidate = candidates[at];
      if ((await tryPlan(candidate))?.rule === failure.rule) {
        smallest = candidate;
        isSmaller = true;
        candidates = [...smaller(smallest, failure.atMs)];
      } else {
        at++;
      }
    }
  }
  return smallest;
}

/** Plans that are a step smaller, the boldest first. */
function* smaller(plan: SeedPlan, failedAtMs: number): Generator<SeedPlan> {
  const { faults, durationMs, members } = plan;
  // It failed long before its end: the rest is not needed.
  if (failedAtMs + 1 < durationMs) yield { ...plan, durationMs: Math.ceil(failedAtMs) + 1 };
  for (let size = faults.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= faults.length; at += size) {
      yield { ...plan, faults: [...faults.slice(0, at), ...faults.slice(at + size)] };
    }
  }
  if (plan.authentication) yield { ...plan, authentication: false };
  if (Object.keys(plan.flags).length > 1) yield { ...plan, flags: {} };
  if (members > 3) yield { ...plan, members: 3 };
  if (members > 1) yield { ...plan, members: 1 };
  for (const clients of ["watchClients", "leaseClients", "kvClients"] as const) {
    const least = clients === "kvClients" ? 1 : 0;
    if (plan[clients] > least) yield { ...plan, [clients]: least };
    if (plan[clients] > least + 1) yield { ...plan, [clients]: plan[clients] - 1 };
  }
  if (plan.compacts) yield { ...plan, compacts: false };
  if (plan.clockDrift > 0) yield { ...plan, clockDrift: 0 };
  for (const name of Object.keys(plan.flags)) {
    const flags = Object.entries(plan.flags).filter(([other]) => other !== name);
    yield { ...plan, flags: Object.fromEntries(flags) };
  }
  if (durationMs > 1_000) {
    yield { ...plan, durationMs: Math.floor(durationMs / 2) };
    yield { ...plan, durationMs: Math.floor(durationMs * 0.8) };
  }
}
