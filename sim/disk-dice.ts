/**
 * What a power failure does to one unsynced change: it reached the device, it did not, or a part of it
 * did. A crash is either wholly one of the first two or decides anew for each change, because bugs hide
 * in both: "everything lost" and "the newer kept, the older lost".
 */
import type { Random } from "../src/ports/random.ts";

export type Fate = "kept" | "lost" | "torn";

/** `random` decides for each change by itself; the others decide the same for all. */
export type Survival = "random" | "kept" | "lost";

export class CrashDice {
  readonly #random: Random;
  readonly #survival: Survival;

  constructor(random: Random, survival: Survival) {
    this.#random = random;
    this.#survival = survival;
    if (survival === "random") {
      const draw = random.below(8);
      if (draw === 0) this.#survival = "kept";
      if (draw === 1) this.#survival = "lost";
    }
  }

  /** The fate of a change that can be torn. */
  fate(): Fate {
    if (this.#survival !== "random") return this.#survival;
    const draw = this.#random.below(3);
    return draw === 0 ? "kept" : draw === 1 ? "lost" : "torn";
  }

  /** The fate of an atomic change, or of one sector of a torn one. */
  keeps(): boolean {
    if (this.#survival !== "random") return this.#survival === "kept";
    return this.#random.below(2) === 0;
  }

  /** An integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.#random.below(high - low + 1);
  }

  /** Reorders in place: changes under way at the same time reach the device in any order. */
  shuffle<T>(values: T[]): void {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.#random.below(last + 1);
      const value = values[last];
      values[last] = values[other];
      values[other] = value;
    }
  }
}
