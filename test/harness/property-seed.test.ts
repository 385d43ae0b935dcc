import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_SEED } from "./property-seed.ts";

test("property tests take the seed of the run", () => {
  expect(fc.readConfigureGlobal()?.seed).toBe(PROPERTY_SEED);
});
