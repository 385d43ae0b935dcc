/**
 * Seeded random numbers for simulation, tests and jitter: the same seed gives the same sequence on every
 * machine. Not for secrets. Has the shape of the port `Random`.
 *
 * The generator is xoshiro128** (four 32-bit words, period 2^128 - 1); its state is filled by splitmix32,
 * so that seeds which differ in one bit give unrelated sequences.
 *
 * Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators" (2021), prng.di.unimi.it.
 */
import { assert } from "./assert.ts";

/** One past the largest word. */
const WORD_BOUND = 2 ** 32;

/** 2^32 divided by the golden ratio, odd: splitmix's step. */
const GOLDEN_STEP = 0x9e3779b9;

export class Prng {
  /** Identity of the sequence, untouched by draws: what `fork` starts from. */
  readonly #seedHigh: number;
  readonly #seedLow: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` is a safe integer >= 0; all 53 bits count. */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed) && seed >= 0, () => `Cannot seed a Prng with ${seed}`);
    this.#seedHigh = Math.floor(seed / WORD_BOUND);
    this.#seedLow = seed >>> 0;
    this.#a = mix((this.#seedLow + GOLDEN_STEP) | 0);
    this.#b = mix((this.#seedHigh ^ (this.#a + GOLDEN_STEP)) | 0);
    this.#c = mix((this.#b + GOLDEN_STEP) | 0);
    // xoshiro stays at zero forever if all words are zero.
    this.#d = mix((this.#c + GOLDEN_STEP) | 0) | 1;
  }

  /** The next 32 random bits as an unsigned number. */
  next(): number {
    const scrambled = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return scrambled >>> 0;
  }

  /** An integer in [0, bound), uniformly. `bound` is 1 to 2^32. */
  below(bound: number): number {
    assert(
      Number.isInteger(bound) && bound >= 1 && bound <= WORD_BOUND,
      () => `Cannot draw below ${bound}: must be 1 to 2^32`,
    );
    if (bound === 1) return 0;
    // Drawing the bits that bound - 1 needs and trying again keeps every value equally likely.
    const spareBits = Math.clz32(bound - 1);
    for (;;) {
      const value = this.next() >>> spareBits;
      if (value < bound) return value;
    }
  }

  /** An integer in [low, high], uniformly. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with the given probability, 0 to 1. Always draws, so that changing it shifts nothing else. */
  chance(probability: number): boolean {
    return this.next() < probability * WORD_BOUND;
  }

  /** One of the values, which must not be empty. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** Reorders the values in place, every order equally likely. */
  shuffle<T>(values: T[]): void {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const value = values[last];
      values[last] = values[other];
      values[other] = value;
    }
  }

  /** Fills `into` with random bytes. */
  fill(into: Uint8Array): void {
    for (let at = 0; at < into.length; at += 4) {
      const word = this.next();
      into[at] = word;
      if (at + 1 < into.length) into[at + 1] = word >>> 8;
      if (at + 2 < into.length) into[at + 2] = word >>> 16;
      if (at + 3 < into.length) into[at + 3] = word >>> 24;
    }
  }

  /**
   * A generator of its own for one part of the program. It depends on this one's seed and the label only,
   * not on what was drawn before: a part that starts to draw more does not disturb the others.
   */
  fork(label: string): Prng {
    let low = this.#seedLow ^ GOLDEN_STEP;
    let high = this.#seedHigh;
    for (let at = 0; at < label.length; at++) {
      low = mix((low ^ label.charCodeAt(at)) + GOLDEN_STEP);
      high = mix((high + low) ^ label.length);
    }
    return new Prng((high & 0x1fffff) * WORD_BOUND + (low >>> 0));
  }
}

function rotate(word: number, left: number): number {
  return (word << left) | (word >>> (32 - left));
}

/** The finalizer of splitmix32: every input bit changes about half of the output bits. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
