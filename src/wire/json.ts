/**
 * Messages as JSON, in the form of etcd's HTTP gateway: proto3 JSON as Go's jsonpb has it.
 *
 * Out: names as in the .proto file, no defaults (but a chosen oneof case always), 64-bit integers as
 * strings, bytes in base64, enums by name (unknown ones as numbers), no spaces. In: either name of a field,
 * integers as numbers or strings, enums as names or numbers, null and unknown names ignored.
 *
 * Source: grpc-gateway v1 runtime.JSONPb with OrigName; golang/protobuf 1.5 jsonpb (encode, decode).
 */

import { assert, unreachable } from "../stdx/assert.ts";
import { base64FromBytes, bytesFromBase64 } from "../stdx/base64.ts";
import { bytesFromUtf8, EMPTY_BYTES, latin1FromBytes } from "../stdx/bytes.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { goJsonString, JsonError, parseJson } from "../stdx/json.ts";
import type { JsonValue } from "../stdx/json.ts";
import type { Codec } from "./codec.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from "./descriptor.ts";

/** Any message, seen by its property names. */
type Properties = Record<string, unknown>;

/** Returns `message` as JSON text, on one line. */
export function jsonFromMessage<T extends object>(codec: Codec<T>, message: T): string {
  return messageText(codec.descriptor, message);
}

/**
 * Returns the message that the JSON text `text` stands for. Throws `JsonError`; its message is Go's where
 * the text is JSON of the wrong type.
 */
export function messageFromJson<T extends object>(codec: Codec<T>, text: string): T {
  return readMessage(codec.descriptor, parseJson(text)) as T;
}

function messageText(descriptor: MessageDescriptor, message: object): string {
  const members: string[] = [];
  for (const field of descriptor.fields) {
    const value = fieldValue(field, message as Properties);
    if (value === undefined) continue;
    const text = field.repeated
      ? `[${(value as readonly unknown[]).map((item) => valueText(field, item)).join(",")}]`
      : valueText(field, value);
    members.push(`"${field.name}":${text}`);
  }
  return `{${members.join(",")}}`;
}

/** Returns the value of `field`, `undefined` where JSON leaves it out. */
function fieldValue(field: FieldDescriptor, message: Properties): unknown {
  if (field.oneof !== undefined) {
    const chosen = message[field.oneof] as { case: string; value: unknown } | undefined;
    return chosen?.case === field.property ? chosen.value : undefined;
  }
  const value = message[field.property];
  if (field.repeated) return (value as readonly unknown[]).length === 0 ? undefined : value;
  return field.implicit && isDefault(value) ? undefined : value;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === 0 || value === 0n || value === "" || value === false;
}

function valueText(field: FieldDescriptor, value: unknown): string {
  switch (field.kind) {
    case "bytes":
      return `"${base64FromBytes(value as Uint8Array)}"`;
    case "string":
      return goJsonString(value as string);
    case "bool":
    case "int32":
    case "uint32":
      return String(value);
    case "int64":
    case "uint64":
    case "int64Bigint":
    case "uint64Bigint":
      return `"${String(value)}"`;
    case "enum": {
      const name = enumOf(field).names.get(value as number);
      return name === undefined ? String(value) : `"${name}"`;
    }
    case "message":
      return messageText(messageOf(field), value as object);
    default:
      return unreachable(field.kind);
  }
}

function readMessage(descriptor: MessageDescriptor, json: JsonValue): object {
  const message = descriptor.create() as Properties;
  if (json === null) return message;
  if (!isObject(json)) throw wrongType(json, "map[string]json.RawMessage");
  for (const field of descriptor.fields) {
    const value = json[field.jsonName in json ? field.jsonName : field.name];
    if (value === undefined || value === null) continue;
    if (field.oneof !== undefined) {
      message[field.oneof] = { case: field.property, value: readValue(field, value) };
    } else if (field.repeated) {
      if (!isArray(value)) throw wrongType(value, "[]json.RawMessage");
      message[field.property] = value.map((item) => readValue(field, item));
    } else {
      message[field.property] = readValue(field, value);
    }
  }
  return message;
}

/** Reads one value; null, which only lists can hold here, is the default. */
function readValue(field: FieldDescriptor, json: JsonValue): unknown {
  switch (field.kind) {
    case "bytes":
      return readBytes(json);
    case "string":
      if (json === null) return "";
      if (typeof json !== "string") throw wrongType(json, "string");
      return json;
    case "bool":
      if (json === null) return false;
      if (typeof json !== "boolean") throw wrongType(json, "bool");
      return json;
    case "int32":
      return Number(readInteger(json, "int32", INT32_MIN, INT32_MAX));
    case "uint32":
      return Number(readInteger(json, "uint32", 0n, UINT32_MAX));
    case "int64":
      return clamped(readInteger(json, "int64", INT64_MIN, INT64_MAX));
    case "uint64":
      return clamped(readInteger(json, "uint64", 0n, UINT64_MAX));
    case "int64Bigint":
      return readInteger(json, "int64", INT64_MIN, INT64_MAX);
    case "uint64Bigint":
      return readInteger(json, "uint64", 0n, UINT64_MAX);
    case "enum":
      return readEnum(enumOf(field), json);
    case "message":
      return readMessage(messageOf(field), json);
    default:
      return unreachable(field.kind);
  }
}

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const UINT32_MAX = 2n ** 32n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

function readBytes(json: JsonValue): Uint8Array {
  if (json === null) return EMPTY_BYTES;
  if (typeof json !== "string") throw wrongType(json, "[]uint8");
  const bytes = bytesFromBase64(json);
  if (typeof bytes !== "number") return bytes;
  throw new JsonError(`illegal base64 data at input byte ${bytes}`);
}

function readEnum(type: EnumDescriptor, json: JsonValue): number {
  if (typeof json !== "string") {
    return Number(readInteger(json, "protoreflect.EnumNumber", INT32_MIN, INT32_MAX));
  }
  const value = type.values.get(json);
  if (value !== undefined) return value;
  const quoted = goQuote(latin1FromBytes(bytesFromUtf8(`"${json}"`)));
  throw new JsonError(`unknown value ${quoted} for enum ${type.typeName}`);
}

/** Reads an integer that may be in quotes. `goType` is how Go calls the type when it refuses. */
function readInteger(json: JsonValue, goType: string, min: bigint, max: bigint): bigint {
  if (json === null) return 0n;
  if (typeof json === "string") checkQuotedNumber(json);
  else if (typeof json !== "number" && typeof json !== "bigint") throw wrongType(json, goType);
  const text = String(json).trim();
  const value = Number.isInteger(Number(text)) && !/[.eE]/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value < min || value > max) {
    throw new JsonError(`json: cannot unmarshal number ${text} into Go value of type ${goType}`);
  }
  return value;
}

const NUMBER_START =
  /^[ \t\r\n]*(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)?[ \t\r\n]*/;

/** The content of the quotes is read as JSON of its own. */
function checkQuotedNumber(text: string): void {
  const length = NUMBER_START.exec(text)?.[0].length ?? 0;
  if (length === text.length && text.trim() !== "") return;
  if (length === text.length) throw new JsonError("unexpected end of JSON input");
  const isStart = text.slice(0, length).trim() === "";
  const where = isStart ? "looking for beginning of value" : "after top-level value";
  throw new JsonError(`invalid character '${text.charAt(length)}' ${where}`);
}

function clamped(value: bigint): number {
  const number = Number(value);
  if (number > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return number < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : number;
}

function wrongType(json: JsonValue, goType: string): JsonError {
  return new JsonError(`json: cannot unmarshal ${goKind(json)} into Go value of type ${goType}`);
}

/** What Go calls the type of a JSON value. */
function goKind(json: JsonValue): string {
  if (isArray(json)) return "array";
  switch (typeof json) {
    case "bigint":
    case "number":
      return "number";
    case "boolean":
      return "bool";
    default:
      return typeof json;
  }
}

function isArray(json: JsonValue): json is readonly JsonValue[] {
  return Array.isArray(json);
}

function isObject(json: JsonValue): json is { readonly [name: string]: JsonValue } {
  return typeof json === "object" && json !== null && !isArray(json);
}

function messageOf(field: FieldDescriptor): MessageDescriptor {
  assert(field.message !== undefined, "A message field has a descriptor");
  return field.message();
}

function enumOf(field: FieldDescriptor): EnumDescriptor {
  assert(field.enum !== undefined, "An enum field has a descriptor");
  return field.enum;
}
