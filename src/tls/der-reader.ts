/**
 * Reads DER, the binary form of certificates and revocation lists: elements of tag, length and content, one
 * behind the other. Lengths are checked against what is there before anything is looked at.
 *
 * Source: ITU-T X.690 (BER, CER and DER).
 */
import { latin1FromBytes, utf8FromBytes } from "../stdx/bytes.ts";

/** Tags that certificates and revocation lists use, with the bit of what is made of other elements. */
export const DerTag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_ID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  T61_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Bytes that are not what they should be. Thrown inside this folder, returned by what it exports. */
export class DerError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = "DerError";
  }
}

/** One element: where it is in the bytes that hold it. */
export interface DerElement {
  readonly tag: number;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** Walks the elements of `bytes`. Throws `DerError`. Borrows `bytes`. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Whether the next element has `tag`. */
  isNext(tag: number): boolean {
    return this.#bytes[this.#at] === tag;
  }

  /** The next element, whatever it is. */
  next(): DerElement {
    const start = this.#at;
    const bytes = this.#bytes;
    if (bytes.length - start < 2) throw new DerError("data truncated");
    const tag = bytes[start];
    if ((tag & 0x1f) === 0x1f) throw new DerError("tag of more than one byte");
    let at = start + 2;
    let length = bytes[start + 1];
    if (length >= 0x80) {
      const count = length & 0x7f;
      // Four bytes of length are far more than any file that is read.
      if (count === 0 || count > 4) throw new DerError("length of an unknown form");
      if (bytes.length - at < count) throw new DerError("data truncated");
      length = 0;
      for (const end = at + count; at < end; at++) length = length * 256 + bytes[at];
      if (length < 0x80) throw new DerError("non-minimal length");
    }
    if (length > bytes.length - at) throw new DerError("data truncated");
    this.#at = at + length;
    return {
      tag,
      whole: bytes.subarray(start, this.#at),
      content: bytes.subarray(at, this.#at),
    };
  }

  /** The next element, which must have `tag`. */
  expect(tag: number): DerElement {
    const element = this.next();
    if (element.tag !== tag) throw new DerError(`expected tag ${tag}, found ${element.tag}`);
    return element;
  }

  /** A reader of what is inside the next element, which must have `tag`. */
  enter(tag: number): DerReader {
    return new DerReader(this.expect(tag).content);
  }

  /** The next element when it has `tag`. */
  optional(tag: number): DerElement | undefined {
    return this.isNext(tag) ? this.next() : undefined;
  }
}

/** Calls `read` and returns its result, or the `DerError` that it threw. */
export function caughtDer<T>(read: () => T): T | DerError {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return error;
    throw error;
  }
}

/** An object identifier with dots between its numbers. */
export function objectIdOf({ content }: DerElement): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(value)) throw new DerError("object identifier too large");
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  if (numbers.length === 0) throw new DerError("empty object identifier");
  const [first, ...rest] = numbers;
  const head = Math.min(2, Math.floor(first / 40));
  return [head, first - 40 * head, ...rest].join(".");
}

/** The text of a string element; `undefined` for one of another kind. */
export function textOf({ tag, content }: DerElement): string | undefined {
  switch (tag) {
    case DerTag.UTF8_STRING:
      return utf8FromBytes(content);
    case DerTag.NUMERIC_STRING:
    case DerTag.PRINTABLE_STRING:
    case DerTag.IA5_STRING:
    case DerTag.T61_STRING:
      return latin1FromBytes(content);
    case DerTag.BMP_STRING:
      return utf16FromBytes(content);
    default:
      return undefined;
  }
}

function utf16FromBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    text += String.fromCharCode(bytes[at] * 256 + bytes[at + 1]);
  }
  return text;
}
