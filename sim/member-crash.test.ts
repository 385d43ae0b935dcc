/**
 * A whole member, crashed before every operation on its disk, with unsynced data kept, lost or torn: what
 * is found afterwards is a beginning of what was proposed, with everything that was acknowledged.
 */
import { describe, expect, test } from "vitest";
import { Prng } from "../src/stdx/prng.ts";
import { SimulatedDisk } from "./disk.ts";
import { dumpState } from "./kv-model.ts";
import { heldBy, legalStates, NO_PROGRESS, plan, reopen, work } from "./member-life.ts";
import { SimulatedMember } from "./simulated-member.ts";

/** CRASH_SEEDS sets how many lives are tried, CRASH_SEED the first. */
const FIRST_SEED = Number(process.env["CRASH_SEED"] ?? 11);
const SEEDS = Array.from(
  { length: Number(process.env["CRASH_SEEDS"] ?? 4) },
  (_, index) => FIRST_SEED + index,
);

async function crashAt(
  seed: number,
  point: number,
  survivals: readonly number[],
): Promise<boolean> {
  const operations = plan(seed);
  const states = legalStates(operations);
  const disk = new SimulatedDisk({ random: new Prng(seed + point) });
  disk.crashAt(point);
  const member = new SimulatedMember(disk, 1_000_000);
  const started = await member.start(new Prng(seed));
  const progress = started ? await work(member, operations, 0, new Prng(seed)) : NO_PROGRESS;
  for (const survivalSeed of survivals) {
    const where = `seed ${seed}, point ${point}, survival ${survivalSeed}`;
    const survival = survivalSeed === 0 ? "kept" : survivalSeed === 1 ? "lost" : "random";
    const after = disk.crash(new Prng(survivalSeed * 7919 + point), { survival });
    const again = new SimulatedMember(after, 2_000_000);
    const held = await reopen(again, seed, states, progress, where);
    const rest = await work(again, operations, held, new Prng(seed + 1));
    expect(rest.acknowledged, `${where}: works on`).toBe(operations.length);
    expect(dumpState(again.host.member.applier), where).toBe(states[operations.length]);
  }
  return disk.halted;
}

describe("a member that crashes before every operation on its disk", () => {
  test.each(SEEDS)(
    "keeps what it acknowledged and shows only what was proposed, seed %i",
    async (seed) => {
      let point = 1;
      while (await crashAt(seed, point, [0, 1, 2 + (point % 7)])) point++;
      expect(point).toBeGreaterThan(60);
    },
    60_000,
  );
});

describe("a member that is killed, started again, and then loses power", () => {
  test.each(SEEDS)(
    "keeps what it acknowledged in either life, seed %i",
    async (seed) => {
      const operations = plan(seed);
      const states = legalStates(operations);
      const random = new Prng(seed);
      for (let round = 0; round < 40; round++) {
        const where = `seed ${seed}, round ${round}`;
        const first = new SimulatedDisk({ random: new Prng(seed + round) });
        first.crashAt(1 + random.below(150));
        const killed = new SimulatedMember(first, 1_000_000);
        const started = await killed.start(new Prng(seed));
        const early = started ? await work(killed, operations, 0, random) : NO_PROGRESS;
        const second = first.crash(new Prng(round), { cause: "process" });
        second.crashAt(second.points + 1 + random.below(60));
        const unlucky = new SimulatedMember(second, 2_000_000);
        let late = early;
        if (await unlucky.start(new Prng(seed + 1))) {
          // What is seen once it serves is there for good.
          const held = heldBy(unlucky, states, early, where);
          late = await work(unlucky, operations, held, random);
        }
        const survivor = new SimulatedMember(second.crash(new Prng(round + 99)), 3_000_000);
        await reopen(survivor, seed, states, late, where);
      }
    },
    60_000,
  );
});

describe("a member whose disk fails", () => {
  test.each(["EIO", "ENOSPC"] as const)(
    "ends itself after a failed durable write (%s) and has lied to nobody",
    async (code) => {
      const operations = plan(3);
      const states = legalStates(operations);
      for (let after = 1; after < 8; after++) {
        const disk = new SimulatedDisk({ random: new Prng(after) });
        const member = new SimulatedMember(disk, 1_000_000);
        expect(await member.start(new Prng(1))).toBe(true);
        disk.inject({ operation: "writeDurable", pathSuffix: ".wal", after, code, times: 1e6 });
        const progress = await work(member, operations, 0, new Prng(5));
        expect(member.fatal?.message).toMatch(/\.wal/);
        const again = new SimulatedMember(disk.crash(new Prng(after)), 2_000_000);
        await reopen(again, 1, states, progress, `after ${after}`);
      }
    },
    60_000,
  );
});
