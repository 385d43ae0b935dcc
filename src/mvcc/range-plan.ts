/**
 * How a RangeRequest is carried out: which way to walk the keys, when to stop, what to sort by.
 *
 * What etcd does, in its order: fetch the keys in key order (at most limit + 1, unless a sort order or a
 * revision filter is given) → filter → sort → cut to the limit, `more` if that cut something. `count` is
 * the number of keys in the range before filters and limit. A plan gives the same answer with less work: a
 * descending order by key walks backwards, and only the four other sort targets need all keys first.
 *
 * A sort target other than the key without a sort order sorts ascending, *after* the fetch was cut to
 * limit + 1. Any sort order, also an unknown one, lifts that cut.
 *
 * Differs from etcd: an unknown sort target leaves key order; etcd 3.5 crashes on it.
 *
 * Source: etcd server/etcdserver/apply.go (Range).
 */
import { type RangeRequest, SortOrder, SortTarget } from "../wire/gen/rpc.ts";
import { type KeyRange, keyRangeFrom } from "./key-range.ts";

/** What rows are sorted by; the order by key needs no sort. */
export type SortedTarget = "version" | "create" | "mod" | "value";

export interface RangePlan {
  readonly range: KeyRange;
  readonly backwards: boolean;
  readonly sortedBy: SortedTarget | undefined;
  readonly descending: boolean;
  readonly filtered: boolean;
  /** Keys in the answer; Infinity without a limit. */
  readonly limit: number;
  /** Keys to collect before the sort; Infinity for all. */
  readonly rowsMax: number;
}

export function createRangePlan(request: RangeRequest): RangePlan {
  const descending = request.sortOrder === SortOrder.DESCEND;
  const filtered = isFiltered(request);
  const limit = request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
  const cutBeforeSort = request.sortOrder === SortOrder.NONE && !filtered;
  return {
    range: keyRangeFrom(request.key, request.rangeEnd),
    backwards: descending && request.sortTarget === SortTarget.KEY,
    sortedBy: sortedTarget(request),
    descending,
    filtered,
    limit,
    rowsMax: cutBeforeSort ? limit + 1 : Number.POSITIVE_INFINITY,
  };
}

function sortedTarget(request: RangeRequest): SortedTarget | undefined {
  const { sortOrder, sortTarget } = request;
  // An unknown sort order sorts nothing.
  if (sortOrder !== SortOrder.NONE && sortOrder !== SortOrder.ASCEND) {
    if (sortOrder !== SortOrder.DESCEND) return undefined;
  }
  if (sortTarget === SortTarget.VERSION) return "version";
  if (sortTarget === SortTarget.CREATE) return "create";
  if (sortTarget === SortTarget.MOD) return "mod";
  return sortTarget === SortTarget.VALUE ? "value" : undefined;
}

/** Whether a request has revision filters: 0 switches each of them off. */
export function isFiltered(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

/**
 * Whether a revision passes the filters. `createRevision` is only called when a filter needs it.
 * Source: etcd server/etcdserver/apply.go (pruneKVs).
 */
export function passesFilters(
  request: RangeRequest,
  modRevision: number,
  createRevision: () => number,
): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (maxModRevision !== 0 && modRevision > maxModRevision) return false;
  if (minModRevision !== 0 && modRevision < minModRevision) return false;
  if (maxCreateRevision === 0 && minCreateRevision === 0) return true;
  const create = createRevision();
  if (maxCreateRevision !== 0 && create > maxCreateRevision) return false;
  return minCreateRevision === 0 || create >= minCreateRevision;
}
