/**
 * Go string literals: `%q` and its inverse.
 *
 * Text is a byte string here: one character U+0000 to U+00FF per byte, as a Go string is, so any bytes can
 * be quoted. What is printable is shown as it is, in UTF-8.
 *
 * Source: Go strconv (Quote, QuoteRune, Unquote, IsPrint), Go language specification (string literals).
 */
import { bytesFromLatin1, bytesFromUtf8, latin1FromBytes, utf8FromBytes } from "./bytes.ts";

/** Made for the first character that asks: gathering its classes would take 0.3 ms of every start. */
let printable: RegExp | undefined;

/** Whether it is a graphic character as Go counts them: of all spaces only U+0020 is printable. */
function isPrintable(rune: string): boolean {
  printable ??= /^[\p{L}\p{M}\p{N}\p{P}\p{S}\u0020]$/u;
  return printable.test(rune);
}

const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x0b, "\\v"],
]);

const REPLACEMENT = "\ufffd";

/** `text` as a Go string literal in double quotes (`%q`). */
export function goQuote(text: string): string {
  // Plain ASCII without quotes and backslashes is the usual case.
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  const bytes = bytesFromLatin1(text);
  let quoted = '"';
  for (let at = 0; at < bytes.length; ) {
    const length = runeLength(bytes, at);
    if (length === 0) {
      quoted += `\\x${hex(bytes[at], 2)}`;
      at++;
    } else {
      quoted += quotedRune(utf8FromBytes(bytes, at, at + length), '"');
      at += length;
    }
  }
  return `${quoted}"`;
}

/** A byte string in back quotes, where it can stand there as it is, and else as a literal (`%#q`). */
export function goBackquote(text: string): string {
  const shown = utf8FromBytes(bytesFromLatin1(text)).replaceAll("\t", "");
  return /[\p{Cc}`\ufeff\ufffd]/u.test(shown) ? goQuote(text) : `\`${text}\``;
}

/** The character of code point `code` as a Go rune literal in single quotes (`%q` of a number). */
export function goQuoteRune(code: number): string {
  return `'${quotedRune(String.fromCodePoint(code), "'")}'`;
}

/**
 * Bytes of the UTF-8 sequence at `at`: 1 to 4, or 0 where there is none. O(1).
 * A decoder that sees only this sequence answers with one replacement character exactly when it is ill formed.
 */
function runeLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length <= 1) return length;
  if (at + length > bytes.length) return 0;
  const decoded = utf8FromBytes(bytes, at, at + length);
  const isEncodedReplacement = first === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
  return decoded.startsWith(REPLACEMENT) && !isEncodedReplacement ? 0 : length;
}

/** One character, escaped where Go escapes it; the result is a byte string. */
function quotedRune(rune: string, quote: string): string {
  const code = rune.codePointAt(0) ?? 0;
  if (rune === quote || rune === "\\") return `\\${rune}`;
  if (isPrintable(rune)) return latin1FromBytes(bytesFromUtf8(rune));
  const short = SHORT_ESCAPES.get(code);
  if (short !== undefined) return short;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}

/** Everything between the quotes of an interpreted literal: escapes, or bytes that stand for themselves. */
const ESCAPE =
  /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([^"\\\n])/gy;

const SHORT_BYTES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};

/**
 * The text that a Go string literal in double quotes or backquotes stands for; `undefined` when `literal` is
 * not one (strconv's "invalid syntax").
 */
export function goUnquote(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || literal.at(-1) !== quote) return undefined;
  const inner = literal.slice(1, -1);
  if (quote === "`") return inner.includes("`") ? undefined : inner.replaceAll("\r", "");
  if (quote !== '"') return undefined;
  let text = "";
  let end = 0;
  for (const match of inner.matchAll(ESCAPE)) {
    const piece = unescaped(match);
    if (piece === undefined) return undefined;
    text += piece;
    end = match.index + match[0].length;
  }
  return end === inner.length ? text : undefined;
}

function unescaped(match: RegExpMatchArray): string | undefined {
  const [, short, hexByte, octal, short16, long32, plain] = match;
  if (plain !== undefined) return plain;
  if (short !== undefined) return SHORT_BYTES[short];
  if (hexByte !== undefined) return String.fromCharCode(Number.parseInt(hexByte, 16));
  if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8);
    return byte > 0xff ? undefined : String.fromCharCode(byte);
  }
  const code = Number.parseInt(short16 ?? long32 ?? "", 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return latin1FromBytes(bytesFromUtf8(String.fromCodePoint(code)));
}
