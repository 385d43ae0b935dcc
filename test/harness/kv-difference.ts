/**
 * Where two answers to one KV request differ, beyond who answered and in which term. Answers are compared
 * byte by byte, so that also the order of fields and what is left out must agree.
 */
import { compareBytes, equalBytes } from "../../src/stdx/bytes.ts";
import {
  decodeRangeResponse,
  decodeResponseHeader,
  encodeRangeResponse,
  type RangeRequest,
  type RangeResponse,
  SortTarget,
} from "../../src/wire/gen/rpc.ts";
import type { KeyValue } from "../../src/wire/gen/kv.ts";
import { encodeKeyValue } from "../../src/wire/gen/kv.ts";
import { KVService } from "../../src/wire/gen/services.ts";
import { Reader } from "../../src/wire/reader.ts";
import type { KvOperation } from "./kv-operations.ts";
import type { RawAnswer } from "./raw-calls.ts";

/** etcd's sort keeps the order of equal elements up to this many. */
const STABLE_SORT_LENGTH = 12;

/** Whether both answers say the same. */
export function isSameAnswer(operation: KvOperation, a: RawAnswer, b: RawAnswer): boolean {
  if (a.code !== b.code || a.text !== b.text) return false;
  if (a.body === undefined || b.body === undefined) return a.body === b.body;
  const [left, right] = [splitHeader(a.body), splitHeader(b.body)];
  if (left.revision !== right.revision) return false;
  if (equalBytes(left.rest, right.rest)) return true;
  return operation.method === KVService.range && isSameUpToTies(operation.request, a.body, b.body);
}

/** The revision that an answer tells; `undefined` for an error. */
export function revisionOf({ body }: RawAnswer): number | undefined {
  return body === undefined ? undefined : splitHeader(body).revision;
}

/** An answer for people. */
export function describeAnswer({ method }: KvOperation, { code, text, body }: RawAnswer): string {
  if (body === undefined) return `code ${code}: ${text}`;
  return describeMessage(method.response.decode(body));
}

export function describeMessage(message: object): string {
  const show = (_: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, 400)).toString("latin1");
    return typeof value === "bigint" ? `${value}n` : value;
  };
  return JSON.stringify(message, show, 1);
}

/** Every answer has its header, field 1, in front. */
function splitHeader(body: Uint8Array): { revision: number; rest: Uint8Array } {
  const reader = new Reader(body);
  if (!reader.more() || reader.tag() !== 0x0a) throw new Error("An answer has no header");
  const header = reader.bytes();
  const rest = body.subarray(reader.position);
  return { revision: decodeResponseHeader(header).revision, rest };
}

/** Equal, but for the order of keys that the sort holds equal, which etcd leaves open. */
function isSameUpToTies(request: object, a: Uint8Array, b: Uint8Array): boolean {
  const { sortTarget } = request as RangeRequest;
  const [left, right] = [decodeRangeResponse(a), decodeRangeResponse(b)];
  if (left.count <= STABLE_SORT_LENGTH) return false;
  return equalBytes(withTiesInOrder(left, sortTarget), withTiesInOrder(right, sortTarget));
}

/** The answer without its header, ties in key order; of ties that the limit cuts only their number. */
function withTiesInOrder(response: RangeResponse, target: SortTarget): Uint8Array {
  const ranks = response.kvs.map((keyValue) => rankOf(keyValue, target));
  const last = ranks.at(-1);
  const kvs = response.kvs
    .map((keyValue, at) => ({ keyValue, rank: ranks[at] }))
    .filter(({ rank }) => !response.more || rank !== last);
  for (let at = 0; at < kvs.length; ) {
    let end = at + 1;
    while (end < kvs.length && kvs[end].rank === kvs[at].rank) end++;
    const tied = kvs.slice(at, end);
    tied.sort((x, y) => compareBytes(encodeKeyValue(x.keyValue), encodeKeyValue(y.keyValue)));
    kvs.splice(at, tied.length, ...tied);
    at = end;
  }
  const comparable = { ...response, header: undefined, kvs: kvs.map(({ keyValue }) => keyValue) };
  const shape = Buffer.from(JSON.stringify(ranks));
  return Buffer.concat([encodeRangeResponse(comparable), shape]);
}

function rankOf(keyValue: KeyValue, target: SortTarget): string {
  switch (target) {
    case SortTarget.KEY:
      return Buffer.from(keyValue.key).toString("hex");
    case SortTarget.VERSION:
      return String(keyValue.version);
    case SortTarget.CREATE:
      return String(keyValue.createRevision);
    case SortTarget.MOD:
      return String(keyValue.modRevision);
    case SortTarget.VALUE:
      return Buffer.from(keyValue.value).toString("hex");
    default:
      return "";
  }
}
