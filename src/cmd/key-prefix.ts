/** Ranges of all keys that begin alike. */

/** A key, and the end of the range that begins there; empty for the key alone. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** The start of all keys, and the end of them. */
export const ZERO_BYTE: Uint8Array = Uint8Array.of(0);
/** All keys that begin with `prefix`. */
export function prefixRange(prefix: Uint8Array): KeyRange {
  if (prefix.length === 0) return { key: ZERO_BYTE, rangeEnd: ZERO_BYTE };
  return { key: prefix, rangeEnd: prefixEnd(prefix) };
}

/** The first key behind all keys that begin with `prefix`. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return ZERO_BYTE;
  const end = prefix.slice(0, length);
  end[length - 1]++;
  return end;
}
