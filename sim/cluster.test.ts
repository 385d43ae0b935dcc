/** Whole clusters under chance: fixed seeds, each one a history of its own. `npm run sim` runs any others. */
import { describe, expect, test } from "vitest";
import { planOf } from "./plan.ts";
import { runSeed } from "./run-seed.ts";

const FIRST_SEED = 1;
const SEEDS = 14;

/** No log is ever cut, so that nobody has to be sent a snapshot. */
const WITHOUT_SNAPSHOTS = { snapshotCount: 10_000 };

describe("a cluster with faults", () => {
  test(`is safe meanwhile and whole afterwards, seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`, async () => {
    const faults = new Map<string, number>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const report = await runSeed({ ...planOf(seed), ...WITHOUT_SNAPSHOTS });
      expect(report.failure?.message, `seed ${seed}`).toBeUndefined();
      expect(report.counts["answered"], `seed ${seed}`).toBeGreaterThan(10);
      for (const [name, count] of Object.entries(report.counts)) {
        faults.set(name, (faults.get(name) ?? 0) + count);
      }
    }
    expect(faults.get("fault power")).toBeGreaterThan(0);
    expect(faults.get("fault partition")).toBeGreaterThan(0);
    expect(faults.get("elections")).toBeGreaterThan(SEEDS);
  }, 120_000);

  test("lives the same life again from the same seed", async () => {
    const plan = { ...planOf(14), ...WITHOUT_SNAPSHOTS };
    const first = await runSeed(plan);
    expect(plan.faults.length).toBeGreaterThan(5);
    expect(await runSeed(plan)).toEqual(first);
    const other = await runSeed({ ...plan, seed: plan.seed + 1 });
    expect(other.digest).not.toBe(first.digest);
  }, 60_000);
});
