/**
 * Varints: seven bits a byte, lowest first, the top bit says that more follow. Forward writing of safe
 * integers into memory that the caller sized.
 */

const TWO_7 = 128;
const TWO_31 = 2147483648;

/** Returns the bytes of the varint of `value`, a safe integer of at least 0: 1 to 8. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= TWO_7; bytes++) {
    rest = rest < TWO_31 ? rest >>> 7 : Math.floor(rest / TWO_7);
  }
  return bytes;
}

/**
 * Writes `value`, a safe integer of at least 0, at `position` and returns the position after it. The
 * caller makes sure that `varintBytes(value)` bytes are free.
 */
export function writeVarint(value: number, target: Uint8Array, position: number): number {
  let at = position;
  let rest = value;
  while (rest >= TWO_31) {
    target[at++] = (rest % TWO_7) | 0x80;
    rest = Math.floor(rest / TWO_7);
  }
  while (rest >= TWO_7) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}
