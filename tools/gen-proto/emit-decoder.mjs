// @ts-check
/**
 * Emits `mergeX` and `decodeX`.
 */

import { tagOf, wireType } from "./emit-encoder.mjs";
import { valueType } from "./emit-types.mjs";

/** @typedef {import("./schema.mjs").Message} Message */
/** @typedef {import("./schema.mjs").Field} Field */

const BYTES = 2;

/**
 * @param {Message} message
 * @returns {string}
 */
export function emitDecoder(message) {
  const { name } = message;
  const cases = message.fields.map((field) => fieldCases(message, field)).join("");
  const names = message.fields.map((field) => ` ${field.number}: "${field.goName}",`).join("");
  const body =
    cases === ""
      ? `  while (r.more()) r.skip(r.tag(), "${message.protoName}", ${name}Fields);\n`
      : `  while (r.more()) {\n    const tag = r.tag();\n    switch (tag) {\n${cases}` +
        `      default:\n        r.skip(tag, "${message.protoName}", ${name}Fields);\n    }\n  }\n`;
  return (
    `const ${name}Fields: FieldNames = {${names}${names === "" ? "" : " "}};\n\n` +
    emptyConstants(message) +
    `export function merge${name}(r: Reader, ${cases === "" ? "_message" : "message"}: ${name}): void {\n${body}}\n\n` +
    `/** Reads a message; its byte strings are views of \`bytes\`. O(bytes). Throws WireError when they are no message. */\n` +
    `export function decode${name}(bytes: Uint8Array): ${name} {\n` +
    `  const message = create${name}();\n` +
    `  merge${name}(new Reader(bytes), message);\n` +
    `  return message;\n}\n`
  );
}

/** @param {Message} message */
function emptyConstants(message) {
  return message.fields
    .filter((field) => field.emptyIsAbsent)
    .map((field) => {
      const type = valueType(field, false);
      return `const ${emptyConstant(message.name, field)} = encode${type}(create${type}());\n\n`;
    })
    .join("");
}

/**
 * @param {string} messageName
 * @param {Field} field
 */
function emptyConstant(messageName, field) {
  return `EMPTY_${messageName}_${field.property}`.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
}

/**
 * @param {Message} message
 * @param {Field} field
 */
function fieldCases(message, field) {
  const target = `message.${field.property}`;
  const plain = field.kind !== "message";
  const open = `      case ${tagOf(field, wireType(field))}:${plain ? "" : " {"}\n`;
  const close = `        break;\n${plain ? "" : "      }\n"}`;
  switch (field.presence) {
    case "oneof":
      return open + readOneof(field) + close;
    case "repeated":
    case "packed":
      return open + readElement(field, target) + close + packedCase(field, target);
    default:
      return open + readSingular(message, field) + close;
  }
}

/** @param {Field} field */
function readOneof(field) {
  const target = `message.${field.oneof?.property} = { case: "${field.property}", value`;
  if (field.kind !== "message") return `        ${target}: ${readCall(field)} };\n`;
  const { name } = /** @type {Message} */ (field.type);
  return (
    `        const value = create${name}();\n` + mergeCall(name, "value") + `        ${target} };\n`
  );
}

/**
 * @param {Field} field
 * @param {string} target
 */
function readElement(field, target) {
  if (field.kind !== "message") return `        ${target}.push(${readCall(field)});\n`;
  const { name } = /** @type {Message} */ (field.type);
  return (
    `        const value = create${name}();\n` +
    mergeCall(name, "value") +
    `        ${target}.push(value);\n`
  );
}

/**
 * Lists of varints are accepted in both forms, whichever is written.
 * @param {Field} field
 * @param {string} target
 */
function packedCase(field, target) {
  if (wireType(field) === BYTES) return "";
  return (
    `      case ${tagOf(field, BYTES)}: {\n` +
    `        const outerEnd = r.enter();\n` +
    `        while (r.more()) ${target}.push(${readCall(field)});\n` +
    `        r.leave(outerEnd);\n        break;\n      }\n`
  );
}

/**
 * A message that comes twice is merged, as protobuf says.
 * @param {Message} message
 * @param {Field} field
 */
function readSingular(message, field) {
  const target = `message.${field.property}`;
  if (field.kind !== "message") return `        ${target} = ${readCall(field)};\n`;
  const { name } = /** @type {Message} */ (field.type);
  if (field.presence === "required") return mergeCall(name, target);
  return (
    (field.emptyIsAbsent
      ? `        if (r.skipIfEqual(${emptyConstant(message.name, field)})) break;\n`
      : "") +
    `        const value = ${target} ?? create${name}();\n` +
    mergeCall(name, "value") +
    `        ${target} = value;\n`
  );
}

/**
 * @param {string} name
 * @param {string} target
 */
function mergeCall(name, target) {
  return (
    `        const outerEnd = r.enter();\n` +
    `        merge${name}(r, ${target});\n` +
    `        r.leave(outerEnd);\n`
  );
}

/** @param {Field} field */
function readCall(field) {
  return `r.${field.kind === "enum" ? "int32" : field.kind}()`;
}
