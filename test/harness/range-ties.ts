/** Answers to a Range that differ only in the order of keys that the sort holds equal, which etcd leaves open. */
import { compareBytes, equalBytes } from "../../src/stdx/bytes.ts";
import {
  decodeRangeResponse,
  encodeRangeResponse,
  type RangeRequest,
  type RangeResponse,
  SortTarget,
} from "../../src/wire/gen/rpc.ts";
import { encodeKeyValue, type KeyValue } from "../../src/wire/gen/kv.ts";

/** etcd's sort keeps the order of equal elements up to this many. */
const STABLE_SORT_LENGTH = 12;

/** Whether the answers `a` and `b` to a Range are equal, but for the order of ties. */
export function isSameUpToTies(
  { sortTarget }: RangeRequest,
  a: Uint8Array,
  b: Uint8Array,
): boolean {
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
