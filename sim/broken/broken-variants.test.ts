/**
 * The proof that the checkers of the simulator bite: every member that is wrong on purpose is noticed within
 * a few seeds, by a rule that is about what it does wrong; members as they are live through the same seeds.
 */
import { describe, expect, test } from "vitest";
import { installPlatformBytes } from "../../src/platform/native-bytes.ts";
import { SOUND } from "../cluster/variant.ts";
import { runSeed } from "../run-seed.ts";
import { BROKEN_VARIANTS, type BrokenVariant, PLANS } from "./broken-variants.ts";

installPlatformBytes();

/** The first seed of all: others are as good. */
const FIRST_SEED = Number(process.env["BROKEN_SEED"] ?? 1);

/** By world, how many seeds some variant needed. */
const seedsUsed = new Map<BrokenVariant["plan"], number>();

describe("the simulator notices that", () => {
  test.each(BROKEN_VARIANTS.map((each) => [each.name, each] as const))(
    "%s",
    async (_name, broken) => {
      const undo = broken.install?.();
      try {
        for (let at = 0; at < broken.seedsMax; at++) {
          const plan = { ...PLANS[broken.plan], seed: FIRST_SEED + at };
          const { failure } = await runSeed(plan, { variant: broken.variant });
          const used = Math.max(seedsUsed.get(broken.plan) ?? 0, at + 1);
          seedsUsed.set(broken.plan, used);
          if (failure === undefined) continue;
          if (process.env["BROKEN_VERBOSE"] === "1")
            console.log(`${broken.name}: seed ${plan.seed}: ${failure.message}`);
          expect(
            broken.rules.some((rule) => failure.rule.startsWith(rule)),
            failure.message,
          ).toBe(true);
          return;
        }
      } finally {
        undo?.();
      }
      expect.fail(`not noticed in ${broken.seedsMax} seeds`);
    },
    60_000,
  );
});

test("members as they are live through the same seeds", async () => {
  for (const [name, count] of seedsUsed) {
    for (let at = 0; at < count; at++) {
      const plan = { ...PLANS[name], seed: FIRST_SEED + at };
      const { failure } = await runSeed(plan, { variant: SOUND });
      expect(failure?.message, `${name}, seed ${plan.seed}`).toBeUndefined();
    }
  }
}, 120_000);
