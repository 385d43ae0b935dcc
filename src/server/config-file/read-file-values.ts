/**
 * From the tree of a configuration file to values of flags. A value of the wrong type is told in the words of
 * Go's JSON reader, the first one in the order of the keys, as it would be found there.
 *
 * Source: etcd server/embed/config.go (configFromFile); Go encoding/json (Unmarshal); sigs.k8s.io/yaml.
 */
import { GoNumberError, parseGoInt64, parseGoUint64 } from "../../stdx/go-number.ts";
import type { FlagName, FlagValues } from "../flags/table.ts";
import { ConfigFileError, type FileNode, type FileObject } from "./file-node.ts";
import { type FileField, type FileSection, type FileType, fieldName } from "./file-schema.ts";

/** A text of the file that another reader takes apart: a list of URLs, origins, hosts or gates. */
export interface FileText {
  readonly flag: FlagName;
  readonly type: FileType;
  readonly text: string;
  readonly line: number;
}

export interface FileReading {
  /** Flags that the file gives. */
  readonly given: Set<FlagName>;
  readonly texts: FileText[];
  /** Keys that mean nothing, with their lines; etcd does not look at them. */
  readonly unknown: { readonly key: string; readonly line: number }[];
}

const UINT32_MAX = 4294967295n;
const NANOSECONDS_PER_MS = 1e6;

/**
 * Puts what `root` says into `values`, by `schema`. Returns what is left to read, or the first value that has
 * the wrong type; the others are read nevertheless, as there.
 */
export function readFileValues(
  root: FileNode,
  schema: FileSection,
  values: FlagValues,
): FileReading | ConfigFileError {
  const reading: FileReading = { given: new Set(), texts: [], unknown: [] };
  if (root.kind === "null") return reading;
  if (root.kind !== "object") {
    return mismatch(`cannot unmarshal ${root.kind} into Go value of type ${schema.type}`, root);
  }
  return readSection(root, schema, values, reading) ?? reading;
}

function readSection(
  node: FileObject,
  section: FileSection,
  values: FlagValues,
  reading: FileReading,
): ConfigFileError | undefined {
  let first: ConfigFileError | undefined;
  const keys = [...node.entries.keys()].sort();
  for (const key of keys) {
    const value = node.entries.get(key);
    if (value === undefined) continue;
    const name = key.toLowerCase();
    const field = section.fields.get(name);
    if (field === undefined) reading.unknown.push({ key, line: value.line });
    else first ??= readField(value, { section, name, field }, values, reading);
  }
  return first;
}

interface Place {
  readonly section: FileSection;
  readonly name: string;
  readonly field: FileField | FileSection;
}

function readField(
  node: FileNode,
  place: Place,
  values: FlagValues,
  reading: FileReading,
): ConfigFileError | undefined {
  if (node.kind === "null") return undefined;
  const { field } = place;
  if ("fields" in field) {
    if (node.kind === "object") return readSection(node, field, values, reading);
    return wrongType(node, node.kind, place, field.type);
  }
  const value = valueOf(node, place, field.type);
  if (value instanceof ConfigFileError) return value;
  reading.given.add(field.flag);
  if (isText(field.type)) {
    const text = String(value);
    if (text !== "")
      reading.texts.push({ flag: field.flag, type: field.type, text, line: node.line });
  } else {
    Object.assign(values, { [field.flag]: value });
  }
  return undefined;
}

function isText(type: FileType): boolean {
  return type === "urls" || type === "origins" || type === "hosts" || type === "gates";
}

function valueOf(node: FileNode, place: Place, type: FileType): unknown {
  switch (type) {
    case "bool":
      return node.kind === "bool" ? node.value : wrongType(node, node.kind, place, type);
    case "[]string":
      return node.kind === "array"
        ? textsOf(node.items, place)
        : wrongType(node, node.kind, place, type);
    case "int":
    case "int64":
    case "uint":
    case "uint32":
    case "uint64":
    case "time.Duration":
      return numberOf(node, place, type);
    case "config.V2DeprecationEnum":
      return node.kind === "string" ? node.value : wrongType(node, node.kind, place, type);
    case "string":
    case "urls":
    case "origins":
    case "hosts":
    case "gates":
      return node.kind === "string" ? node.value : wrongType(node, node.kind, place, "string");
  }
}

function textsOf(items: readonly FileNode[], place: Place): string[] | ConfigFileError {
  const texts: string[] = [];
  for (const item of items) {
    if (item.kind === "string") texts.push(item.value);
    else if (item.kind === "null") texts.push("");
    else return wrongType(item, item.kind, place, "string");
  }
  return texts;
}

/** Numbers beyond the safe integers are clamped, as those of flags are. */
function numberOf(node: FileNode, place: Place, type: FileType): number | ConfigFileError {
  if (node.kind !== "number") return wrongType(node, node.kind, place, type);
  const isSigned = type === "int" || type === "int64" || type === "time.Duration";
  const value = isSigned ? parseGoInt64(node.text, 10) : parseGoUint64(node.text, 10);
  if (value instanceof GoNumberError || (type === "uint32" && value > UINT32_MAX)) {
    return wrongType(node, `number ${node.text}`, place, type);
  }
  const bound = Number.MAX_SAFE_INTEGER;
  const number = Math.max(-bound, Math.min(bound, Number(value)));
  return type === "time.Duration" ? number / NANOSECONDS_PER_MS : number;
}

function wrongType(
  node: FileNode,
  met: string,
  { section, name }: Place,
  wanted: string,
): ConfigFileError {
  const where = fieldName(section, name);
  const text = `cannot unmarshal ${met} into Go struct field ${where} of type ${wanted}`;
  return mismatch(text, node, adviceFor(wanted));
}

function mismatch(text: string, { line }: FileNode, advice?: string): ConfigFileError {
  const message = `error unmarshaling JSON: while decoding JSON: json: ${text}`;
  return new ConfigFileError(
    message,
    line,
    advice ?? "a configuration file is a list of `key: value`",
  );
}

/** What to write instead. */
function adviceFor(wanted: string): string {
  switch (wanted) {
    case "bool":
      return "write true or false, without quotes";
    case "string":
    case "config.V2DeprecationEnum":
      return "put the value in quotes";
    case "[]string":
      return "write a list: [first, second]";
    case "time.Duration":
      return "write the duration in nanoseconds, as a whole number without a unit: 5s is 5000000000";
    case "int":
    case "int64":
      return "write a whole number, without quotes";
    case "uint":
    case "uint32":
    case "uint64":
      return "write a whole number that is not negative, without quotes";
    default:
      return "write the keys of this part on lines of their own below it, indented";
  }
}
