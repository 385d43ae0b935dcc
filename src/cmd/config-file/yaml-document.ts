/**
 * The text of a configuration file as a tree. The syntax is read by `yaml`; what a word means is decided as
 * the YAML reader of etcd does it. Loaded only when there is such a file.
 *
 * JSON is read too, being YAML. Of several documents the first counts, of a key that stands twice the last.
 *
 * Source: gopkg.in/yaml.v2, sigs.k8s.io/yaml (texts of errors).
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from "yaml";
import {
  ConfigFileError,
  type FileNode,
  type FileScalar,
} from "../../server/config-file/file-node.ts";
import { plainScalar } from "../../server/config-file/yaml-scalar.ts";
import { PREFIX, syntaxError } from "./syntax-error.ts";
import { CONFIG_FILE_DEPTH_MAX, CONFIG_FILE_NODES_MAX } from "./limits.ts";

const MERGE_KEY = "<<";
const STRING_TAG = "tag:yaml.org,2002:str";

/** Reads `text`. Throws `ConfigFileError` where it is not YAML. */
export function parseConfigText(text: string): FileNode {
  const lines = new LineCounter();
  // Every scalar stays a text: what it means is decided by plainScalar.
  const documents = parseAllDocuments(text, {
    version: "1.1",
    schema: "failsafe",
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "silent",
    resolveKnownTags: false,
  });
  if (!Array.isArray(documents) || documents.length === 0) return { kind: "null", line: 1 };
  const [document] = documents;
  const [error] = document.errors;
  if (error !== undefined) throw syntaxError(error, text, lines, isSeq(document.contents));
  if (document.contents === null) return { kind: "null", line: 1 };
  return new TreeBuilder(document, lines).build(document.contents, 0);
}

class TreeBuilder {
  readonly #document: Document;
  readonly #lines: LineCounter;
  /** Anchors whose values are being built. */
  readonly #open = new Set<string>();
  #nodesLeft = CONFIG_FILE_NODES_MAX;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  build(node: Node, depth: number): FileNode {
    this.#nodesLeft--;
    if (this.#nodesLeft < 0 || depth > CONFIG_FILE_DEPTH_MAX) {
      throw new ConfigFileError(
        `${PREFIX}document contains excessive aliasing`,
        this.#lineOf(node),
      );
    }
    const line = this.#lineOf(node);
    if (isAlias(node)) return { ...this.#buildAlias(node, depth), line };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#child(item, line, depth));
      return { kind: "array", line, items };
    }
    if (isMap(node)) return { kind: "object", line, entries: this.#entries(node, depth) };
    return isScalar(node) ? scalar(node, line) : { kind: "null", line };
  }

  #buildAlias(alias: Alias, depth: number): FileNode {
    if (this.#open.has(alias.source)) {
      const problem = `${PREFIX}anchor '${alias.source}' value contains itself`;
      throw new ConfigFileError(problem, this.#lineOf(alias));
    }
    this.#open.add(alias.source);
    const built = this.build(this.#resolve(alias), depth + 1);
    this.#open.delete(alias.source);
    return built;
  }

  #child(item: unknown, line: number, depth: number): FileNode {
    return item === null ? { kind: "null", line } : this.build(item as Node, depth + 1);
  }

  /** The pairs of `map`; what it merges from others stands behind what it says itself. */
  #entries(map: YAMLMap, depth: number): Map<string, FileNode> {
    const own = new Map<string, FileNode>();
    const merged = new Map<string, FileNode>();
    for (const { key, value } of map.items) {
      const name = this.#keyText(key as Node | null);
      const line = key === null ? this.#lineOf(map) : this.#lineOf(key as Node);
      const child =
        value === null ? { kind: "null" as const, line } : this.build(value as Node, depth + 1);
      if (name === MERGE_KEY && isScalar(key) && key.type === "PLAIN") this.#merge(child, merged);
      else own.set(name, atLine(child, line));
    }
    for (const [name, child] of merged) if (!own.has(name)) own.set(name, child);
    return own;
  }

  #merge(from: FileNode, into: Map<string, FileNode>): void {
    const sources = from.kind === "array" ? from.items : [from];
    for (const source of sources) {
      if (source.kind !== "object") {
        const problem = `${PREFIX}map merge requires map or sequence of maps as the value`;
        throw new ConfigFileError(problem, from.line);
      }
      for (const [name, child] of source.entries) if (!into.has(name)) into.set(name, child);
    }
  }

  /** Keys that are no texts become texts, as JSON has no others. */
  #keyText(key: Node | null): string {
    const node = key !== null && isAlias(key) ? this.#resolve(key) : key;
    if (node === null) return "null";
    if (!isScalar(node)) {
      throw new ConfigFileError(
        `${PREFIX}invalid map key`,
        this.#lineOf(node),
        "write a word as the key",
      );
    }
    const value = scalar(node, 0);
    if (value.kind === "string") return value.value;
    if (value.kind === "number") return value.text;
    return value.kind === "bool" ? String(value.value) : "null";
  }

  #resolve(alias: Alias): Node {
    const target = alias.resolve(this.#document);
    if (target !== undefined) return target;
    throw new ConfigFileError(
      `${PREFIX}unknown anchor '${alias.source}' referenced`,
      this.#lineOf(alias),
      "put the value in quotes if * is a part of it",
    );
  }

  #lineOf(node: Node): number {
    return node.range ? this.#lines.linePos(node.range[0]).line : 0;
  }
}

/** Values are told of with the line of their key. */
function atLine(node: FileNode, line: number): FileNode {
  return { ...node, line };
}

function scalar(node: Scalar, line: number): FileScalar {
  const text = typeof node.value === "string" ? node.value : "";
  const isText = node.type !== "PLAIN" || node.tag === STRING_TAG;
  return isText && node.type !== undefined
    ? { kind: "string", line, value: text }
    : plainScalar(text, line);
}
