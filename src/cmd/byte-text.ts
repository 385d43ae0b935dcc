/**
 * Byte strings and text. The tools keep arguments, keys, values and everything they print as byte strings:
 * one character U+0000 to U+00FF per byte, so that any bytes pass through unharmed.
 */
import { bytesFromLatin1, bytesFromUtf8, latin1FromBytes, utf8FromBytes } from "../stdx/bytes.ts";

/** Ordinary text as a byte string: its UTF-8 form. */
export function byteString(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : latin1FromBytes(bytesFromUtf8(text));
}

/** A byte string as ordinary text; what is not UTF-8 becomes U+FFFD. */
export function textOf(byteText: string): string {
  return /^[\0-\x7f]*$/.test(byteText) ? byteText : utf8FromBytes(bytesFromLatin1(byteText));
}
