// @ts-check
/**
 * Emits types: enums, message interfaces, oneof unions, and `createX`.
 */

/** @typedef {import("./schema.mjs").Message} Message */
/** @typedef {import("./schema.mjs").Field} Field */
/** @typedef {import("./schema.mjs").Oneof} Oneof */
/** @typedef {import("./schema.mjs").Enum} Enum */

const COLUMNS = 108;

/**
 * A doc comment, wrapped; empty when there is nothing to say.
 * @param {string} text
 * @param {string} indent
 * @returns {string} with a line end
 */
export function docComment(text, indent) {
  const flat = text.trim();
  if (flat === "") return "";
  const one = `${indent}/** ${flat.replace(/\s+/g, " ")} */`;
  if (one.length <= COLUMNS) return `${one}\n`;
  /** @type {string[]} */
  const lines = [];
  for (const word of flat.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && indent.length + 3 + last.length + 1 + word.length <= COLUMNS) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

/**
 * @param {Enum} type
 * @returns {string}
 */
export function emitEnum(type) {
  const values = type.values
    .map(([name, value]) => {
      const doc = docComment(type.valueComments[name] ?? "", "  ");
      return `${doc}  ${name}: ${value},\n`;
    })
    .join("");
  return (
    docComment(type.comment, "") +
    `export const ${type.name} = {\n${values}} as const;\n` +
    `/** One of the values, or an unknown number that a decoder met. */\n` +
    `export type ${type.name} = (typeof ${type.name})[keyof typeof ${type.name}] | (number & {});\n`
  );
}

/**
 * The type of one value of `field` in TypeScript.
 * @param {Field} field
 * @param {boolean} raw  in the raw variant of its message
 * @returns {string}
 */
export function valueType(field, raw) {
  switch (field.kind) {
    case "bytes":
      return "Uint8Array";
    case "string":
      return "string";
    case "bool":
      return "boolean";
    case "int64Bigint":
    case "uint64Bigint":
    case "fixed64":
      return "bigint";
    case "enum":
      return /** @type {Enum} */ (field.type).name;
    case "message": {
      const type = /** @type {Message} */ (field.type);
      if (raw && field.raw) return "Uint8Array";
      return raw && type.hasRaw ? `Raw${type.name}` : type.name;
    }
    default:
      return "number";
  }
}

/**
 * The default of one value of `field` as an expression.
 * @param {Field} field
 * @returns {string}
 */
export function defaultValue(field) {
  switch (field.kind) {
    case "bytes":
      return "EMPTY_BYTES";
    case "string":
      return '""';
    case "bool":
      return "false";
    case "int64Bigint":
    case "uint64Bigint":
    case "fixed64":
      return "0n";
    case "message":
      return `create${/** @type {Message} */ (field.type).name}()`;
    default:
      return "0";
  }
}

/**
 * @param {Message} message
 * @returns {string}
 */
export function emitTypes(message) {
  return interfaces(message, false) + createFunction(message, false);
}

/**
 * @param {Message} message
 * @returns {string}
 */
export function emitRawTypes(message) {
  return interfaces(message, true) + createFunction(message, true);
}

/**
 * @param {Message} message
 * @param {boolean} raw
 */
function interfaces(message, raw) {
  const prefix = raw ? "Raw" : "";
  let text = "";
  for (const oneof of message.oneofs) text += oneofType(oneof, raw);
  const rawNote = `\`${message.name}\` for encoding, with marshalled messages in place of decoded ones.`;
  text += docComment(raw ? rawNote : message.comment, "");
  const members = properties(message).map((entry) => {
    const doc = raw || !("kind" in entry) ? "" : docComment(entry.comment, "  ");
    return `${doc}  ${entry.property}: ${propertyType(entry, raw)};\n`;
  });
  const body = members.length === 0 ? "" : `\n${members.join("")}`;
  return `${text}export interface ${prefix}${message.name} {${body}}\n\n`;
}

/**
 * The properties of a message in order of their (first) field number.
 * @param {Message} message
 * @returns {(Field | Oneof)[]}
 */
export function properties(message) {
  return [...new Set(message.fields.map((field) => field.oneof ?? field))];
}

/**
 * @param {Field | Oneof} entry
 * @param {boolean} raw
 */
function propertyType(entry, raw) {
  if (!("kind" in entry))
    return `${raw && hasRawCase(entry) ? "Raw" : ""}${entry.typeName} | undefined`;
  const type = valueType(entry, raw);
  switch (entry.presence) {
    case "repeated":
    case "packed":
      return `${type}[]`;
    case "optional":
      return `${type} | undefined`;
    default:
      return type;
  }
}

/** @param {Oneof} oneof */
function hasRawCase(oneof) {
  return oneof.fields.some((f) => f.kind === "message" && /** @type {Message} */ (f.type).hasRaw);
}

/**
 * @param {Oneof} oneof
 * @param {boolean} raw
 */
function oneofType(oneof, raw) {
  if (raw && !hasRawCase(oneof)) return "";
  const cases = oneof.fields.map((field) => {
    return `\n  | { readonly case: "${field.property}"; readonly value: ${valueType(field, raw)} }`;
  });
  const type = `export type ${raw ? "Raw" : ""}${oneof.typeName} =${cases.join("")};\n\n`;
  return raw ? type : caseNumbers(oneof) + type;
}

/** @param {Oneof} oneof */
function caseNumbers(oneof) {
  const numbers = oneof.fields.map((field) => `  ${field.property}: ${field.number},\n`).join("");
  return (
    `/** Field numbers of the cases of \`${oneof.typeName}\`. */\n` +
    `export const ${oneof.typeName}Field = {\n${numbers}} as const;\n`
  );
}

/**
 * @param {Message} message
 * @param {boolean} raw
 */
function createFunction(message, raw) {
  const name = (raw ? "Raw" : "") + message.name;
  const members = properties(message).map((entry) => `    ${entry.property}: ${initial(entry)},\n`);
  const literal = members.length === 0 ? "{}" : `{\n${members.join("")}  }`;
  const parameter = members.length === 0 ? "_partial" : "partial";
  const result =
    members.length === 0
      ? `  return {};\n`
      : `  const message: ${name} = ${literal};\n` +
        `  return partial === undefined ? message : Object.assign(message, partial);\n`;
  return `export function create${name}(${parameter}?: Partial<${name}>): ${name} {\n${result}}\n`;
}

/** @param {Field | Oneof} entry */
function initial(entry) {
  if (!("kind" in entry)) return "undefined";
  if (entry.presence === "repeated" || entry.presence === "packed") return "[]";
  return entry.presence === "optional" ? "undefined" : defaultValue(entry);
}
