/**
 * Base64 with the standard alphabet and padding (RFC 4648 section 4), read as Go's encoding/base64 reads
 * it: line breaks are skipped, unused bits of the last digit are ignored.
 *
 * Source: Go encoding/base64 (StdEncoding).
 */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const NO_DIGIT = 0xff;

/** Value of each ASCII character as a digit. */
const VALUES = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS.charCodeAt(value)] = value;

/** Returns `bytes` in base64, with `=` up to a multiple of four characters. */
export function base64FromBytes(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  for (; at + 2 < bytes.length; at += 3) {
    const block = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    text += DIGITS[block >> 18] + DIGITS[(block >> 12) & 63];
    text += DIGITS[(block >> 6) & 63] + DIGITS[block & 63];
  }
  const left = bytes.length - at;
  if (left === 0) return text;
  const block = (bytes[at] << 16) | (left === 2 ? bytes[at + 1] << 8 : 0);
  text += DIGITS[block >> 18] + DIGITS[(block >> 12) & 63];
  return text + (left === 2 ? `${DIGITS[(block >> 6) & 63]}=` : "==");
}

/**
 * Returns the bytes that `text` stands for in a fresh array, or the offset (in characters) that Go names in
 * "illegal base64 data at input byte N".
 */
export function bytesFromBase64(text: string): Uint8Array | number {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let length = 0;
  let at = skipLineBreaks(text, 0);
  while (at < text.length) {
    let block = 0;
    let digits = 0;
    while (digits < 4 && at < text.length) {
      const value = digitAt(text, at);
      if (value === NO_DIGIT) break;
      block = (block << 6) | value;
      digits++;
      at = skipLineBreaks(text, at + 1);
    }
    if (digits < 4) {
      const wrong = wrongEnd(text, at, digits);
      if (wrong !== undefined) return wrong;
      at = text.length;
    }
    block <<= 6 * (4 - digits);
    for (let shift = 16; shift > 16 - 8 * (digits - 1); shift -= 8)
      bytes[length++] = block >> shift;
  }
  return bytes.subarray(0, length);
}

function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < VALUES.length ? VALUES[code] : NO_DIGIT;
}

/** Where the text is wrong whose last group has `digits` and then, at `at`, something else. */
function wrongEnd(text: string, at: number, digits: number): number | undefined {
  if (at === text.length) return text.length - digits;
  if (text[at] !== "=" || digits < 2) return at;
  let end = skipLineBreaks(text, at + 1);
  if (digits === 2) {
    if (end === text.length) return end;
    if (text[end] !== "=") return end - 1;
    end = skipLineBreaks(text, end + 1);
  }
  return end < text.length ? end : undefined;
}

function skipLineBreaks(text: string, from: number): number {
  let at = from;
  while (text[at] === "\n" || text[at] === "\r") at++;
  return at;
}
