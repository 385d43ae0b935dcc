import type { Random } from "../ports/random.ts";

/** The operating system's randomness, for a tool that rarely needs any: nothing is loaded before. */
export const lazyRandom: Random = {
  below: (bound) => process.getBuiltinModule("node:crypto").randomInt(bound),
  fill: (into) => {
    process.getBuiltinModule("node:crypto").randomFillSync(into);
  },
};
