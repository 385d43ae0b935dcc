/**
 * From options in the words of programs to requests, and from answers to results.
 *
 * Source: etcd client/v3/op.go.
 */
import {
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  SortOrder,
  SortTarget,
} from "../wire/gen/rpc.ts";
import { Entry } from "./entry.ts";
import { type Bytes, type KeySpace, type KeyTarget, toBytes } from "./key-space.ts";

/** How one key is read. */
export interface GetOptions {
  /** Reads the state at this revision; the newest when absent or 0. */
  readonly revision?: number | undefined;
  /** Answered by any member from what it has: fast, may be stale. */
  readonly serializable?: boolean | undefined;
}

/** What entries are put in order by. */
export type SortKey = "key" | "version" | "createRevision" | "modRevision" | "value";

/** How a range is read. */
export interface RangeOptions extends GetOptions {
  /** Most entries; all when absent or 0. */
  readonly limit?: number | undefined;
  /** By key, ascending, when absent. */
  readonly sortBy?: SortKey | undefined;
  /** The largest first; the smallest first when absent. */
  readonly descending?: boolean | undefined;
  /** Leaves values out. */
  readonly keysOnly?: boolean | undefined;
  /** Leaves out what was changed last before this revision; nothing when absent or 0. */
  readonly minModRevision?: number | undefined;
  /** Leaves out what was changed last behind this revision; nothing when absent or 0. */
  readonly maxModRevision?: number | undefined;
  /** Leaves out what came into being before this revision; nothing when absent or 0. */
  readonly minCreateRevision?: number | undefined;
  /** Leaves out what came into being behind this revision; nothing when absent or 0. */
  readonly maxCreateRevision?: number | undefined;
}

/** How a key is set. */
export interface PutOptions {
  /** The lease that the key lives with, or its id; none when absent. */
  readonly lease?:
    | bigint
    | {
        /** Of the lease. */
        readonly id: bigint;
      }
    | undefined;
  /** Answers what was there before. */
  readonly previous?: boolean | undefined;
  /** Keeps the value, and changes the lease alone; the value must be empty. */
  readonly ignoreValue?: boolean | undefined;
  /** Keeps the lease. */
  readonly ignoreLease?: boolean | undefined;
}

/** How keys are deleted. */
export interface DeleteOptions {
  /** Answers what was there before. */
  readonly previous?: boolean | undefined;
}

/** What a range has. */
export interface RangeResult {
  /** In the order that was asked for. */
  readonly entries: readonly Entry[];
  /** Keys in the range, those beyond the limit included. */
  readonly count: number;
  /** Whether the limit left some out. */
  readonly more: boolean;
  /** Of the whole store, when it was read. */
  readonly revision: number;
}

/** What came of setting a key. */
export interface PutResult {
  /** At which the key was set. */
  readonly revision: number;
  /** What was there before, where that was asked for. */
  readonly previous: Entry | undefined;
}

/** What came of deleting keys. */
export interface DeleteResult {
  /** At which the keys were deleted, or of the store where there was none of them. */
  readonly revision: number;
  /** How many keys there were. */
  readonly deleted: number;
  /** What was there before, where that was asked for. */
  readonly previous: readonly Entry[];
}

const SORT_TARGETS: Readonly<Record<SortKey, SortTarget>> = {
  key: SortTarget.KEY,
  version: SortTarget.VERSION,
  createRevision: SortTarget.CREATE,
  modRevision: SortTarget.MOD,
  value: SortTarget.VALUE,
};

export function rangeRequest(
  space: KeySpace,
  target: KeyTarget,
  options: RangeOptions = {},
): RangeRequest {
  const { sortBy, descending = false } = options;
  const isSorted = sortBy !== undefined || descending;
  return createRangeRequest({
    ...space.range(target),
    limit: options.limit ?? 0,
    revision: options.revision ?? 0,
    serializable: options.serializable ?? false,
    keysOnly: options.keysOnly ?? false,
    sortTarget: SORT_TARGETS[sortBy ?? "key"],
    sortOrder: isSorted ? (descending ? SortOrder.DESCEND : SortOrder.ASCEND) : SortOrder.NONE,
    minModRevision: options.minModRevision ?? 0,
    maxModRevision: options.maxModRevision ?? 0,
    minCreateRevision: options.minCreateRevision ?? 0,
    maxCreateRevision: options.maxCreateRevision ?? 0,
  });
}

export function countRequest(
  space: KeySpace,
  target: KeyTarget,
  options: GetOptions = {},
): RangeRequest {
  return { ...rangeRequest(space, target, options), countOnly: true };
}

export function putRequest(
  space: KeySpace,
  key: Bytes,
  value: Bytes,
  options: PutOptions = {},
): PutRequest {
  const { lease = 0n } = options;
  return createPutRequest({
    key: space.key(key),
    value: toBytes(value),
    lease: typeof lease === "bigint" ? lease : lease.id,
    prevKv: options.previous ?? false,
    ignoreValue: options.ignoreValue ?? false,
    ignoreLease: options.ignoreLease ?? false,
  });
}

export function deleteRequest(
  space: KeySpace,
  target: KeyTarget,
  options: DeleteOptions = {},
): DeleteRangeRequest {
  const prevKv = options.previous ?? false;
  return createDeleteRangeRequest({ ...space.range(target), prevKv });
}

export function rangeResult(
  { kvs, count, more, header }: RangeResponse,
  space: KeySpace,
): RangeResult {
  const entries = kvs.map((kv) => new Entry(kv, space));
  return { entries, count, more, revision: header?.revision ?? 0 };
}

export function putResult({ prevKv, header }: PutResponse, space: KeySpace): PutResult {
  const previous = prevKv === undefined ? undefined : new Entry(prevKv, space);
  return { revision: header?.revision ?? 0, previous };
}

export function deleteResult(
  { deleted, prevKvs, header }: DeleteRangeResponse,
  space: KeySpace,
): DeleteResult {
  const previous = prevKvs.map((kv) => new Entry(kv, space));
  return { revision: header?.revision ?? 0, deleted, previous };
}
