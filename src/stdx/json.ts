/**
 * JSON as Go's encoding/json reads and writes it, where the language's own JSON cannot: 64-bit integers
 * stay exact (a `bigint` beyond 2^53), and strings are escaped as Go escapes them (`<`, `>`, `&`,
 * U+2028 and U+2029 as \u sequences), so that documents are byte-identical.
 *
 * Source: RFC 8259; Go encoding/json (Marshal, HTML escaping).
 */

export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Nesting that a document may have; bounds the recursion on hostile input. */
export const JSON_DEPTH_MAX = 512;

/** Thrown for text that is not JSON: what was met and at which offset (UTF-16 units). */
export class JsonError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonError";
  }
}

/**
 * Parses one JSON document. Integers outside ±(2^53-1) come back as `bigint`; every other number as
 * `number`. Objects have no prototype, so no member name is special. Throws `JsonError`.
 */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** `text` as a JSON string in quotes, escaped as Go 1.22 and later do by default. */
export function goJsonString(text: string): string {
  return JSON.stringify(text).replace(GO_ESCAPED, escapeUnit);
}

const GO_ESCAPED = /[<>&\u2028\u2029]/g;

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const SPACE = /[ \t\n\r]*/y;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#space();
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.#error("the end");
  }

  value(depth: number): JsonValue {
    if (depth > JSON_DEPTH_MAX)
      throw new JsonError(`JSON nests deeper than ${JSON_DEPTH_MAX} levels`);
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonValue {
    const members: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
    this.#expect("{");
    if (this.#accept("}")) return members;
    for (;;) {
      if (this.#text[this.#at] !== '"') throw this.#error("a member name");
      const name = this.#string();
      this.#expect(":");
      members[name] = this.value(depth + 1);
      if (this.#accept("}")) return members;
      this.#expect(",");
    }
  }

  #array(depth: number): JsonValue {
    const items: JsonValue[] = [];
    this.#expect("[");
    if (this.#accept("]")) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.#accept("]")) return items;
      this.#expect(",");
    }
  }

  #string(): string {
    const raw = this.#match(STRING, "a string");
    try {
      return JSON.parse(raw) as string;
    } catch {
      throw new JsonError(`Invalid escape in JSON string ${raw}`);
    }
  }

  #number(): number | bigint {
    const raw = this.#match(NUMBER, "a value");
    const value = Number(raw);
    if (Number.isSafeInteger(value) || /[.eE]/.test(raw)) return value;
    return BigInt(raw);
  }

  #word<T extends JsonValue>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error("a value");
    this.#at += word.length;
    this.#space();
    return value;
  }

  #match(pattern: RegExp, wanted: string): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw this.#error(wanted);
    this.#at = pattern.lastIndex;
    this.#space();
    return match[0];
  }

  #accept(unit: string): boolean {
    if (this.#text[this.#at] !== unit) return false;
    this.#at++;
    this.#space();
    return true;
  }

  #expect(unit: string): void {
    if (!this.#accept(unit)) throw this.#error(`"${unit}"`);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #error(wanted: string): JsonError {
    const found = this.#at < this.#text.length ? `"${this.#text[this.#at]}"` : "the end";
    return new JsonError(`Expected ${wanted} at offset ${this.#at} of JSON text, found ${found}`);
  }
}
