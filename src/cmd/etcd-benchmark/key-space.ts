/**
 * The keys and the requests of a load. Key number n begins with n as a signed varint, and is zeros behind that.
 *
 * Source: etcd tools/benchmark/cmd/put.go (3.5); Go encoding/binary (PutVarint).
 */
import { varintBytes, writeVarint } from "../../stdx/varint.ts";
import type { FlagSet } from "../pflag.ts";
import { KEPT_BODIES_BYTES_MAX, KEY_BYTES_MAX, KEY_SPACE_MAX } from "./limits.ts";
import { numberOf, refuse } from "./settings.ts";

/** How many keys there are, and how long each is. */
export interface KeySpace {
  readonly size: number;
  readonly keyBytes: number;
}

/** Reads `--key-space-size` and `--key-size`; a key must have room for its number. */
export function keySpaceOf(flags: FlagSet): KeySpace {
  const size = numberOf(flags, "key-space-size", 1, KEY_SPACE_MAX);
  const least = varintBytes(signed(size - 1));
  const keyBytes = numberOf(flags, "key-size", 0, KEY_BYTES_MAX);
  if (keyBytes < least) {
    refuse(`expected --key-size of at least ${least} for ${size} keys, got (${keyBytes})`);
  }
  return { size, keyBytes };
}

/** A fresh key. */
export function keyOf(space: KeySpace, number: number): Uint8Array {
  const key = new Uint8Array(space.keyBytes);
  writeKey(number, key, 0);
  return key;
}

/** Writes key `number` at `at`, over zeros. */
export function writeKey(number: number, into: Uint8Array, at: number): void {
  writeVarint(signed(number), into, at);
}

/** A number that is not negative, as signed varints have it. */
function signed(number: number): number {
  return number * 2;
}

/** Requests by number: made when they are first wanted, and kept while that does not take too much memory. */
export class Bodies {
  readonly #make: (number: number) => Uint8Array;
  readonly #kept = new Map<number, Uint8Array>();
  #keptBytes = 0;

  constructor(make: (number: number) => Uint8Array) {
    this.#make = make;
  }

  get(number: number): Uint8Array {
    const kept = this.#kept.get(number);
    if (kept !== undefined) return kept;
    const made = this.#make(number);
    if (this.#keptBytes + made.length <= KEPT_BODIES_BYTES_MAX) {
      this.#kept.set(number, made);
      this.#keptBytes += made.length;
    }
    return made;
  }
}
