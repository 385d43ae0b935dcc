/** What a seed stands for: how large the cluster is, what clients do, and what goes wrong. */
import { Prng } from "../src/stdx/prng.ts";
import type { ServerConfig } from "../src/server/config/config.ts";
import { FAULTS, type FaultPlan } from "./faults/faults.ts";

export interface SeedPlan {
  readonly seed: number;
  readonly members: number;
  /** Simulated time of the safety phase. */
  readonly durationMs: number;
  readonly kvClients: number;
  readonly leaseClients: number;
  readonly watchClients: number;
  readonly keys: number;
  readonly compacts: boolean;
  readonly faults: readonly FaultPlan[];
  /** What of the configuration of members is not `DEFAULTS`. */
  readonly flags: Partial<ServerConfig>;
  /** Whether calls are checked for who makes them, and users and roles change all the time. */
  readonly authentication: boolean;
  /** Largest difference of a clock's rate from the true one: 0.001 is a millisecond a second. */
  readonly clockDrift: number;
}

/** The plainest member: no log is ever cut, and nothing is checked beside. */
export const DEFAULTS: Partial<ServerConfig> = { snapshotCount: 10_000 };

/** Probability of each kind of fault. Some seeds have none at all. */
const FAULT_CHANCES = [0, 0.15, 0.3, 0.5] as const;

export function planOf(seed: number): SeedPlan {
  const random = new Prng(seed).fork("plan");
  const chance = random.pick(FAULT_CHANCES);
  const faults = Object.keys(FAULTS).flatMap((name): FaultPlan[] => {
    // Drawn for all of them, so that a new kind changes nothing else of a seed.
    const own = random.fork(name);
    const intervalMs = own.between(1_500, 12_000);
    return own.chance(chance) ? [{ name, intervalMs }] : [];
  });
  return {
    seed,
    members: random.pick([1, 3, 3, 3, 3, 3, 3, 5, 5, 5]),
    durationMs: random.between(8_000, 30_000),
    kvClients: random.between(2, 5),
    leaseClients: random.below(3),
    watchClients: random.between(1, 3),
    keys: random.between(2, 8),
    compacts: random.chance(0.5),
    faults,
    flags: flagsOf(random.fork("flags")),
    authentication: random.fork("authentication").chance(0.3),
    clockDrift: random.pick([0, 0.0001, 0.01]),
  };
}

function flagsOf(random: Prng): Partial<ServerConfig> {
  return {
    snapshotCount: random.pick([5, 20, 60, 200, 10_000]),
    snapshotCatchUpEntries: random.pick([1, 10, 5_000]),
    preVote: random.chance(0.8),
    initialElectionTickAdvance: random.chance(0.7),
    backendBatchLimit: random.pick([1, 7, 50, 10_000]),
    compactionBatchLimit: random.pick([1, 5, 1_000]),
    leaseCheckpoints: random.pick(["none", "none", "memory", "persisted"]),
    initialCorruptCheck: random.chance(0.3),
    corruptCheckMs: random.pick([0, 0, 2_000]),
    compactHashCheckMs: random.pick([0, 0, 3_000]),
    watchProgressIntervalMs: random.pick([200, 600_000]),
    learnerAutoPromote: random.chance(0.2),
    repairsFromPeers: random.chance(0.4),
  };
}
