/** What once failed: it is run before anything else, by the tests and by `npm run sim`. */
import { planOf, type SeedPlan } from "./plan.ts";

export interface Regression {
  readonly seed: number;
  /** What of the plan of the seed is replaced. */
  readonly plan: Partial<SeedPlan>;
  /** What was wrong. */
  readonly note: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    seed: 10_078,
    plan: {
      ...{ durationMs: 5_500, watchClients: 0, compacts: false, clockDrift: 0 },
      faults: [
        { name: "power", intervalMs: 5_748 },
        { name: "stop", intervalMs: 1_546 },
        { name: "partition", intervalMs: 6_356 },
        { name: "removeMember", intervalMs: 8_820 },
      ],
      flags: { snapshotCount: 5 },
    },
    note: "a member forgets that the removal it has applied was committed, and needs the removed one's vote",
  },
  {
    seed: 10_428,
    plan: {
      ...{ kvClients: 1, leaseClients: 0, watchClients: 0, compacts: false, clockDrift: 0 },
      faults: [
        { name: "powerEverywhere", intervalMs: 10_440 },
        { name: "partition", intervalMs: 2_815 },
        { name: "isolateLeader", intervalMs: 6_431 },
        { name: "bitFlip", intervalMs: 9_484 },
      ],
      flags: { snapshotCount: 5, initialCorruptCheck: true },
    },
    note: "members that check their data before they start take messages, and refuse their votes meanwhile",
  },
  {
    seed: 10_415,
    plan: {
      durationMs: 13_772,
      faults: [
        { name: "power", intervalMs: 9_844 },
        { name: "slowDisk", intervalMs: 1_948 },
        { name: "stalledDisk", intervalMs: 7_274 },
        { name: "brokenClients", intervalMs: 8_118 },
      ],
      flags: { snapshotCount: 60, preVote: false, compactHashCheckMs: 3_000 },
    },
    note: "a compaction that keeps no key raises an alarm over a member that has not compacted yet",
  },
  {
    seed: 3_128,
    plan: {},
    note: "the leader compares hashes while all keys are deleted, and raises an alarm over equal data",
  },
  {
    seed: 7_035,
    plan: { durationMs: 12_600 },
    note: "a leader that stood still answers for a lease that another one has granted meanwhile",
  },
  {
    seed: 2_943,
    plan: { durationMs: 8_000 },
    note: "a renewal that has waited renews a lease that is being revoked by then",
  },
];

/** All of a plan. What there was not when it failed is left out, unless it says so. */
export function planOfRegression({ seed, plan }: Pick<Regression, "seed" | "plan">): SeedPlan {
  return { ...planOf(seed), authentication: false, ...plan };
}
