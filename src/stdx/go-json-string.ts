/**
 * Strings of JSON as Go's encoding/json decodes them: bytes that are no UTF-8, and halves of surrogate pairs,
 * become U+FFFD, one for each.
 *
 * Source: Go encoding/json (decode.go, unquote), unicode/utf8.
 */
import { latin1FromBytes } from "./bytes.ts";
import { decodeUtf8 } from "./utf8.ts";

const BACKSLASH = 0x5c;

const SHORT: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** The text of a string of legal JSON whose quotes are at `start` and before `end`. */
export function goJsonStringText(bytes: Uint8Array, start: number, end: number): string {
  let isPlain = true;
  for (let at = start + 1; at < end - 1; at++) {
    if (bytes[at] < 0x80 && bytes[at] !== BACKSLASH) continue;
    isPlain = false;
    break;
  }
  return isPlain ? latin1FromBytes(bytes, start + 1, end - 1) : unquoted(bytes, start + 1, end - 1);
}

function unquoted(bytes: Uint8Array, start: number, end: number): string {
  const parts: string[] = [];
  for (let at = start; at < end; ) {
    const byte = bytes[at];
    if (byte === BACKSLASH) {
      const next = bytes[at + 1];
      if (next !== 0x75) {
        parts.push(String.fromCharCode(SHORT.get(next) ?? next));
        at += 2;
        continue;
      }
      const unit = hexUnit(bytes, at + 2);
      const low =
        bytes[at + 6] === BACKSLASH && bytes[at + 7] === 0x75 ? hexUnit(bytes, at + 8) : 0;
      const isPair = unit >= 0xd800 && unit < 0xdc00 && low >= 0xdc00 && low < 0xe000;
      if (isPair) parts.push(String.fromCharCode(unit, low));
      else parts.push(unit >= 0xd800 && unit < 0xe000 ? "\ufffd" : String.fromCharCode(unit));
      at += isPair ? 12 : 6;
    } else if (byte < 0x80) {
      let stop = at + 1;
      while (stop < end && bytes[stop] < 0x80 && bytes[stop] !== BACKSLASH) stop++;
      parts.push(latin1FromBytes(bytes, at, stop));
      at = stop;
    } else {
      const size = runeSize(bytes, at, end);
      parts.push(size === 0 ? "\ufffd" : decodeUtf8(bytes, at, at + size));
      at += Math.max(1, size);
    }
  }
  return parts.join("");
}

function hexUnit(bytes: Uint8Array, at: number): number {
  return Number.parseInt(latin1FromBytes(bytes, at, at + 4), 16);
}

/** Bytes of the character that begins here; 0 when none does. */
function runeSize(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > end) return 0;
  for (let i = 1; i < size; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1];
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  return first === 0xf4 && second > 0x8f ? 0 : size;
}
