/**
 * Range: reads of one key without detours, reads of many by a `RangeScan` in one go.
 *
 * Source: etcd server/etcdserver/apply.go (Range).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";
import type { RangeRequest, RawRangeResponse, ResponseHeader } from "../wire/gen/rpc.ts";
import { createRevisionOf, modRevisionOf, withoutValue } from "../wire/key-value.ts";
import { NOT_FOUND } from "./key-index.ts";
import { isSingleKey } from "./key-range.ts";
import { isFiltered, passesFilters } from "./range-plan.ts";
import { RangeScan } from "./range-scan.ts";
import { fetchAt, type ReadView, revisionToRead } from "./read-view.ts";

/** A header with the revision only; the member fills in the rest. */
export function headerAt(revision: number): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0 };
}

/**
 * Answers a Range on `view`. The values in the answer are storage's bytes (see `RevisionStorage.get`):
 * encode the answer before the next commit.
 *
 * O(log keys) for one key; for more O(keys returned) without sort and filter at the newest revision, else
 * O(keys in the range). Nothing bounds a request for everything: `Store.openRange` reads in steps.
 *
 * Errors: FutureRevision, Compacted.
 */
export function executeRange(view: ReadView, request: RangeRequest): RawRangeResponse | EtcdError {
  const atRevision = revisionToRead(view, request.revision);
  if (atRevision instanceof EtcdError) return atRevision;
  if (isSingleKey(request.rangeEnd)) return rangeOne(view, request, atRevision);
  const scan = new RangeScan(view, request, atRevision);
  const kvs: Uint8Array[] = [];
  if (!scan.done) scan.step(Number.POSITIVE_INFINITY, kvs);
  return { header: headerAt(scan.headerRevision), kvs, more: scan.more, count: scan.count };
}

/** One key: nothing to sort, and no limit can cut it. */
function rangeOne(view: ReadView, request: RangeRequest, atRevision: number): RawRangeResponse {
  const header = headerAt(view.revision);
  const history = view.index.get(latin1FromBytes(request.key));
  const position = history === undefined ? NOT_FOUND : history.find(atRevision);
  if (history === undefined || position === NOT_FOUND) {
    return { header, kvs: [], more: false, count: 0 };
  }
  if (request.countOnly) return { header, kvs: [], more: false, count: 1 };
  const keyValue = fetchAt(view, history, position);
  if (isFiltered(request)) {
    const passes = passesFilters(request, modRevisionOf(keyValue), () =>
      createRevisionOf(keyValue),
    );
    if (!passes) {
      return { header, kvs: [], more: false, count: 1 };
    }
  }
  const shown = request.keysOnly ? withoutValue(keyValue) : keyValue;
  return { header, kvs: [shown], more: false, count: 1 };
}
