/**
 * The discovery service behind a discovery URL: keys of the v2 API, over HTTP, where each member has one below
 * the path of the URL.
 *
 * ```
 *   GET <url>/_config/size                          how many there will be
 *   GET <url>                                       who has come, and X-Etcd-Index
 *   PUT <url>/<id>?prevExist=false   value=…        this member
 *   GET <url>?wait=true&recursive=true&waitIndex=n  the next one
 * ```
 *
 * Source: etcd client/v2/keys.go, server/etcdserver/api/v2discovery (3.5).
 */
import * as path from "node:path";
import type { DiscoverySettings } from "../server/config/config-groups.ts";
import { DiscoveryError } from "../server/discovery/join-registry.ts";
import type { DiscoveryRegistry, RegistryEntry } from "../server/discovery/registry.ts";
import { type ProxiedResponse, sendRequest } from "./proxied-request.ts";

/** As etcd's client of the v2 API. */
const REQUEST_TIMEOUT_MS = 5000;

const KEY_NOT_FOUND = 100;
const NODE_EXISTS = 105;

/** The part of an answer that is looked at. */
interface V2Node {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly createdIndex?: unknown;
  readonly modifiedIndex?: unknown;
  readonly nodes?: unknown;
}

interface V2Answer {
  readonly errorCode?: unknown;
  readonly message?: unknown;
  readonly node?: V2Node;
}

export class UrlRegistry implements DiscoveryRegistry {
  readonly #origin: string;
  readonly #proxy: URL | undefined;
  readonly #closing = new AbortController();

  /** Throws for a proxy that is none. */
  constructor({ url, proxy }: DiscoverySettings) {
    this.#origin = new URL(url).origin;
    this.#proxy = proxyOf(proxy);
  }

  async get(key: string): Promise<string | undefined> {
    const { answer } = await this.#ask(key, "", REQUEST_TIMEOUT_MS);
    if (answer.errorCode === KEY_NOT_FOUND) return undefined;
    return textOf(nodeOf(answer).value);
  }

  async list(
    prefix: string,
  ): Promise<{ readonly entries: readonly RegistryEntry[]; readonly revision: number }> {
    const { answer, response } = await this.#ask(prefix, "", REQUEST_TIMEOUT_MS);
    const { nodes } = nodeOf(answer);
    const found = Array.isArray(nodes) ? (nodes as V2Node[]) : [];
    const entries = found.flatMap((node) => entryOf(prefix, node) ?? []);
    const index = response.headers["x-etcd-index"];
    return { entries, revision: Number(Array.isArray(index) ? index[0] : (index ?? 0)) };
  }

  async put(key: string, value: string): Promise<void> {
    const url = new URL(`${this.#origin}${key}?prevExist=false`);
    const form = new URLSearchParams({ value }).toString();
    const response = await sendRequest({
      method: "PUT",
      url,
      form,
      proxy: this.#proxy,
      timeoutMs: REQUEST_TIMEOUT_MS,
      signal: this.#closing.signal,
    });
    const answer = parse(response);
    if (answer.errorCode === NODE_EXISTS) throw new DiscoveryError("found duplicate id");
    nodeOf(answer);
  }

  async watch(
    prefix: string,
    revision: number,
    onEntry: (entry: RegistryEntry) => boolean,
  ): Promise<void> {
    for (let index = revision; ; ) {
      const query = `?wait=true&recursive=true&waitIndex=${index}`;
      const { answer } = await this.#ask(prefix, query, undefined);
      const node = nodeOf(answer);
      const entry = entryOf(prefix, node);
      if (entry !== undefined && onEntry(entry)) return;
      index = Math.max(index, numberOf(node.modifiedIndex)) + 1;
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #ask(
    key: string,
    query: string,
    timeoutMs: number | undefined,
  ): Promise<{ readonly answer: V2Answer; readonly response: ProxiedResponse }> {
    const response = await sendRequest({
      method: "GET",
      url: new URL(`${this.#origin}${key}${query}`),
      proxy: this.#proxy,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      signal: this.#closing.signal,
    });
    return { answer: parse(response), response };
  }
}

function proxyOf(text: string): URL | undefined {
  if (text === "") return undefined;
  try {
    return new URL(text.startsWith("http") ? text : `http://${text}`);
  } catch (error) {
    throw new Error(`invalid proxy address ${JSON.stringify(text)}`, { cause: error });
  }
}

/** Servers that cannot answer at the moment are asked again; what is no answer of etcd ends it. */
function parse({ status, text }: ProxiedResponse): V2Answer {
  if (status >= 500) throw new Error(`the discovery service answers ${status}`);
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch {
    // Not JSON: no discovery service, as what follows says.
  }
  throw new DiscoveryError("bad discovery endpoint");
}

function nodeOf({ node, errorCode, message }: V2Answer): V2Node {
  if (node !== undefined) return node;
  throw new Error(`${String(errorCode)}: ${String(message)}`);
}

/** A member; `undefined` for what is the service's own. */
function entryOf(prefix: string, node: V2Node): RegistryEntry | undefined {
  const name = path.posix.basename(textOf(node.key));
  if (name === "_config" || name === "size" || name === "") return undefined;
  return {
    key: path.posix.join(prefix, name),
    value: textOf(node.value),
    createRevision: numberOf(node.createdIndex),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : 0;
}
