/** What once failed: it is run before anything else, by the tests and by `npm run sim`. */
import type { SeedPlan } from "./plan.ts";

export interface Regression {
  readonly seed: number;
  /** What of the plan of the seed is replaced. */
  readonly plan: Partial<SeedPlan>;
  /** What was wrong. */
  readonly note: string;
}

export const REGRESSIONS: readonly Regression[] = [];
