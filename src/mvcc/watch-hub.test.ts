import { describe, expect, it } from "vitest";
import { Prng } from "../stdx/prng.ts";
import { WATCH_LIMITS } from "./limits.ts";
import { SMALL_LIMITS, WatchWorld, type WorldCounts } from "./testing/watch-world.ts";

/** Lives of a random number of steps; `WATCH_SEEDS` and `WATCH_SEED` search elsewhere. */
const SEEDS = Number(process.env["WATCH_SEEDS"] ?? 300);
const FIRST_SEED = Number(process.env["WATCH_SEED"] ?? 1);

describe("WatchHub", { timeout: 20_000 + 50 * SEEDS }, () => {
  it("shows every watcher what it asked for, in every life", () => {
    const total: { -readonly [name in keyof WorldCounts]: number } = {
      events: 0,
      compacted: 0,
      cancelled: 0,
    };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const prng = new Prng(seed);
      const world = new WatchWorld(prng, seed % 4 === 0 ? WATCH_LIMITS : SMALL_LIMITS);
      try {
        for (let steps = prng.between(10, 500); steps > 0; steps--) world.step();
        world.drain();
      } catch (error) {
        throw new Error(`WATCH_SEED=${seed} WATCH_SEEDS=1 fails`, { cause: error });
      }
      const { events, compacted, cancelled } = world.counts;
      total.events += events;
      total.compacted += compacted;
      total.cancelled += cancelled;
    }
    expect(total.events).toBeGreaterThan(20 * SEEDS);
    expect(total.compacted).toBeGreaterThan(SEEDS / 10);
    expect(total.cancelled).toBeGreaterThan(SEEDS / 10);
  });
});
