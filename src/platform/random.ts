/** The operating system's randomness. */
import { randomFillSync, randomInt } from "node:crypto";
import type { Random } from "../ports/random.ts";

export const systemRandom: Random = {
  below: (bound: number) => randomInt(bound),
  fill: (into: Uint8Array) => {
    randomFillSync(into);
  },
};
