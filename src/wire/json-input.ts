/**
 * Messages from JSON, as etcd's HTTP gateway takes them: proto3 JSON as Go's jsonpb reads it. Either name of a
 * field, integers as numbers or in quotes, enums by name or number, bytes in base64 or as a list of numbers;
 * null and unknown names are ignored. What is wrong is said in Go's words.
 *
 * Linear in the text: every value was read once before (`stdx/go-json-scanner.ts`).
 *
 * Source: golang/protobuf 1.5 jsonpb (decode.go), grpc-gateway v1 runtime.JSONPb, Go encoding/json.
 */
import { assert, unreachable } from "../stdx/assert.ts";
import { bytesFromBase64 } from "../stdx/base64.ts";
import {
  bytesFromLatin1,
  bytesFromUtf8,
  EMPTY_BYTES,
  latin1FromBytes,
  utf8FromBytes,
} from "../stdx/bytes.ts";
import { type JsonTape, scanJson } from "../stdx/go-json-scanner.ts";
import { goJsonStringText } from "../stdx/go-json-string.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { JsonError } from "../stdx/json.ts";
import type { Codec } from "./codec.ts";
import type { FieldDescriptor, MessageDescriptor } from "./descriptor.ts";
import { NESTING_DEPTH_MAX } from "./limits.ts";

/** Any message, seen by its property names. */
type Properties = Record<string, unknown>;

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const UINT32_MAX = 2n ** 32n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** Returns the message that the value of `tape` stands for. Throws `JsonError` in Go's words. */
export function messageFromTape<T extends object>(codec: Codec<T>, tape: JsonTape): T {
  return readMessage(codec.descriptor, tape, 0, 0) as T;
}

/** Returns the message that a JSON document stands for. Throws `JsonError` in Go's words. */
export function messageFromJson<T extends object>(codec: Codec<T>, text: string): T {
  return messageFromTape(codec, scanJson(bytesFromUtf8(text)));
}

/** Fields by the names that JSON may use. */
interface NamedField {
  readonly index: number;
  /** Whether this is the name that counts when both are there. */
  readonly isJsonName: boolean;
}

const fieldNames = new WeakMap<MessageDescriptor, ReadonlyMap<string, NamedField>>();

function namesOf(descriptor: MessageDescriptor): ReadonlyMap<string, NamedField> {
  let names = fieldNames.get(descriptor);
  if (names === undefined) {
    const entries = new Map<string, NamedField>();
    for (const [index, { name }] of descriptor.fields.entries()) {
      entries.set(name, { index, isJsonName: false });
    }
    for (const [index, { jsonName }] of descriptor.fields.entries()) {
      entries.set(jsonName, { index, isJsonName: true });
    }
    names = entries;
    fieldNames.set(descriptor, names);
  }
  return names;
}

function readMessage(
  descriptor: MessageDescriptor,
  tape: JsonTape,
  at: number,
  depth: number,
): object {
  const message = descriptor.create() as Properties;
  if (isNull(tape, at)) return message;
  if (first(tape, at) !== "{") throw wrongType(tape, at, "map[string]json.RawMessage");
  if (depth > NESTING_DEPTH_MAX) {
    throw new JsonError(`proto: messages nested deeper than ${NESTING_DEPTH_MAX}`);
  }
  const values = memberValues(descriptor, tape, at);
  for (const [index, field] of descriptor.fields.entries()) {
    const value = values[index] ?? 0;
    if (value === 0 || isNull(tape, value)) continue;
    if (field.oneof !== undefined) {
      const chosen = readValue(field, tape, value, depth);
      message[field.oneof] = { case: field.property, value: chosen };
    } else if (field.repeated) {
      message[field.property] = readList(field, tape, value, depth);
    } else {
      message[field.property] = readValue(field, tape, value, depth);
    }
  }
  return message;
}

/** Where the value of each field is; the last one of a name counts, and 0 is nowhere. */
function memberValues(descriptor: MessageDescriptor, tape: JsonTape, at: number): number[] {
  const names = namesOf(descriptor);
  const values: number[] = [];
  const byJsonName: boolean[] = [];
  const end = tape.after(at);
  for (let key = at + 1; key < end; key = tape.after(key + 1)) {
    const found = names.get(goJsonStringText(tape.bytes, tape.start(key), tape.end(key)));
    if (found === undefined || (byJsonName[found.index] && !found.isJsonName)) continue;
    values[found.index] = key + 1;
    byJsonName[found.index] = found.isJsonName;
  }
  return values;
}

function readList(
  field: FieldDescriptor,
  tape: JsonTape,
  at: number,
  depth: number,
): readonly unknown[] {
  if (first(tape, at) !== "[") throw wrongType(tape, at, "[]json.RawMessage");
  const items: unknown[] = [];
  const end = tape.after(at);
  for (let item = at + 1; item < end; item = tape.after(item)) {
    items.push(readValue(field, tape, item, depth));
  }
  return items;
}

/** Reads one value; null, which only lists can hold here, is the default. */
function readValue(field: FieldDescriptor, tape: JsonTape, at: number, depth: number): unknown {
  switch (field.kind) {
    case "bytes":
      return readBytes(tape, at);
    case "string":
      if (isNull(tape, at)) return "";
      if (first(tape, at) !== '"') throw wrongType(tape, at, "string");
      return goJsonStringText(tape.bytes, tape.start(at), tape.end(at));
    case "bool":
      if (isNull(tape, at)) return false;
      if (first(tape, at) === "t" || first(tape, at) === "f") return first(tape, at) === "t";
      throw wrongType(tape, at, "bool");
    case "int32":
      return Number(readInteger(tape, at, "int32", INT32_MIN, INT32_MAX));
    case "uint32":
      return Number(readInteger(tape, at, "uint32", 0n, UINT32_MAX));
    case "int64":
      return clamped(readInteger(tape, at, "int64", INT64_MIN, INT64_MAX));
    case "uint64":
      return clamped(readInteger(tape, at, "uint64", 0n, UINT64_MAX));
    case "int64Bigint":
      return readInteger(tape, at, "int64", INT64_MIN, INT64_MAX);
    case "uint64Bigint":
      return readInteger(tape, at, "uint64", 0n, UINT64_MAX);
    case "enum":
      return readEnum(field, tape, at);
    case "message":
      assert(field.message !== undefined, "A message field has a descriptor");
      return readMessage(field.message(), tape, at, depth + 1);
    default:
      return unreachable(field.kind);
  }
}

function readBytes(tape: JsonTape, at: number): Uint8Array {
  if (isNull(tape, at)) return EMPTY_BYTES;
  if (first(tape, at) === "[") return readByteList(tape, at);
  if (first(tape, at) !== '"') throw wrongType(tape, at, "[]uint8");
  const text = goJsonStringText(tape.bytes, tape.start(at), tape.end(at));
  // Go counts bytes of UTF-8, and so does the offset that is told.
  const bytes = bytesFromBase64(latin1FromBytes(bytesFromUtf8(text)));
  if (typeof bytes !== "number") return bytes;
  throw new JsonError(`illegal base64 data at input byte ${bytes}`);
}

/** Bytes are a list of numbers to Go as well. */
function readByteList(tape: JsonTape, at: number): Uint8Array {
  const bytes: number[] = [];
  const end = tape.after(at);
  for (let item = at + 1; item < end; item = tape.after(item)) {
    if (!isNull(tape, item) && !isNumber(tape, item)) throw wrongType(tape, item, "uint8");
    bytes.push(isNull(tape, item) ? 0 : Number(integer(textOf(tape, item), "uint8", 0n, 255n)));
  }
  return Uint8Array.from(bytes);
}

function readEnum({ enum: type }: FieldDescriptor, tape: JsonTape, at: number): number {
  assert(type !== undefined, "An enum field has a descriptor");
  if (first(tape, at) !== '"') {
    if (isNull(tape, at)) return 0;
    if (!isNumber(tape, at)) throw wrongType(tape, at, "protoreflect.EnumNumber");
    return Number(integer(textOf(tape, at), "protoreflect.EnumNumber", INT32_MIN, INT32_MAX));
  }
  const raw = textOf(tape, at);
  const value = type.values.get(raw.slice(1, -1));
  if (value !== undefined) return value;
  const quoted = utf8FromBytes(bytesFromLatin1(goQuote(raw)));
  throw new JsonError(`unknown value ${quoted} for enum ${type.typeName}`);
}

/** Reads an integer that may be in quotes, whose content is JSON of its own then. */
function readInteger(tape: JsonTape, at: number, goType: string, min: bigint, max: bigint): bigint {
  if (first(tape, at) === '"') {
    const inner = scanJson(tape.bytes.slice(tape.start(at) + 1, tape.end(at) - 1));
    return unquotedInteger(inner, 0, goType, min, max);
  }
  return unquotedInteger(tape, at, goType, min, max);
}

function unquotedInteger(
  tape: JsonTape,
  at: number,
  goType: string,
  min: bigint,
  max: bigint,
): bigint {
  if (isNull(tape, at)) return 0n;
  if (!isNumber(tape, at)) throw wrongType(tape, at, goType);
  return integer(textOf(tape, at), goType, min, max);
}

/** Digits of the largest number of 64 bits, and its sign. */
const INTEGER_DIGITS_MAX = 20;

const INTEGER = /^-?0*([0-9]+)$/;

function integer(text: string, goType: string, min: bigint, max: bigint): bigint {
  const digits = INTEGER.exec(text)?.[1].length ?? Number.POSITIVE_INFINITY;
  const isSigned = min < 0n || !text.startsWith("-");
  const value = digits <= INTEGER_DIGITS_MAX && isSigned ? BigInt(text) : undefined;
  if (value !== undefined && value >= min && value <= max) return value;
  throw new JsonError(`json: cannot unmarshal number ${text} into Go value of type ${goType}`);
}

function clamped(value: bigint): number {
  const number = Number(value);
  if (number > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return number < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : number;
}

function first(tape: JsonTape, at: number): string {
  return String.fromCharCode(tape.bytes[tape.start(at)]);
}

function isNull(tape: JsonTape, at: number): boolean {
  return first(tape, at) === "n";
}

function isNumber(tape: JsonTape, at: number): boolean {
  return /[-0-9]/.test(first(tape, at));
}

/** As it stands, one character per byte. */
function textOf(tape: JsonTape, at: number): string {
  return latin1FromBytes(tape.bytes, tape.start(at), tape.end(at));
}

const KINDS: Readonly<Record<string, string>> = {
  "{": "object",
  "[": "array",
  '"': "string",
  t: "bool",
  f: "bool",
};

function wrongType(tape: JsonTape, at: number, goType: string): JsonError {
  const kind = KINDS[first(tape, at)] ?? "number";
  return new JsonError(`json: cannot unmarshal ${kind} into Go value of type ${goType}`);
}
