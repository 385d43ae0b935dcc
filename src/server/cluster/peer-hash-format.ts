/**
 * The question for a peer's hash and its answer, as Go's JSON of etcd's HashKVRequest and HashKVResponse:
 *
 * ```
 *   GET /members/hashkv   {"revision":7}   ->   {"header":{"revision":9},"hash":1084519789,"compact_revision":3}
 * ```
 *
 * Source: etcd server/etcdserver/corrupt.go (HashByRev, hashKVHandler) (3.5).
 */
import type { KeyspaceHash } from "../../api/context.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../stdx/bytes.ts";
import { JsonError, type JsonValue, parseJson } from "../../stdx/json.ts";

/** Where members are asked for the hash of their keyspace. */
export const HASH_PATH = "/members/hashkv";

export function encodeHashRequest(revision: number): Uint8Array {
  return bytesFromUtf8(revision === 0 ? "{}" : `{"revision":${revision}}`);
}

/** The revision that is asked for, 0 for the newest; `undefined` for what is no request. */
export function revisionOf(body: Uint8Array): number | undefined {
  const value = jsonOf(body);
  if (value === null) return 0;
  return value === undefined ? undefined : integerOf(value, "revision");
}

export function encodeHash({ hash, currentRevision }: KeyspaceHash): string {
  const fields = [`"header":{"revision":${currentRevision}}`];
  if (hash.hash !== 0) fields.push(`"hash":${hash.hash}`);
  if (hash.compactRevision !== 0) fields.push(`"compact_revision":${hash.compactRevision}`);
  return `{${fields.join(",")}}`;
}

/** What a peer says of its hash at `revision`; `undefined` for what is no answer. */
export function decodeHash(body: Uint8Array, revision: number): KeyspaceHash | undefined {
  const value = jsonOf(body);
  if (value === undefined || value === null) return undefined;
  const header = fieldOf(value, "header");
  const currentRevision = header === undefined ? 0 : integerOf(header, "revision");
  const hash = integerOf(value, "hash");
  const compactRevision = integerOf(value, "compact_revision");
  if (currentRevision === undefined || hash === undefined || compactRevision === undefined) {
    return undefined;
  }
  return { hash: { hash, revision, compactRevision, isComparable: true }, currentRevision };
}

type JsonObject = { readonly [name: string]: JsonValue };

/** An object or null; `undefined` for anything else. */
function jsonOf(body: Uint8Array): JsonObject | null | undefined {
  try {
    const value = parseJson(utf8FromBytes(body));
    return typeof value === "object" && !Array.isArray(value)
      ? (value as JsonObject | null)
      : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** A field under its name in any case, as Go finds it. */
function fieldOf(value: JsonValue, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key.toLowerCase() === name)?.[1];
}

/** 0 when it is missing, `undefined` when it is no integer that can be one. */
function integerOf(value: JsonValue, name: string): number | undefined {
  const field = fieldOf(value, name);
  if (field === undefined || field === null) return 0;
  return typeof field === "number" && Number.isSafeInteger(field) ? field : undefined;
}
