import fc from "fast-check";
import { test } from "vitest";
import { boltStep, runBoltSteps } from "../../test/harness/bolt-machine.ts";

test("Db agrees with a map of maps through commits, snapshots, rollbacks and reopening", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(512, 1024, 4096),
      fc.array(boltStep, { minLength: 20, maxLength: 150, size: "max" }),
      (seed, pageSize, steps) => {
        runBoltSteps(seed, pageSize, steps);
      },
    ),
    { numRuns: 150 },
  );
});
