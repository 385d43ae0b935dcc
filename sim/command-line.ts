/** A plan as the command that runs it, and back. */
import { planOf, type SeedPlan } from "./plan.ts";

/** The command that runs this plan: its seed, and what differs from the plan of that seed. */
export function commandFor(plan: SeedPlan): string {
  const usual = planOf(plan.seed);
  const changed = Object.entries(plan).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name as keyof SeedPlan]),
  );
  const command = `npm run sim -- --seed ${plan.seed}`;
  if (changed.length === 0) return command;
  return `${command} --plan '${JSON.stringify(Object.fromEntries(changed))}'`;
}

/** The plan of a seed, with the parts that `replaced` (JSON) names. */
export function planFrom(seed: number, replaced: string): SeedPlan {
  return { ...planOf(seed), ...(JSON.parse(replaced) as Partial<SeedPlan>) };
}
