/** A small keyspace, and the keys and ranges of it that random requests ask for. */
import { bytesFromLatin1, EMPTY_BYTES } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";

export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** Keys, one character per byte: shared prefixes, and bytes at both ends of what sorts and text do. */
const KEYS = [
  ...["a", "a\0", "a\x01", "aa", "aab", "ab", "abc", "abd"],
  ...["b", "b/", "b/1", "b/10", "b/2", "b/3"],
  ...["foo", "foo\xff", "foo\xff\xff", "fop"],
  ...["\0", "\0\0", "\x01", "k\x7f", "k\x80", "\xff", "\xff\0", "\xff\xff"],
  ...["c", "zz", "\xd0\xba\xd0\xbb", "z".repeat(64)],
].map(bytesFromLatin1);

/**
 * Prefixes and what follows the last key that has them. None has more than 12 keys: as many as etcd sorts
 * without changing the order of equal ones.
 */
export const PREFIX_RANGES = [
  ["a", "b"],
  ["b", "c"],
  ["b/", "b0"],
  ["fo", "fp"],
  ["foo\xff", "fop"],
  ["\0", "\x01"],
  ["k", "l"],
  ["z", "{"],
].map((range) => range.map(bytesFromLatin1));

/** The rest of the keyspace, and all of it. */
const TO_THE_END = Uint8Array.of(0);
const MARKS = ["", "a", "ab", "b/1", "foo", "k\x80", "z"].map(bytesFromLatin1);

/** A key, rarely the empty one. */
export function randomKey(prng: Prng): Uint8Array {
  return prng.chance(0.01) ? EMPTY_BYTES : prng.pick(KEYS);
}

/** A key or a range of any kind. One that is small has no more keys than etcd's sort keeps in order. */
export function randomRange(prng: Prng): { range: KeyRange; isSmall: boolean } {
  const roll = prng.below(10);
  if (roll < 3) return { range: { key: randomKey(prng), rangeEnd: EMPTY_BYTES }, isSmall: true };
  if (roll < 6) {
    const [key, rangeEnd] = prng.pick(PREFIX_RANGES);
    return { range: { key, rangeEnd }, isSmall: true };
  }
  if (roll < 8)
    return { range: { key: randomKey(prng), rangeEnd: prng.pick(MARKS) }, isSmall: false };
  const key = roll < 9 ? randomKey(prng) : TO_THE_END;
  return { range: { key, rangeEnd: TO_THE_END }, isSmall: false };
}
