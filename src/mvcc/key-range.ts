/**
 * Key ranges as requests spell them, decoded once into an interval of latin1 keys.
 *
 *     key "a", range_end ""      the key "a"
 *     key "a", range_end "c"     ["a", "c"): empty when the end is not above the key, never an error
 *     key "a", range_end "\0"    every key >= "a"
 *     key "\0", range_end "\0"   every key
 *
 * Source: etcd server/etcdserver/apply.go (mkGteRange).
 */
import { latin1FromBytes } from "../stdx/bytes.ts";

/** The half-open interval [from, end); without `end` it has no upper bound. */
export interface KeyRange {
  readonly from: string;
  readonly end: string | undefined;
}

/** Whether `rangeEnd` says that only the key itself is meant. */
export function isSingleKey(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 0;
}

/** Decodes a range; a single key becomes the interval that holds just this key. */
export function keyRangeFrom(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = latin1FromBytes(key);
  if (isSingleKey(rangeEnd)) return { from, end: `${from}\0` };
  const unbounded = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return { from, end: unbounded ? undefined : latin1FromBytes(rangeEnd) };
}
