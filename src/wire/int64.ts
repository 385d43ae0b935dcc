/**
 * 64-bit integers between their two halves, `number` and `bigint`.
 *
 * A `bigint` is split and joined through one shared 8-byte cell seen as both types: no arithmetic on
 * bigints, no allocation except the result.
 */

const TWO_32 = 4294967296;

const cell = new ArrayBuffer(8);
const halves = new Uint32Array(cell);
const signedCell = new BigInt64Array(cell);
const unsignedCell = new BigUint64Array(cell);

/** Index of the low half in `halves`: the byte order of this machine. */
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** Returns the low 32 bits of `value` modulo 2^64, unsigned. The high ones: `highHalf()` right after. */
export function lowHalf(value: bigint): number {
  signedCell[0] = value;
  return halves[LOW];
}

/** Returns the high 32 bits, unsigned, of the value last given to `lowHalf`. */
export function highHalf(): number {
  return halves[HIGH];
}

/** Joins two halves to a signed 64-bit integer. */
export function signedBigint(low: number, high: number): bigint {
  halves[LOW] = low;
  halves[HIGH] = high;
  return signedCell[0];
}

/** Joins two halves to an unsigned 64-bit integer. */
export function unsignedBigint(low: number, high: number): bigint {
  halves[LOW] = low;
  halves[HIGH] = high;
  return unsignedCell[0];
}

/** Joins two halves to a signed 64-bit integer, clamped to the safe integers. */
export function signedNumber(low: number, high: number): number {
  const value = (high | 0) * TWO_32 + (low >>> 0);
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value;
}

/** Joins two halves to an unsigned 64-bit integer, clamped to the safe integers. */
export function unsignedNumber(low: number, high: number): number {
  const value = (high >>> 0) * TWO_32 + (low >>> 0);
  return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value;
}
