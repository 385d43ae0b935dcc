/** Whole clusters under chance: fixed seeds, each one a history of its own. `npm run sim` runs any others. */
import { describe, expect, test } from "vitest";
import { planOf } from "./plan.ts";
import { planOfRegression, REGRESSIONS } from "./regressions.ts";
import { runSeed, type SeedReport } from "./run-seed.ts";
import { shrink } from "./shrink.ts";
import { commandFor } from "./command-line.ts";

const FIRST_SEED = 1;
const SEEDS = 36;

describe("a cluster with faults", () => {
  test.each(REGRESSIONS)("does not fail any more as it once did: $note", async (regression) => {
    const { failure } = await runSeed(planOfRegression(regression));
    expect(failure?.message).toBeUndefined();
  });

  test(`is safe meanwhile and whole afterwards, seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`, async () => {
    const sums = new Map<string, number>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const plan = planOf(seed);
      const report = await runSeed(plan);
      expect(report.failure?.message, commandFor(plan)).toBeUndefined();
      addCounts(sums, report);
    }
    // What is not reached is not tested.
    for (const reached of [
      "snapshotsDelivered",
      "confChanges",
      "endedThemselves",
      "flipsRefused",
    ]) {
      expect(sums.get(reached), reached).toBeGreaterThan(0);
    }
    const faults = [...sums].filter(([name]) => name.startsWith("fault "));
    expect(faults.length).toBeGreaterThan(20);
    for (const [name, count] of faults) expect(count, name).toBeGreaterThan(0);
    expect(sums.get("elections")).toBeGreaterThan(2 * SEEDS);
  }, 180_000);

  test("lives the same life again from the same seed", async () => {
    const plan = planOf(14);
    const first = await runSeed(plan);
    expect(plan.faults.length).toBeGreaterThan(5);
    expect(await runSeed(plan)).toEqual(first);
    const other = await runSeed({ ...plan, seed: plan.seed + 1 });
    expect(other.digest).not.toBe(first.digest);
  }, 60_000);
});

describe("shrink", () => {
  test("leaves what the failure needs", async () => {
    const smallest = await shrink(planOf(18), { rule: "r", atMs: 4_000 }, (plan) => {
      const fails = plan.faults.some(({ name }) => name === "stalledDisk") && plan.members >= 3;
      return Promise.resolve(fails ? { rule: "r", atMs: 4_000 } : undefined);
    });
    expect(smallest.faults.map(({ name }) => name)).toEqual(["stalledDisk"]);
    expect(smallest.members).toBe(3);
    expect(smallest.watchClients + smallest.leaseClients).toBe(0);
    expect(commandFor(smallest)).toMatch(
      /^npm run sim -- --seed 18 --plan '\{.*"stalledDisk".*\}'$/,
    );
  });
});

function addCounts(sums: Map<string, number>, { counts }: SeedReport): void {
  for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
}
