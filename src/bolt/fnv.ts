/** FNV-1a with 64 bits, the checksum of meta pages, in two 32-bit halves. */

/** The offset basis 0xcbf29ce484222325. */
const BASIS_HIGH = 0xcbf29ce4;
const BASIS_LOW = 0x84222325;

/** The prime is 2^40 + PRIME_LOW. */
const PRIME_LOW = 0x1b3;

const WORD = 2 ** 32;

/** A 64-bit value as two unsigned words. */
export interface Sum64 {
  readonly high: number;
  readonly low: number;
}

/** Returns the FNV-1a hash of `bytes[start, end)`. */
export function fnv1a64(bytes: Uint8Array, start: number, end: number): Sum64 {
  let high = BASIS_HIGH;
  let low = BASIS_LOW;
  for (let at = start; at < end; at++) {
    const mixed = (low ^ bytes[at]) >>> 0;
    // Times 2^40 moves the low word 8 bits up into the high one; all products stay below 2^53.
    const product = mixed * PRIME_LOW;
    high = (high * PRIME_LOW + Math.floor(product / WORD) + ((mixed << 8) >>> 0)) % WORD;
    low = product % WORD;
  }
  return { high, low };
}
