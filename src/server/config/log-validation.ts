/**
 * How the log cannot be set up, in etcd's words, and what --log-rotation-config-json says.
 *
 * Source: etcd server/embed/config_logging.go (setupLogging, setupLogRotation; 3.5, --log-format of 3.6).
 */
import { JOURNAL_OUTPUT } from "../../platform/log.ts";
import type { LogRotation } from "../../platform/log-rotation.ts";
import { goJsonSyntaxError } from "../../stdx/go-json-syntax.ts";
import { goQuoteText } from "../../stdx/go-url.ts";
import { type JsonValue, parseJson } from "../../stdx/json.ts";
import type { FlagValues } from "../flags/table.ts";

/** Why the log cannot be set up as `values` say. The level is looked at later, as etcd does. */
export function logProblem(values: FlagValues): string | undefined {
  if (values.logger === "capnslog") return "--logger=capnslog is removed in v3.5";
  if (values.logger !== "zap") return `unknown logger option ${goQuoteText(values.logger)}`;
  const outputs = values["log-outputs"];
  if (outputs.length > 1 && outputs.includes("default")) {
    return 'multi logoutput for "default" is not supported yet';
  }
  return rotationProblem(values) ?? formatProblem(values["log-format"]) ?? journalProblem(outputs);
}

function rotationProblem(values: FlagValues): string | undefined {
  if (!values["enable-log-rotation"]) return undefined;
  const outputs = values["log-outputs"];
  const files = outputs.filter((name) => !STREAMS.has(name)).length;
  if (files > 1 || (files === 0 && outputs.length === 1)) {
    return "--log-outputs requires a single file path when --log-rotate-config-json is defined";
  }
  const rotation = parseLogRotation(values["log-rotation-config-json"]);
  return typeof rotation === "string" ? rotation : undefined;
}

const STREAMS: ReadonlySet<string> = new Set(["default", "stderr", "stdout"]);

function formatProblem(format: string): string | undefined {
  if (format === "json" || format === "console" || format === "") return undefined;
  return `unknown log format: ${format}, supported values json, console`;
}

function journalProblem(outputs: readonly string[]): string | undefined {
  if (!outputs.includes(JOURNAL_OUTPUT) || outputs.length === 1) return undefined;
  const listed = outputs.map(goQuoteText).join(" ");
  return `running with systemd/journal but other '--log-outputs' values ([${listed}]) are configured with 'default'; override 'default' value with something else`;
}

/**
 * The rotation that `text` asks for, or what is wrong with it. Other members of the object mean nothing.
 * Differs from etcd: an object without any of them leaves the defaults; etcd crashes on it.
 */
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
