/**
 * What --log-rotation-config-json says, with the complaints that Go has about it.
 *
 * Source: etcd server/embed/config_logging.go (setupLogRotation; 3.5).
 */
import type { LogRotation } from "../platform/log-rotation.ts";
import { goJsonSyntaxError } from "../stdx/go-json-syntax.ts";
import { type JsonValue, parseJson } from "../stdx/json.ts";

/** The rotation that `text` asks for, or what is wrong with it. Other members of the object mean nothing. */
export function parseLogRotation(text: string): LogRotation | string {
  const syntax = goJsonSyntaxError(text);
  if (syntax !== undefined) return `improperly formatted log rotation config: ${syntax}`;
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    if (value === null) return rotationOf(new Map());
    return `${INVALID}: json: cannot unmarshal ${nameOf(value)} into Go value of type embed.logRotationConfig`;
  }
  const members = new Map<string, JsonValue>();
  for (const [name, member] of Object.entries(value)) {
    const field = name.toLowerCase();
    const type = FIELDS.get(field);
    // Of null Go takes no notice.
    if (type === undefined || member === null) continue;
    const problem = mismatchOf(field, type, member);
    if (problem !== undefined) return `${INVALID}: ${problem}`;
    members.set(field, member);
  }
  return rotationOf(members);
}

const INVALID = "invalid log rotation config";

const FIELDS: ReadonlyMap<string, "int" | "bool" | "string"> = new Map([
  ["filename", "string"],
  ["maxsize", "int"],
  ["maxage", "int"],
  ["maxbackups", "int"],
  ["localtime", "bool"],
  ["compress", "bool"],
]);

const JAVASCRIPT_TYPES = { int: "number", bool: "boolean", string: "string" } as const;

function mismatchOf(
  field: string,
  type: "int" | "bool" | "string",
  value: JsonValue,
): string | undefined {
  const fits = typeof value === JAVASCRIPT_TYPES[type];
  if (fits && (type !== "int" || Number.isSafeInteger(value))) return undefined;
  // Go shows a number only where its type is the right one and its value is not.
  const isNumber = type === "int" && (typeof value === "number" || typeof value === "bigint");
  const met = isNumber ? `number ${value}` : nameOf(value);
  return `json: cannot unmarshal ${met} into Go struct field logRotationConfig.Logger.${field} of type ${type}`;
}

function nameOf(value: JsonValue): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "bigint" ? "number" : typeof value;
}

function rotationOf(members: ReadonlyMap<string, JsonValue>): LogRotation {
  const number = (name: string): number => {
    const value = members.get(name);
    return typeof value === "number" && value > 0 ? value : 0;
  };
  return {
    maxSizeMegabytes: number("maxsize"),
    maxAgeDays: number("maxage"),
    maxBackups: number("maxbackups"),
    localTime: members.get("localtime") === true,
    compress: members.get("compress") === true,
  };
}
