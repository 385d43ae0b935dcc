/**
 * Bytes as a quoted text, for people: printable characters as they are, everything else escaped.
 *
 * Source: the quoting of Go's strconv.Quote, which the scripts raft is tested with use.
 */
import { utf8FromBytes } from "../stdx/bytes.ts";

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** The sign that decoding puts in place of bytes that are no text. */
const REPLACEMENT = "\ufffd";

/** `bytes`, taken as UTF-8, in double quotes; bytes that are not UTF-8 appear as `\xff`. */
export function quoteBytes(bytes: Uint8Array): string {
  let text = '"';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceBytes(bytes[at]);
    const character = at + length <= bytes.length ? utf8FromBytes(bytes, at, at + length) : "";
    if (length > 1 && isOneCharacter(character)) {
      text += quoteCharacter(character);
      at += length;
    } else {
      text += bytes[at] < 0x80 ? quoteCharacter(String.fromCharCode(bytes[at])) : hex(bytes[at]);
      at++;
    }
  }
  return `${text}"`;
}

/** How many bytes the UTF-8 sequence that starts with `lead` has; 1 where none starts. */
function sequenceBytes(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

function isOneCharacter(text: string): boolean {
  const point = text.codePointAt(0);
  if (point === undefined || text.includes(REPLACEMENT)) return false;
  return text.length === (point > 0xffff ? 2 : 1);
}

function quoteCharacter(character: string): string {
  const escape = ESCAPES.get(character);
  if (escape !== undefined) return escape;
  if (PRINTABLE.test(character)) return character;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return hex(point);
  if (point <= 0xffff) return `\\u${point.toString(16).padStart(4, "0")}`;
  return `\\U${point.toString(16).padStart(8, "0")}`;
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
