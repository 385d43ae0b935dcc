/**
 * Queries and paths of URLs as Go's net/url reads them.
 *
 * Source: Go net/url (ParseQuery, unescape).
 */
import { bytesFromUtf8, latin1FromBytes, utf8FromBytes } from "./bytes.ts";
import { goQuote } from "./go-quote.ts";

/** All values of `name` in a query (without "?"), in order. Pairs that cannot be read are passed over, as by Go. */
export function queryValues(query: string, name: string): string[] {
  const values: string[] = [];
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const equals = pair.indexOf("=");
    const key = unescapeText(equals < 0 ? pair : pair.slice(0, equals), true);
    const value = equals < 0 ? "" : unescapeText(pair.slice(equals + 1), true);
    if (key === name && value !== undefined) values.push(value);
  }
  return values;
}

/** Whether a query has `name` at all. */
export function queryHas(query: string, name: string): boolean {
  return queryValues(query, name).length > 0;
}

/** What Go finds wrong with a form, or a query; the first fault only. */
export function formFault(text: string): string | undefined {
  for (const pair of text.split("&")) {
    if (pair.includes(";")) return "invalid semicolon separator in query";
    const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(pair);
    if (wrong !== null)
      return `invalid URL escape ${goQuote(latin1FromBytes(bytesFromUtf8(wrong[0])))}`;
  }
  return undefined;
}

/** A path without its percent signs; `undefined` when one stands for nothing. */
export function unescapePath(path: string): string | undefined {
  return unescapeText(path, false);
}

function unescapeText(text: string, isQuery: boolean): string | undefined {
  const spaced = isQuery ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  const bytes = bytesFromUtf8(spaced);
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== PERCENT) {
      out[length++] = bytes[at];
      continue;
    }
    const high = hexDigit(bytes[at + 1]);
    const low = hexDigit(bytes[at + 2]);
    if (high < 0 || low < 0) return undefined;
    out[length++] = high * 16 + low;
    at += 2;
  }
  return utf8FromBytes(out, 0, length);
}

const PERCENT = 0x25;

/** Value of a hexadecimal digit, -1 for anything else. */
function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x41 + 10 : -1;
}
