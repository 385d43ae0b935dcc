/**
 * What Go's encoding/json says to a text that is not JSON, to the letter: the texts of its `SyntaxError`.
 *
 * Source: Go encoding/json/scanner.go (states and the words of each).
 */
import { goQuote } from "./go-quote.ts";
import { JSON_DEPTH_MAX } from "./json.ts";

const END = "unexpected end of JSON input";
const SPACE = /[ \t\r\n]*/y;
const DIGITS = /[0-9]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = '"\\/bfnrt';

/** Why `text` is not one JSON document, in Go's words; `undefined` when it is one. O(length). */
export function goJsonSyntaxError(text: string): string | undefined {
  const scan = new Scan(text);
  const problem = scan.value("looking for beginning of value", 0);
  if (problem !== undefined) return problem;
  scan.skip(SPACE);
  return scan.atEnd ? undefined : scan.invalid("after top-level value");
}

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skip(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    const length = pattern.exec(this.#text)?.[0].length ?? 0;
    this.#at += length;
    return length;
  }

  /** Go names a byte as it is quoted in a rune literal, but for the quotes. */
  invalid(context: string): string {
    if (this.atEnd) return END;
    const unit = this.#text[this.#at] ?? "";
    const shown =
      unit === "'" ? "'\\''" : unit === '"' ? "'\"'" : `'${goQuote(unit).slice(1, -1)}'`;
    return `invalid character ${shown} ${context}`;
  }

  /** `undefined` when a value begins here, behind which the scan then stands. */
  value(context: string, depth: number): string | undefined {
    this.skip(SPACE);
    if (depth > JSON_DEPTH_MAX) return "exceeded max depth";
    switch (this.#text[this.#at]) {
      case "{":
        return this.#members(depth);
      case "[":
        return this.#elements(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#literal("true");
      case "f":
        return this.#literal("false");
      case "n":
        return this.#literal("null");
      default:
        return this.#number(context);
    }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #members(depth: number): string | undefined {
    this.#at++;
    this.skip(SPACE);
    if (this.#take("}")) return undefined;
    for (;;) {
      this.skip(SPACE);
      if (this.#text[this.#at] !== '"') {
        return this.invalid("looking for beginning of object key string");
      }
      const key = this.#string();
      if (key !== undefined) return key;
      this.skip(SPACE);
      if (!this.#take(":")) return this.invalid("after object key");
      const value = this.value("looking for beginning of value", depth + 1);
      if (value !== undefined) return value;
      this.skip(SPACE);
      if (this.#take("}")) return undefined;
      if (!this.#take(",")) return this.invalid("after object key:value pair");
    }
  }

  #elements(depth: number): string | undefined {
    this.#at++;
    this.skip(SPACE);
    if (this.#take("]")) return undefined;
    for (;;) {
      const value = this.value("looking for beginning of value", depth + 1);
      if (value !== undefined) return value;
      this.skip(SPACE);
      if (this.#take("]")) return undefined;
      if (!this.#take(",")) return this.invalid("after array element");
    }
  }

  #string(): string | undefined {
    this.#at++;
    for (;;) {
      this.skip(PLAIN);
      if (this.#take('"')) return undefined;
      if (!this.#take("\\")) return this.invalid("in string literal");
      if (this.#take("u")) {
        for (let digits = 0; digits < 4; digits++) {
          if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? "")) {
            return this.invalid("in \\u hexadecimal character escape");
          }
          this.#at++;
        }
      } else if (!this.atEnd && ESCAPES.includes(this.#text[this.#at] ?? "")) {
        this.#at++;
      } else {
        return this.invalid("in string escape code");
      }
    }
  }

  #literal(word: string): string | undefined {
    for (const character of word) {
      if (this.#take(character)) continue;
      return this.invalid(`in literal ${word} (expecting '${character}')`);
    }
    return undefined;
  }

  #number(context: string): string | undefined {
    const isNegative = this.#take("-");
    if (!this.#take("0") && this.skip(DIGITS) === 0) {
      return this.invalid(isNegative ? "in numeric literal" : context);
    }
    if (this.#take(".") && this.skip(DIGITS) === 0) {
      return this.invalid("after decimal point in numeric literal");
    }
    if (!this.#take("e") && !this.#take("E")) return undefined;
    if (!this.#take("+")) this.#take("-");
    return this.skip(DIGITS) === 0 ? this.invalid("in exponent of numeric literal") : undefined;
  }
}
