/**
 * UTF-8 in plain TypeScript, for places where the platform's encoder does not exist (pure folders) and as
 * the test oracle of the native one.
 *
 * Both directions are total. Decoding replaces each maximal ill-formed sequence by U+FFFD and encoding
 * replaces each lone surrogate by U+FFFD, exactly as the WHATWG Encoding Standard says, so the native and
 * the pure version never disagree.
 */

const REPLACEMENT = 0xfffd;

/** Code units joined per `String.fromCharCode` call: well below the engine's argument limit. */
const CHUNK_UNITS = 4096;

/** Returns the number of bytes of `text` in UTF-8. O(length). */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else {
      length += 2;
      // A pair is two units and four bytes: the second unit is already counted once, and adds one.
      if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) i++;
    }
  }
  return length;
}

/**
 * Writes `text` as UTF-8 into `target` from `position` and returns the position after it.
 * The caller makes sure that `utf8Length(text)` bytes are free.
 */
export function writeUtf8(text: string, target: Uint8Array, position: number): number {
  let at = position;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      target[at++] = code;
      continue;
    }
    if (code < 0x800) {
      target[at++] = 0xc0 | (code >> 6);
      target[at++] = 0x80 | (code & 0x3f);
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = text.charCodeAt(i + 1);
      if (isHighSurrogate(code) && isLowSurrogate(next)) {
        i++;
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
        target[at++] = 0xf0 | (code >> 18);
        target[at++] = 0x80 | ((code >> 12) & 0x3f);
        target[at++] = 0x80 | ((code >> 6) & 0x3f);
        target[at++] = 0x80 | (code & 0x3f);
        continue;
      }
      code = REPLACEMENT;
    }
    target[at++] = 0xe0 | (code >> 12);
    target[at++] = 0x80 | ((code >> 6) & 0x3f);
    target[at++] = 0x80 | (code & 0x3f);
  }
  return at;
}

/** Returns the text of `bytes[start, end)`; ill-formed sequences become U+FFFD. O(length). */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const units: number[] = [];
  let text = "";
  let at = start;
  while (at < end) {
    const first = bytes[at];
    if (first < 0x80) {
      units.push(first);
      at++;
    } else {
      const length = sequenceLength(bytes, at, end);
      if (length > 0) pushCodePoint(units, codePointAt(bytes, at, length));
      else units.push(REPLACEMENT);
      at += length > 0 ? length : -length;
    }
    if (units.length >= CHUNK_UNITS) {
      text += String.fromCharCode(...units);
      units.length = 0;
    }
  }
  return text + String.fromCharCode(...units);
}

/**
 * Returns the length of the well-formed multi-byte sequence at `at`, or minus the length of the maximal
 * ill-formed part there (always at least one byte).
 */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  let wanted = 0;
  let low = 0x80;
  let high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) wanted = 2;
  else if (first >= 0xe0 && first <= 0xef) wanted = 3;
  else if (first >= 0xf0 && first <= 0xf4) wanted = 4;
  else return -1;
  // The second byte is bounded further: no overlong forms, no surrogates, nothing above U+10FFFF.
  if (first === 0xe0) low = 0xa0;
  else if (first === 0xed) high = 0x9f;
  else if (first === 0xf0) low = 0x90;
  else if (first === 0xf4) high = 0x8f;
  for (let i = 1; i < wanted; i++) {
    if (at + i >= end) return -i;
    const next = bytes[at + i];
    if (next < low || next > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return wanted;
}

function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  if (length === 2) return ((bytes[at] & 0x1f) << 6) | (bytes[at + 1] & 0x3f);
  if (length === 3) {
    return ((bytes[at] & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f);
  }
  const high = ((bytes[at] & 0x07) << 18) | ((bytes[at + 1] & 0x3f) << 12);
  return high | ((bytes[at + 2] & 0x3f) << 6) | (bytes[at + 3] & 0x3f);
}

function pushCodePoint(units: number[], code: number): void {
  if (code < 0x10000) {
    units.push(code);
    return;
  }
  units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
