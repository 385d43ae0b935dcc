// @ts-check
/**
 * Emits `writeX` and `encodeX`. The writer works backwards: fields in descending number order, value
 * before tag (see src/wire/writer.ts).
 */

import { valueType } from "./emit-types.mjs";

/** @typedef {import("./schema.mjs").Message} Message */
/** @typedef {import("./schema.mjs").Field} Field */
/** @typedef {import("./schema.mjs").Oneof} Oneof */

/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * @param {Message} message
 * @param {boolean} raw  the raw variant
 * @returns {string}
 */
export function emitEncoder(message, raw) {
  const name = (raw ? "Raw" : "") + message.name;
  const body = writeBody(message, raw);
  const [w, m] = body === "" ? ["_w", "_message"] : ["w", "message"];
  return (
    `export function write${name}(${w}: Writer, ${m}: ${name}): void {\n${body}}\n\n` +
    `/** The bytes of a message, in an array of their own. O(bytes). */\n` +
    `export function encode${name}(message: ${name}): Uint8Array {\n` +
    `  const w = beginEncoding();\n` +
    `  write${name}(w, message);\n` +
    `  return w.take();\n}\n`
  );
}

/**
 * @param {Message} message
 * @param {boolean} raw
 */
function writeBody(message, raw) {
  let text = "";
  const descending = [...message.fields].reverse();
  for (let i = 0; i < descending.length; ) {
    const { oneof } = descending[i];
    if (oneof === undefined) {
      text += writeField(descending[i++], raw);
      continue;
    }
    // Neighbours of one oneof share a switch; other fields may stand between two of them.
    const cases = [];
    while (i < descending.length && descending[i].oneof === oneof) cases.push(descending[i++]);
    text += writeCases(oneof, cases, raw);
  }
  return text;
}

/**
 * @param {Oneof} oneof
 * @param {Field[]} cases
 * @param {boolean} raw
 */
function writeCases(oneof, cases, raw) {
  let text = `  switch (message.${oneof.property}?.case) {\n`;
  for (const field of cases) {
    const write = writeValue(field, `message.${oneof.property}.value`, raw, "      ");
    const [open, close] = field.kind === "message" ? [" {", "    }\n"] : ["", ""];
    text += `    case "${field.property}":${open}\n${write}      break;\n${close}`;
  }
  return `${text}    default:\n  }\n`;
}

/**
 * @param {Field} field
 * @param {boolean} raw
 */
function writeField(field, raw) {
  const value = `message.${field.property}`;
  switch (field.presence) {
    case "required":
      return field.kind === "message"
        ? `  {\n${writeValue(field, value, raw, "    ")}  }\n`
        : writeValue(field, value, raw, "  ");
    case "repeated":
      return (
        `  for (let i = ${value}.length - 1; i >= 0; i--) {\n` +
        writeValue(field, `${value}[i]`, raw, "    ") +
        `  }\n`
      );
    case "packed":
      return (
        `  if (${value}.length !== 0) {\n    const mark = w.mark();\n` +
        `    for (let i = ${value}.length - 1; i >= 0; i--) ${writeCall(field, `${value}[i]`)}\n` +
        `    w.length(mark);\n    w.tag(${tagOf(field, BYTES)});\n  }\n`
      );
    case "optional":
      return `  if (${value} !== undefined) {\n${writeValue(field, value, raw, "    ")}  }\n`;
    default:
      return `  if (${isSet(field, value)}) {\n${writeValue(field, value, raw, "    ")}  }\n`;
  }
}

/**
 * @param {Field} field
 * @param {string} value
 */
function isSet(field, value) {
  switch (field.kind) {
    case "bool":
      return value;
    case "bytes":
      return `${value}.length !== 0`;
    case "string":
      return `${value} !== ""`;
    case "int64Bigint":
    case "uint64Bigint":
    case "fixed64":
      return `${value} !== 0n`;
    default:
      return `${value} !== 0`;
  }
}

/**
 * @param {Field} field
 * @param {string} value
 * @param {boolean} raw
 * @param {string} indent
 */
function writeValue(field, value, raw, indent) {
  const tag = `${indent}w.tag(${tagOf(field, wireType(field))});\n`;
  if (field.kind !== "message") return `${indent}${writeCall(field, value)}\n${tag}`;
  if (raw && field.raw) return `${indent}w.bytes(${value});\n${tag}`;
  return (
    `${indent}const mark = w.mark();\n` +
    `${indent}write${valueType(field, raw)}(w, ${value});\n` +
    `${indent}w.length(mark);\n${tag}`
  );
}

/**
 * @param {Field} field
 * @param {string} value
 */
function writeCall(field, value) {
  switch (field.kind) {
    case "int64Bigint":
    case "uint64Bigint":
      return `w.bigint(${value});`;
    case "uint64":
      return `w.int64(${value});`;
    case "enum":
      return `w.int32(${value});`;
    default:
      return `w.${field.kind}(${value});`;
  }
}

/**
 * @param {Field} field
 * @returns {number}
 */
export function wireType(field) {
  switch (field.kind) {
    case "bytes":
    case "string":
    case "message":
      return BYTES;
    case "fixed32":
      return FIXED32;
    case "fixed64":
      return FIXED64;
    default:
      return VARINT;
  }
}

/**
 * @param {Field} field
 * @param {number} type
 * @returns {number}
 */
export function tagOf(field, type) {
  return field.number * 8 + type;
}
