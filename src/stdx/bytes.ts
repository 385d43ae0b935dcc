/**
 * Byte strings: order, equality, concatenation, and their text forms.
 *
 * Everything here has a version in plain TypeScript. Where a native primitive is much faster the shell
 * installs it once at start (`installNativeBytes`); results are the same, and the pure version is the
 * test oracle. Short inputs take the plain loop even then: a call into native code costs more.
 */

import { decodeUtf8, utf8Length, writeUtf8 } from "./utf8.ts";

/** The empty byte string. Shared: has no bytes, so nobody can write to it. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** Native versions that `platform/` may install. Each has the contract of the function it replaces. */
export interface NativeBytes {
  /** Any negative, zero or positive number. Called for long inputs only. */
  readonly compare: (a: Uint8Array, b: Uint8Array) => number;
  readonly latin1FromBytes: (bytes: Uint8Array, start: number, end: number) => string;
  /** A fresh array that the caller owns. */
  readonly bytesFromLatin1: (text: string) => Uint8Array;
  readonly utf8FromBytes: (bytes: Uint8Array, start: number, end: number) => string;
  /** A fresh array that the caller owns. */
  readonly bytesFromUtf8: (text: string) => Uint8Array;
}

/** The plain TypeScript versions: the default, and what the native ones are tested against. */
export const PURE_BYTES: NativeBytes = {
  compare: comparePlain,
  latin1FromBytes: latin1FromBytesPlain,
  bytesFromLatin1: bytesFromLatin1Plain,
  utf8FromBytes: decodeUtf8,
  bytesFromUtf8: bytesFromUtf8Plain,
};

let installed: NativeBytes = PURE_BYTES;

/** Common bytes that are compared by the loop before a native comparison is worth its call. */
const COMPARE_LOOP_BYTES = 48;

/** Characters joined per `String.fromCharCode` call: well below the engine's argument limit. */
const LATIN1_CHUNK_BYTES = 4096;

const HEX_DIGITS = "0123456789abcdef";

/** Replaces the plain versions for the whole process. Called once, by `platform/` at start. */
export function installNativeBytes(native: NativeBytes): void {
  installed = native;
}

/**
 * Orders `a` and `b` bytewise, shorter first when one is a prefix of the other (etcd's key order).
 * Returns -1, 0 or 1. O(common prefix).
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = a.length < b.length ? a.length : b.length;
  const looped = common < COMPARE_LOOP_BYTES ? common : COMPARE_LOOP_BYTES;
  for (let i = 0; i < looped; i++) {
    const difference = a[i] - b[i];
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  if (common > looped) return Math.sign(installed.compare(a, b));
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
}

/** Reports whether `a` and `b` hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Returns one fresh array that holds all `parts` in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Returns `bytes[start, end)` as a string of one character U+0000 to U+00FF per byte. Comparing such
 * strings with `<` is comparing the bytes, which makes them good keys of maps and trees.
 */
export function latin1FromBytes(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return installed.latin1FromBytes(bytes, start, end);
}

/** Inverse of `latin1FromBytes`: a fresh array. Characters above U+00FF keep their low eight bits. */
export function bytesFromLatin1(text: string): Uint8Array {
  return installed.bytesFromLatin1(text);
}

/** Returns `bytes[start, end)` as text; ill-formed UTF-8 becomes U+FFFD. */
export function utf8FromBytes(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return installed.utf8FromBytes(bytes, start, end);
}

/** Returns the UTF-8 form of `text` in a fresh array; lone surrogates become U+FFFD. */
export function bytesFromUtf8(text: string): Uint8Array {
  return installed.bytesFromUtf8(text);
}

/** Returns the bytes as lower-case hex, two digits each. */
export function hexFromBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_DIGITS[byte >> 4] + HEX_DIGITS[byte & 15];
  return text;
}

/** Inverse of `hexFromBytes`, either case; `undefined` when `text` is not an even number of hex digits. */
export function bytesFromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigit(text.charCodeAt(2 * i));
    const low = hexDigit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

function comparePlain(a: Uint8Array, b: Uint8Array): number {
  const common = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < common; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

function latin1FromBytesPlain(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += LATIN1_CHUNK_BYTES) {
    const until = at + LATIN1_CHUNK_BYTES < end ? at + LATIN1_CHUNK_BYTES : end;
    text += String.fromCharCode(...bytes.subarray(at, until));
  }
  return text;
}

function bytesFromLatin1Plain(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function bytesFromUtf8Plain(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return bytes;
}
