/**
 * Inputs that nobody would send, from a seed, for as long as there is time: FUZZ_SECONDS a test (2), FUZZ_SEED the
 * first seed (the same in every run). Each input has a seed of its own; the one that fails is named, and
 * `FUZZ_SEED=<it> FUZZ_SECONDS=0` gives that input again alone.
 */
import { Prng } from "../../src/stdx/prng.ts";

const FIRST_SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_126);
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 2);

/** Milliseconds for a test of this kind. */
export const FUZZ_TIMEOUT_MS: number = (SECONDS + 60) * 1000;

/** Inputs from which on a test may expect to have seen all that there is to see. */
export const MANY_INPUTS = 200;

/** Milliseconds that one input may take: some take microseconds, none a second. */
const INPUT_MS_MAX = 5000;

/** Runs `once` with one seed after the other while there is time, at least once. Returns how often. */
export async function fuzz(once: (random: Prng) => void | Promise<void>): Promise<number> {
  const endMs = performance.now() + SECONDS * 1000;
  let count = 0;
  do {
    const seed = FIRST_SEED + count++;
    const startMs = performance.now();
    try {
      await once(new Prng(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
    const tookMs = performance.now() - startMs;
    if (tookMs > INPUT_MS_MAX) throw new Error(`seed ${seed}: took ${tookMs.toFixed(0)} ms`);
  } while (performance.now() < endMs);
  return count;
}

/** Numbers at which things change. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/** The bytes with one to eight things done to them: changed, gone, doubled, taken from elsewhere. */
export function mutated(bytes: Uint8Array, random: Prng): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let left = random.between(1, 8); left > 0; left--) result = mutatedOnce(result, random);
  return result;
}

function mutatedOnce(bytes: Uint8Array<ArrayBuffer>, random: Prng): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return Uint8Array.of(random.below(256));
  const at = random.below(bytes.length);
  const length = random.between(1, Math.min(16, bytes.length - at));
  switch (random.below(7)) {
    case 0:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = EXTREMES[random.below(EXTREMES.length)];
      return bytes;
    case 2:
      return bytes.fill(0xff, at, at + length);
    case 3:
      return bytes.slice(0, at);
    case 4:
      return joined(bytes.slice(0, at), bytes.slice(at + length));
    case 5:
      return joined(bytes.slice(0, at + length), bytes.slice(at));
    default: {
      const from = random.below(bytes.length);
      bytes.copyWithin(at, from, Math.min(bytes.length, from + length));
      return bytes;
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

/** Hands out `bytes` in pieces of random sizes. */
export function inPieces(bytes: Uint8Array, random: Prng, take: (piece: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; ) {
    const until = Math.min(bytes.length, at + random.between(1, 400));
    take(bytes.slice(at, until));
    at = until;
  }
}
