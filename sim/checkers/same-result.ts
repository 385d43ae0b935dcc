/** Whether an answer that was recorded is the one that the model gives. */
import type { KeyValue, Request, Result } from "../history.ts";
import { sameKv } from "./kv-state.ts";

export function sameResult(request: Request, seen: Result, expected: Result): boolean {
  if ("succeeded" in expected) {
    if (!("succeeded" in seen) || request.kind !== "txn") return false;
    if (seen.succeeded !== expected.succeeded) return false;
    const branch = seen.succeeded ? request.success : request.failure;
    if (seen.results.length !== branch.length) return false;
    return branch.every((each, at) => sameResult(each, seen.results[at], expected.results[at]));
  }
  if ("kvs" in expected) {
    if (!("kvs" in seen) || seen.count !== expected.count) return false;
    return sameKvs(seen.kvs, expected.kvs);
  }
  if ("deleted" in expected) {
    if (!("deleted" in seen) || seen.deleted !== expected.deleted) return false;
    return expected.prevs === undefined || sameKvs(seen.prevs ?? [], expected.prevs);
  }
  if (request.kind !== "put" || request.prevKv !== true) return true;
  return sameKv(
    "prev" in seen ? seen.prev : undefined,
    "prev" in expected ? expected.prev : undefined,
  );
}

function sameKvs(seen: readonly KeyValue[], expected: readonly KeyValue[]): boolean {
  return seen.length === expected.length && seen.every((kv, at) => sameKv(kv, expected[at]));
}
