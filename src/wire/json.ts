/**
 * Messages as JSON, in the form of etcd's HTTP gateway: proto3 JSON as Go's jsonpb writes it. Names as in the
 * .proto file, no defaults (but a chosen oneof case always), 64-bit integers as strings, bytes in base64, enums
 * by name (unknown ones as numbers), no spaces. The other direction is in `json-input.ts`.
 *
 * Source: grpc-gateway v1 runtime.JSONPb with OrigName; golang/protobuf 1.5 jsonpb (encode.go).
 */

import { assert, unreachable } from "../stdx/assert.ts";
import { base64FromBytes } from "../stdx/base64.ts";
import { goJsonString } from "../stdx/json.ts";
import type { Codec } from "./codec.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from "./descriptor.ts";

/** Any message, seen by its property names. */
type Properties = Record<string, unknown>;

/** Returns `message` as JSON text, on one line. */
export function jsonFromMessage<T extends object>(codec: Codec<T>, message: T): string {
  return messageText(codec.descriptor, message);
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

function messageOf(field: FieldDescriptor): MessageDescriptor {
  assert(field.message !== undefined, "A message field has a descriptor");
  return field.message();
}

function enumOf(field: FieldDescriptor): EnumDescriptor {
  assert(field.enum !== undefined, "An enum field has a descriptor");
  return field.enum;
}
