/**
 * Keys and ranges of keys as programs write them, and the prefix that a namespace puts in front of them.
 *
 * Source: etcd client/v3/namespace/util.go, client/v3/op.go (GetPrefixRangeEnd).
 */
import { Errors } from "../errors/table.ts";
import {
  bytesFromUtf8,
  compareBytes,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  utf8FromBytes,
} from "../stdx/bytes.ts";

/** A key or a value: a text is its UTF-8 form. */
export type Bytes = string | Uint8Array;

/** Every key with a prefix, or every key from one (inclusive) to another (exclusive, or the end). */
export type KeyRange =
  | {
      /** What the keys begin with; empty: all keys. */
      readonly prefix: Bytes;
    }
  | {
      /** The first key, inclusive; empty: from the beginning. */
      readonly from: Bytes;
      /** Where it ends, exclusive; at the end of all keys when absent. */
      readonly to?: Bytes | undefined;
    };

/** One key, or a range of them. */
export type KeyTarget = Bytes | KeyRange;

/** A range as requests have it. */
export interface WireRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** In requests: the smallest key, and as an end, no end. */
const ZERO_BYTE = new Uint8Array(1);

export function toBytes(text: Bytes): Uint8Array {
  return typeof text === "string" ? bytesFromUtf8(text) : text;
}

/** The end of the range of keys that begin with `prefix`. */
function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let at = prefix.length - 1; at >= 0; at--) {
    if (prefix[at] === 0xff) continue;
    const end = prefix.slice(0, at + 1);
    end[at]++;
    return end;
  }
  return ZERO_BYTE;
}

/** The keys that a client sees: all, or those with a prefix, which it does not see. */
export class KeySpace {
  /** What all keys begin with, as the server has them; empty without a namespace. */
  readonly prefix: Uint8Array;

  /** All keys when `prefix` is absent or empty. */
  constructor(prefix: Bytes = EMPTY_BYTES) {
    this.prefix = toBytes(prefix);
  }

  /** The space of the keys in this one that begin with `prefix`. */
  within(prefix: Bytes): KeySpace {
    return new KeySpace(concatBytes([this.prefix, toBytes(prefix)]));
  }

  /** The key as the server has it. Throws `Errors.EmptyKey`. */
  key(key: Bytes): Uint8Array {
    const bytes = toBytes(key);
    if (bytes.length === 0) throw Errors.EmptyKey;
    return this.#prefixed(bytes);
  }

  /** The range as the server has it. Throws `Errors.EmptyKey`, and `RangeError` when it ends before it begins. @internal */
  range(target: KeyTarget): WireRange {
    if (typeof target === "string" || target instanceof Uint8Array) {
      return { key: this.key(target), rangeEnd: EMPTY_BYTES };
    }
    if ("prefix" in target) {
      const prefix = this.#prefixed(toBytes(target.prefix));
      return { key: orSmallest(prefix), rangeEnd: prefixEnd(prefix) };
    }
    const key = orSmallest(this.#prefixed(toBytes(target.from)));
    if (target.to === undefined) return { key, rangeEnd: prefixEnd(this.prefix) };
    const rangeEnd = this.#prefixed(toBytes(target.to));
    if (compareBytes(key, rangeEnd) >= 0) {
      const [from, to] = [target.from, target.to].map((end) => utf8FromBytes(toBytes(end)));
      throw new RangeError(
        `Cannot range from "${from}" to "${to}": the end must be behind the start`,
      );
    }
    return { key, rangeEnd };
  }

  /** A key of the server as this space shows it. */
  shown(key: Uint8Array): Uint8Array {
    return this.prefix.length === 0 ? key : key.subarray(this.prefix.length);
  }

  #prefixed(key: Uint8Array): Uint8Array {
    return this.prefix.length === 0 ? key : concatBytes([this.prefix, key]);
  }
}

/** The target whose range is `range`: texts where the bytes are well-formed UTF-8. */
export function targetOf({ key, rangeEnd }: WireRange): KeyTarget {
  if (rangeEnd.length === 0) return textOrBytes(key);
  const isOfAll = equalBytes(key, ZERO_BYTE) && equalBytes(rangeEnd, ZERO_BYTE);
  if (isOfAll) return { prefix: "" };
  if (equalBytes(rangeEnd, ZERO_BYTE)) return { from: textOrBytes(key) };
  if (equalBytes(rangeEnd, prefixEnd(key))) return { prefix: textOrBytes(key) };
  return { from: textOrBytes(key), to: textOrBytes(rangeEnd) };
}

function textOrBytes(bytes: Uint8Array): Bytes {
  const text = utf8FromBytes(bytes);
  return equalBytes(bytesFromUtf8(text), bytes) ? text : bytes;
}

function orSmallest(key: Uint8Array): Uint8Array {
  return key.length === 0 ? ZERO_BYTE : key;
}
