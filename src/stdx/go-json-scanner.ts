/**
 * JSON as Go's encoding/json reads it: what is legal, and how Go says what is not, byte by byte and in pieces
 * as they come. What was read is a tape of values over the bytes; nothing of it is decoded yet.
 *
 * ```
 *   {"a":[1,2]}       value  0 {…}   first child 1, behind it 5
 *                            1 "a"   2 […]   3 1   4 2
 * ```
 *
 * Source: Go encoding/json (scanner.go, stream.go).
 */
import {
  bytesFromLatin1,
  bytesFromUtf8,
  EMPTY_BYTES,
  latin1FromBytes,
  utf8FromBytes,
} from "./bytes.ts";
import { goQuote } from "./go-quote.ts";
import { JsonError } from "./json.ts";

/** Objects and arrays in each other that Go allows. */
const NESTING_MAX = 10_000;

/** Numbers of the tape per value: where it begins and ends in the bytes, and the value behind it. */
const ENTRY = 3;

/** Numbers of a tape at first: enough for a put. */
const TAPE_START = 8 * ENTRY;

const NO_TAPE = new Int32Array(0);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const State = {
  beginValue: 0,
  beginValueOrEnd: 1,
  beginKeyOrEnd: 2,
  beginKey: 3,
  endValue: 4,
  inString: 5,
  inEscape: 6,
  inHex: 7,
  literal: 8,
  minus: 9,
  zero: 10,
  digits: 11,
  dot: 12,
  fraction: 13,
  exponent: 14,
  exponentSign: 15,
  exponentDigits: 16,
} as const;
type State = (typeof State)[keyof typeof State];

/** What Go's Decoder says of a text that was cut. */
const UNEXPECTED_END = "unexpected EOF";

const Inside = { objectKey: 0, objectValue: 1, array: 2 } as const;

const LITERALS = new Map<number, string>([
  [0x74, "true"],
  [0x66, "false"],
  [0x6e, "null"],
]);

/** One value that was read: its bytes, and the tape of it and of all values in it. */
export interface JsonTape {
  readonly bytes: Uint8Array;
  /** Where value `at` begins. */
  start(at: number): number;
  /** Where value `at` ends. */
  end(at: number): number;
  /** The value behind `at` and everything in it. Children begin at `at + 1`; members are key and value. */
  after(at: number): number;
}

/** Reads values one after the other. Give it all bytes in order through `push`, then `finish`. */
export class JsonScanner {
  #bytes: Uint8Array = EMPTY_BYTES;
  /** Whether there is nothing else in that memory, so that it may be written to. */
  #isOwn = false;
  #length = 0;
  #at = 0;
  #state: State = State.beginValue;
  #isFinished = false;
  /** Kinds and tape positions of what is open. */
  #inside: number[] = [];
  #open: number[] = [];
  #tape = NO_TAPE;
  #tapeLength = 0;
  #literal = "";
  /** How much of a literal or of four hex digits has come. */
  #count = 0;
  #error: JsonError | undefined;
  #endError: JsonError | undefined;

  /** Bytes of the value that is being read. */
  get pendingBytes(): number {
    return this.#length;
  }

  /** `bytes` are kept, and must not change afterwards. */
  push(bytes: Uint8Array): void {
    if (this.#length === 0) {
      this.#bytes = bytes;
      this.#length = bytes.length;
      this.#isOwn = false;
      return;
    }
    const length = this.#length + bytes.length;
    if (!this.#isOwn || length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
      this.#isOwn = true;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  /** No more bytes will come. */
  finish(): void {
    this.#isFinished = true;
  }

  /**
   * The next value; "more" when it is not complete yet, "end" behind the last one. Throws `JsonError` in Go's
   * words, again and again once there was one.
   */
  next(): JsonTape | "more" | "end" {
    if (this.#error !== undefined) throw this.#error;
    try {
      while (this.#at < this.#length) if (this.#step(this.#bytes[this.#at])) return this.#take();
      if (!this.#isFinished) return "more";
      if (this.#isIdle) return "end";
      if (this.#isComplete()) return this.#take();
      throw new JsonError(UNEXPECTED_END);
    } catch (error) {
      if (error instanceof JsonError) this.#error = error;
      throw error;
    }
  }

  /** Whether what came is a value, now that nothing follows it: a number may be. */
  #isComplete(): boolean {
    try {
      return this.#step(0x20);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      this.#endError = error;
      return false;
    }
  }

  /** What is wrong with the end of a text that was cut; of those that Go's Unmarshal says alone. */
  get endError(): JsonError {
    return this.#endError ?? new JsonError("unexpected end of JSON input");
  }

  get #isIdle(): boolean {
    return this.#tapeLength === 0 && this.#state === State.beginValue;
  }

  /** Looks at one byte; true when the value is complete, which a scalar is before the byte behind it. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case State.beginValue:
      case State.beginValueOrEnd:
      case State.beginKeyOrEnd:
      case State.beginKey:
        return this.#begin(byte);
      case State.endValue:
        return this.#endValue(byte);
      case State.inString:
        this.#string();
        return false;
      case State.inEscape:
        this.#escape(byte);
        return false;
      case State.inHex:
        this.#hex(byte);
        return false;
      case State.literal:
        this.#nextOfLiteral(byte);
        return false;
      default:
        return this.#number(byte);
    }
  }

  #begin(byte: number): boolean {
    const state = this.#state;
    if (isSpace(byte)) {
      this.#at++;
      return false;
    }
    if (state === State.beginKeyOrEnd || state === State.beginKey) {
      if (byte === 0x7d && state === State.beginKeyOrEnd) return this.#close();
      if (byte !== QUOTE) throw invalid(byte, "looking for beginning of object key string");
    } else if (byte === 0x5d && state === State.beginValueOrEnd) {
      return this.#close();
    }
    this.#beginValue(byte);
    return false;
  }

  #beginValue(byte: number): void {
    const literal = LITERALS.get(byte);
    this.#add();
    if (byte === 0x7b) this.#push(byte, Inside.objectKey, State.beginKeyOrEnd);
    else if (byte === 0x5b) this.#push(byte, Inside.array, State.beginValueOrEnd);
    else if (byte === QUOTE) this.#state = State.inString;
    else if (byte === 0x2d) this.#state = State.minus;
    else if (byte === 0x30) this.#state = State.zero;
    else if (isDigit(byte)) this.#state = State.digits;
    else if (literal === undefined) throw invalid(byte, "looking for beginning of value");
    else {
      this.#state = State.literal;
      this.#literal = literal;
      this.#count = 1;
    }
    this.#at++;
  }

  #push(byte: number, inside: number, state: State): void {
    this.#inside.push(inside);
    this.#open.push(this.#tapeLength - ENTRY);
    this.#state = state;
    if (this.#inside.length > NESTING_MAX) throw invalid(byte, "exceeded max depth");
  }

  /** The innermost object or array ends with this byte. */
  #close(): boolean {
    this.#at++;
    this.#inside.pop();
    this.#finishEntry(this.#open.pop() ?? 0);
    this.#state = State.endValue;
    return this.#inside.length === 0;
  }

  #endValue(byte: number): boolean {
    const depth = this.#inside.length;
    if (depth === 0) return true;
    if (isSpace(byte)) {
      this.#at++;
      return false;
    }
    switch (this.#inside[depth - 1]) {
      case Inside.objectKey:
        if (byte !== 0x3a) throw invalid(byte, "after object key");
        this.#inside[depth - 1] = Inside.objectValue;
        this.#state = State.beginValue;
        break;
      case Inside.objectValue:
        if (byte === 0x7d) return this.#close();
        if (byte !== 0x2c) throw invalid(byte, "after object key:value pair");
        this.#inside[depth - 1] = Inside.objectKey;
        this.#state = State.beginKey;
        break;
      default:
        if (byte === 0x5d) return this.#close();
        if (byte !== 0x2c) throw invalid(byte, "after array element");
        this.#state = State.beginValue;
    }
    this.#at++;
    return false;
  }

  #string(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < this.#length && bytes[at] >= 0x20 && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH)
      at++;
    this.#at = at;
    if (at === this.#length) return;
    this.#at++;
    if (bytes[at] === QUOTE) this.#endScalar();
    else if (bytes[at] === BACKSLASH) this.#state = State.inEscape;
    else throw invalid(bytes[at], "in string literal");
  }

  #escape(byte: number): void {
    if (byte === 0x75) {
      this.#state = State.inHex;
      this.#count = 0;
    } else if (ESCAPED.has(byte)) this.#state = State.inString;
    else throw invalid(byte, "in string escape code");
    this.#at++;
  }

  #hex(byte: number): void {
    if (!isHex(byte)) throw invalid(byte, "in \\u hexadecimal character escape");
    this.#at++;
    if (++this.#count === 4) this.#state = State.inString;
  }

  #nextOfLiteral(byte: number): void {
    const literal = this.#literal;
    const wanted = literal[this.#count];
    if (byte !== wanted.charCodeAt(0)) {
      throw invalid(byte, `in literal ${literal} (expecting '${wanted}')`);
    }
    this.#at++;
    if (++this.#count === literal.length) this.#endScalar();
  }

  #number(byte: number): boolean {
    const state = this.#numberState(byte);
    if (state === undefined) {
      this.#endScalar();
      return this.#endValue(byte);
    }
    this.#state = state;
    this.#at++;
    return false;
  }

  /** The state behind a byte of a number; `undefined` when the number ends before it. */
  #numberState(byte: number): State | undefined {
    const digit = isDigit(byte);
    switch (this.#state) {
      case State.minus:
        if (!digit) throw invalid(byte, "in numeric literal");
        return byte === 0x30 ? State.zero : State.digits;
      case State.dot:
        if (!digit) throw invalid(byte, "after decimal point in numeric literal");
        return State.fraction;
      case State.exponent:
        if (byte === 0x2b || byte === 0x2d) return State.exponentSign;
        if (!digit) throw invalid(byte, "in exponent of numeric literal");
        return State.exponentDigits;
      case State.exponentSign:
        if (!digit) throw invalid(byte, "in exponent of numeric literal");
        return State.exponentDigits;
      case State.exponentDigits:
        return digit ? State.exponentDigits : undefined;
      default:
        if (digit && this.#state !== State.zero) return this.#state;
        if (byte === 0x2e && this.#state !== State.fraction) return State.dot;
        return byte === 0x65 || byte === 0x45 ? State.exponent : undefined;
    }
  }

  #endScalar(): void {
    this.#finishEntry(this.#tapeLength - ENTRY);
    this.#state = State.endValue;
  }

  #add(): void {
    if (this.#tapeLength + ENTRY > this.#tape.length) {
      const grown = new Int32Array(Math.max(TAPE_START, 2 * this.#tape.length));
      grown.set(this.#tape);
      this.#tape = grown;
    }
    this.#tape[this.#tapeLength] = this.#at;
    this.#tapeLength += ENTRY;
  }

  #finishEntry(at: number): void {
    this.#tape[at + 1] = this.#at;
    this.#tape[at + 2] = this.#tapeLength / ENTRY;
  }

  /** Gives the value away; what follows it stays. */
  #take(): JsonTape {
    const bytes = this.#bytes;
    const tape = this.#tape;
    this.#bytes = bytes.subarray(this.#at, this.#length);
    this.#isOwn = false;
    this.#length = this.#bytes.length;
    this.#at = 0;
    this.#tape = NO_TAPE;
    this.#tapeLength = 0;
    this.#state = State.beginValue;
    return {
      bytes,
      start: (at) => tape[at * ENTRY],
      end: (at) => tape[at * ENTRY + 1],
      after: (at) => tape[at * ENTRY + 2],
    };
  }
}

/** Reads one whole document. Throws `JsonError` in the words of Go's Unmarshal. */
export function scanJson(bytes: Uint8Array): JsonTape {
  const scanner = new JsonScanner();
  scanner.push(bytes);
  scanner.finish();
  const tape = nextOfDocument(scanner);
  for (let at = tape.end(0); at < bytes.length; at++) {
    if (!isSpace(bytes[at])) throw invalid(bytes[at], "after top-level value");
  }
  return tape;
}

function nextOfDocument(scanner: JsonScanner): JsonTape {
  try {
    const tape = scanner.next();
    if (typeof tape !== "string") return tape;
  } catch (error) {
    if (!(error instanceof JsonError) || error.message !== UNEXPECTED_END) throw error;
  }
  throw scanner.endError;
}

/** What may follow a backslash: b f n r t \ / \" */
const ESCAPED: ReadonlySet<number> = new Set([0x62, 0x66, 0x6e, 0x72, 0x74, 0x5c, 0x2f, 0x22]);

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}

function invalid(byte: number, where: string): JsonError {
  return new JsonError(`invalid character ${quotedByte(byte)} ${where}`);
}

function quotedByte(byte: number): string {
  if (byte === 0x27) return "'\\''";
  if (byte === QUOTE) return `'"'`;
  const text = latin1FromBytes(bytesFromUtf8(String.fromCharCode(byte)));
  const quoted = utf8FromBytes(bytesFromLatin1(goQuote(text)));
  return `'${quoted.slice(1, -1)}'`;
}
