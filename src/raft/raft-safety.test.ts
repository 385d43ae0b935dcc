/**
 * Random histories of whole groups, checked for what Raft promises (see test/harness/raft-chaos.ts).
 * RAFT_CHAOS_SEED=n runs one history, RAFT_CHAOS_RUNS=n that many.
 */
import { expect, test } from "vitest";
import { ChaosGroup } from "../../test/harness/raft-chaos.ts";
import { Prng } from "../stdx/prng.ts";

const STEPS = 6000;
const RUNS_DEFAULT = 24;
const HEAL_ROUNDS_MAX = 1000;

const seed = process.env["RAFT_CHAOS_SEED"];
const runs = Number(process.env["RAFT_CHAOS_RUNS"] ?? RUNS_DEFAULT);
const seeds = seed === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(seed)];

function runHistory(of: number): ChaosGroup {
  const prng = new Prng(of);
  const group = new ChaosGroup(prng, {
    preVote: prng.chance(0.5),
    checkQuorum: prng.chance(0.5),
    campaignChance: prng.pick([0, 0.001, 0.01]),
    voters: prng.pick([1, 3, 3, 5]),
    spares: prng.pick([0, 1, 2]),
  });
  for (let step = 0; step < STEPS; step++) group.step();
  return group;
}

test("RawNode keeps what Raft promises in random histories", () => {
  let applied = 0;
  for (const each of seeds) {
    try {
      const group = runHistory(each);
      group.heal(HEAL_ROUNDS_MAX);
      applied += group.summary.applied;
    } catch (error) {
      throw new Error(`history of RAFT_CHAOS_SEED=${each} failed`, { cause: error });
    }
  }
  expect(applied).toBeGreaterThan(seeds.length * 20);
});

test("ChaosGroup makes the same history from the same seed", () => {
  const [one, other] = [runHistory(7), runHistory(7)];
  expect(one.summary).toEqual(other.summary);
});
