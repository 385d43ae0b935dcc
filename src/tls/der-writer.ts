/**
 * Writes DER: every function returns one whole element.
 *
 * Source: ITU-T X.690 (BER, CER and DER).
 */
import { bytesFromLatin1, bytesFromUtf8, concatBytes } from "../stdx/bytes.ts";
import { DerTag } from "./der-reader.ts";
import { calendarDigits } from "./der-time.ts";

/** An element with `tag` around `parts`, which stand one behind the other. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(parts);
  return concatBytes([Uint8Array.of(tag, ...lengthBytes(content.length)), content]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return [0x80 | bytes.length, ...bytes];
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(DerTag.SEQUENCE, ...parts);
}

export function derSet(...parts: readonly Uint8Array[]): Uint8Array {
  return der(DerTag.SET, ...parts);
}

/** An element for `parts` of a type that the number tells: "[2] EXPLICIT". */
export function derTagged(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return der(0xa0 | number, ...parts);
}

/** A non-negative integer from its bytes, the highest first. */
export function derInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  const isHigh = digits.length === 0 || digits[0] >= 0x80;
  return der(DerTag.INTEGER, isHigh ? concatBytes([Uint8Array.of(0), digits]) : digits);
}

export function derTrue(): Uint8Array {
  return Uint8Array.of(DerTag.BOOLEAN, 1, 0xff);
}

/** An object identifier from its numbers with dots between them. */
export function derObjectId(id: string): Uint8Array {
  const [first, second, ...rest] = id.split(".").map(Number);
  const bytes: number[] = [];
  for (const number of [first * 40 + second, ...rest]) {
    const groups = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift(0x80 | (left % 128));
    }
    bytes.push(...groups);
  }
  return der(DerTag.OBJECT_ID, Uint8Array.from(bytes));
}

export function derUtf8String(text: string): Uint8Array {
  return der(DerTag.UTF8_STRING, bytesFromUtf8(text));
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return der(DerTag.OCTET_STRING, bytes);
}

/** A string of bits that fills its bytes but for the last `unused` bits. */
export function derBitString(bytes: Uint8Array, unused = 0): Uint8Array {
  return der(DerTag.BIT_STRING, Uint8Array.of(unused), bytes);
}

/** A time to the second, in the form that its year demands. */
export function derTime(ms: number): Uint8Array {
  const digits = calendarDigits(ms);
  const isShort = digits >= "1950" && digits < "2050";
  const tag = isShort ? DerTag.UTC_TIME : DerTag.GENERALIZED_TIME;
  return der(tag, bytesFromLatin1(`${isShort ? digits.slice(2) : digits}Z`));
}
