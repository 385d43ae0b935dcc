// @ts-check
/**
 * Reads proto/*.proto into the small model that the emitters work on: everything about presence, number
 * types and names is decided here, once.
 */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import protobuf from "protobufjs";
import { camelCase, goName, jsonName, pascalCase, typeName } from "./names.mjs";

/**
 * How a field looks in TypeScript and when it is written:
 * - implicit: always there, written unless it has its default (proto3 scalars);
 * - required: always there, always written (proto2 `required`);
 * - optional: `T | undefined`, written when defined (embedded messages, proto2 `optional`);
 * - repeated: `T[]`; packed: `T[]`, in one block;
 * - oneof: a case of its oneof.
 * @typedef {"implicit" | "required" | "optional" | "repeated" | "packed" | "oneof"} Presence
 *
 * `kind`: the scalar types that occur, with int64 and uint64 split into number and bigint forms.
 * @typedef {"bytes" | "string" | "bool" | "int32" | "uint32" | "int64" | "uint64" | "int64Bigint"
 *   | "uint64Bigint" | "fixed32" | "fixed64" | "enum" | "message"} Kind
 *
 * @typedef {object} Field
 * @property {string} name        as in the .proto file
 * @property {string} property    in TypeScript
 * @property {string} goName      in the texts of errors
 * @property {string} jsonName    second name in JSON
 * @property {number} number
 * @property {Kind} kind
 * @property {Presence} presence
 * @property {Message | Enum | undefined} type   of kinds message and enum
 * @property {Oneof | undefined} oneof
 * @property {boolean} raw
 * @property {boolean} emptyIsAbsent
 * @property {string} comment
 *
 * @typedef {object} Oneof
 * @property {string} property
 * @property {string} typeName
 * @property {Field[]} fields
 *
 * @typedef {object} Message
 * @property {string} fullName
 * @property {string} protoName
 * @property {string} name
 * @property {string} module
 * @property {Field[]} fields     by ascending number
 * @property {Oneof[]} oneofs
 * @property {boolean} hasRaw     has a raw field, or a field of a message that has one
 * @property {string} comment
 *
 * @typedef {object} Enum
 * @property {string} fullName
 * @property {string} name
 * @property {string} module
 * @property {[string, number][]} values
 * @property {Record<string, string | null>} valueComments  by the name of the value
 * @property {string} comment
 *
 * @typedef {object} Method
 * @property {string} path
 * @property {string} name
 * @property {Message} request
 * @property {Message} response
 * @property {boolean} clientStreaming
 * @property {boolean} serverStreaming
 * @property {string[]} gatewayPaths
 * @property {string} comment
 *
 * @typedef {object} Service
 * @property {string} fullName
 * @property {string} name
 * @property {Method[]} methods
 * @property {string} comment
 *
 * @typedef {object} Schema
 * @property {Message[]} messages
 * @property {Enum[]} enums
 * @property {Service[]} services
 * @property {string[]} modules
 */

/** Declares our own options; its syntax is of no interest to the model. */
const OPTIONS_FILE = "options.proto";

/**
 * @param {string} folder
 * @returns {protobuf.Root}
 */
export function parseFolder(folder) {
  const root = new protobuf.Root();
  const files = readdirSync(folder).filter((f) => f.endsWith(".proto") && f !== OPTIONS_FILE);
  const parser = /** @type {{filename: string | null}} */ (/** @type {unknown} */ (protobuf.parse));
  for (const file of files.sort()) {
    parser.filename = file;
    const text = readFileSync(join(folder, file), "utf8");
    protobuf.parse(text, root, { keepCase: true, alternateCommentMode: true });
  }
  parser.filename = null;
  root.resolveAll();
  return root;
}

/**
 * @param {string} folder
 * @returns {Map<string, string>} name of the .proto file to the name of its module
 */
function moduleNames(folder) {
  const names = new Map();
  for (const file of readdirSync(folder).filter((f) => f.endsWith(".proto"))) {
    const text = readFileSync(join(folder, file), "utf8");
    const option = /^option \(module\) = "([^"]+)";/m.exec(text);
    names.set(file, option ? option[1] : basename(file, ".proto"));
  }
  return names;
}

/**
 * Reads and checks every .proto file of `folder`.
 * @param {string} folder
 * @returns {Schema}
 */
export function readSchema(folder) {
  const modules = moduleNames(folder);
  /** @type {Map<object, Message | Enum>} */
  const types = new Map();
  /** @type {protobuf.Service[]} */
  const services = [];
  walk(parseFolder(folder), (object) => {
    const module = modules.get(object.filename ?? "") ?? "";
    if (object instanceof protobuf.Type) types.set(object, emptyMessage(object, module));
    else if (object instanceof protobuf.Enum) types.set(object, readEnum(object, module));
    else if (object instanceof protobuf.Service) services.push(object);
  });
  for (const [object, type] of types) {
    if (object instanceof protobuf.Type) fillMessage(object, /** @type {Message} */ (type), types);
  }
  const all = [...types.values()];
  const messages = all.flatMap((type) => ("fields" in type ? [type] : []));
  markRaw(messages);
  checkNames(all);
  return {
    messages,
    enums: all.flatMap((type) => ("values" in type ? [type] : [])),
    services: services.map((service) => readService(service, types)),
    modules: [...new Set(all.map((type) => type.module))].sort(),
  };
}

/**
 * @param {protobuf.NamespaceBase} namespace
 * @param {(object: protobuf.ReflectionObject) => void} visit
 */
function walk(namespace, visit) {
  for (const object of namespace.nestedArray) {
    visit(object);
    if (object instanceof protobuf.Namespace || object instanceof protobuf.Type)
      walk(object, visit);
  }
}

/**
 * @param {protobuf.Type} type
 * @param {string} module
 * @returns {Message}
 */
function emptyMessage(type, module) {
  return {
    fullName: type.fullName.slice(1),
    protoName: type.name,
    name: typeName(type.name),
    module,
    fields: [],
    oneofs: [],
    hasRaw: false,
    comment: type.comment ?? "",
  };
}

/**
 * @param {protobuf.Enum} type
 * @param {string} module
 * @returns {Enum}
 */
function readEnum(type, module) {
  // A nested enum is called by its own name, unless that says nothing alone.
  const parent = type.parent instanceof protobuf.Type ? type.parent.name : "";
  const name = type.name === "Type" ? parent + type.name : type.name;
  return {
    fullName: type.fullName.slice(1),
    name,
    module,
    values: Object.entries(type.values),
    valueComments: type.comments,
    comment: type.comment ?? "",
  };
}

/**
 * @param {protobuf.Type} type
 * @param {Message} message
 * @param {Map<object, Message | Enum>} types
 */
function fillMessage(type, message, types) {
  for (const oneof of type.oneofsArray) {
    message.oneofs.push({
      property: camelCase(oneof.name),
      typeName: message.name + pascalCase(oneof.name),
      fields: [],
    });
  }
  const fields = [...type.fieldsArray].sort((a, b) => a.id - b.id);
  for (const field of fields) {
    const property = field.partOf ? camelCase(field.partOf.name) : "";
    const oneof = message.oneofs.find((candidate) => candidate.property === property);
    const read = readField(field, oneof, types);
    message.fields.push(read);
    oneof?.fields.push(read);
  }
}

/**
 * @param {protobuf.Field} field
 * @param {Oneof | undefined} oneof
 * @param {Map<object, Message | Enum>} types
 * @returns {Field}
 */
function readField(field, oneof, types) {
  return {
    name: field.name,
    property: camelCase(field.name),
    goName: goName(field.name),
    jsonName: jsonName(field.name),
    number: field.id,
    kind: kindOf(field),
    presence: presenceOf(field, oneof),
    type: field.resolvedType ? types.get(field.resolvedType) : undefined,
    oneof,
    raw: field.options?.["(raw)"] === true,
    emptyIsAbsent: field.options?.["(empty_is_absent)"] === true,
    comment: field.comment ?? "",
  };
}

/**
 * @param {protobuf.Field} field
 * @returns {Kind}
 */
function kindOf(field) {
  if (field.resolvedType) return field.resolvedType instanceof protobuf.Enum ? "enum" : "message";
  const asNumber = field.options?.["jstype"] === "JS_NUMBER";
  switch (field.type) {
    case "int64":
      return asNumber ? "int64" : "int64Bigint";
    case "uint64":
      return asNumber ? "uint64" : "uint64Bigint";
    case "bytes":
    case "string":
    case "bool":
    case "int32":
    case "uint32":
    case "fixed32":
    case "fixed64":
      return field.type;
    default:
      throw new Error(`Cannot generate code for ${field.fullName}: type ${field.type}`);
  }
}

/**
 * @param {protobuf.Field} field
 * @param {Oneof | undefined} oneof
 * @returns {Presence}
 */
function presenceOf(field, oneof) {
  if (field.repeated) return field.packed && isPackable(field) ? "packed" : "repeated";
  if (oneof) return "oneof";
  if (field.required) return "required";
  if (kindOf(field) === "message") return "optional";
  return field.hasPresence ? "optional" : "implicit";
}

/** @param {protobuf.Field} field */
function isPackable(field) {
  const kind = kindOf(field);
  return kind !== "bytes" && kind !== "string" && kind !== "message";
}

/**
 * Marks the messages that have a raw variant, up to the outermost ones.
 * @param {Message[]} messages
 */
function markRaw(messages) {
  for (let changed = true; changed; ) {
    changed = false;
    for (const message of messages) {
      if (message.hasRaw) continue;
      message.hasRaw = message.fields.some((f) => f.raw || (f.kind === "message" && isRaw(f.type)));
      changed ||= message.hasRaw;
    }
  }
}

/** @param {Message | Enum | undefined} type */
function isRaw(type) {
  return type !== undefined && "hasRaw" in type && type.hasRaw;
}

/**
 * Two types of one module must not share a name.
 * @param {(Message | Enum)[]} types
 */
function checkNames(types) {
  const seen = new Map();
  for (const type of types) {
    const key = `${type.module}.${type.name}`;
    if (seen.has(key)) throw new Error(`Two types are called ${key}: ${type.fullName}`);
    seen.set(key, type);
  }
}

/**
 * @param {protobuf.Service} service
 * @param {Map<object, Message | Enum>} types
 * @returns {Service}
 */
function readService(service, types) {
  const fullName = service.fullName.slice(1);
  const methods = service.methodsArray.map((method) => ({
    path: `/${fullName}/${method.name}`,
    name: method.name,
    request: /** @type {Message} */ (types.get(/** @type {object} */ (method.resolvedRequestType))),
    response: /** @type {Message} */ (
      types.get(/** @type {object} */ (method.resolvedResponseType))
    ),
    clientStreaming: method.requestStream === true,
    serverStreaming: method.responseStream === true,
    gatewayPaths: gatewayPaths(method),
    comment: method.comment ?? "",
  }));
  return { fullName, name: service.name, methods, comment: service.comment ?? "" };
}

/**
 * @param {protobuf.Method} method
 * @returns {string[]}
 */
function gatewayPaths(method) {
  const options = /** @type {Record<string, string>[]} */ (method.parsedOptions ?? []);
  return options.flatMap((option) => option["(gateway)"] ?? []);
}
