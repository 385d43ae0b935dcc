/**
 * The conditions of a Txn. All must hold; none is an empty, true list. They are judged on the newest
 * state, before any change of the transaction.
 *
 * A condition on a range must hold for every key in it. With no key there it is judged once, against a key
 * whose version, revisions and lease are 0; a condition on the value is false then, because a missing
 * value cannot be told from an empty one. An operand of another kind than the target counts as 0 or empty;
 * an unknown target compares as equal, an unknown result holds.
 *
 * Source: etcd server/etcdserver/apply.go (applyCompare, compareKV).
 */
import { compareBytes, EMPTY_BYTES } from "../stdx/bytes.ts";
import { type Compare, CompareResult, CompareTarget } from "../wire/gen/rpc.ts";
import { leaseOf, valueOf } from "../wire/key-value.ts";
import type { KeyIndex } from "./key-index.ts";
import { isSingleKey, keyRangeFrom } from "./key-range.ts";
import { fetchAt, type ReadView } from "./read-view.ts";

/**
 * How many conditions hold on `view` before the first that does not: all of them, if as many as there are.
 * O(keys in the ranges) at most.
 */
export function comparesHolding(view: ReadView, compares: readonly Compare[]): number {
  let holding = 0;
  while (holding < compares.length && compareHolds(view, compares[holding])) holding++;
  return holding;
}

function compareHolds(view: ReadView, compare: Compare): boolean {
  const { from, end } = keyRangeFrom(compare.key, compare.rangeEnd);
  if (isSingleKey(compare.rangeEnd)) {
    const history = view.index.get(from);
    return history?.live === true ? holdsFor(view, compare, history) : holdsForNone(compare);
  }
  let any = false;
  const cursor = view.index.cursor(true);
  for (let ok = cursor.seek(from); ok; ok = cursor.next()) {
    if (end !== undefined && cursor.key >= end) break;
    any = true;
    if (!holdsFor(view, compare, cursor.value)) return false;
  }
  return any || holdsForNone(compare);
}

function holdsFor(view: ReadView, compare: Compare, history: KeyIndex): boolean {
  const { result, target, targetUnion } = compare;
  switch (target) {
    case CompareTarget.VERSION: {
      const operand = targetUnion?.case === "version" ? targetUnion.value : 0;
      return accepts(result, history.version - operand);
    }
    case CompareTarget.CREATE: {
      const operand = targetUnion?.case === "createRevision" ? targetUnion.value : 0;
      return accepts(result, history.createRevision - operand);
    }
    case CompareTarget.MOD: {
      const operand = targetUnion?.case === "modRevision" ? targetUnion.value : 0;
      return accepts(result, history.main - operand);
    }
    case CompareTarget.VALUE: {
      const value = valueOf(fetchAt(view, history, history.newest));
      const operand = targetUnion?.case === "value" ? targetUnion.value : EMPTY_BYTES;
      return accepts(result, compareBytes(value, operand));
    }
    case CompareTarget.LEASE: {
      const lease = leaseOf(fetchAt(view, history, history.newest));
      return accepts(result, compareLeases(lease, leaseOperand(compare)));
    }
    default:
      return accepts(result, 0);
  }
}

function holdsForNone(compare: Compare): boolean {
  const { result, target, targetUnion } = compare;
  switch (target) {
    case CompareTarget.VERSION:
      return accepts(result, targetUnion?.case === "version" ? -targetUnion.value : 0);
    case CompareTarget.CREATE:
      return accepts(result, targetUnion?.case === "createRevision" ? -targetUnion.value : 0);
    case CompareTarget.MOD:
      return accepts(result, targetUnion?.case === "modRevision" ? -targetUnion.value : 0);
    case CompareTarget.VALUE:
      return false;
    case CompareTarget.LEASE:
      return accepts(result, compareLeases(0n, leaseOperand(compare)));
    default:
      return accepts(result, 0);
  }
}

function leaseOperand({ targetUnion }: Compare): bigint {
  return targetUnion?.case === "lease" ? targetUnion.value : 0n;
}

function compareLeases(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Whether a result is satisfied by an actual value that is below (< 0), at, or above the operand. */
function accepts(result: CompareResult, order: number): boolean {
  switch (result) {
    case CompareResult.EQUAL:
      return order === 0;
    case CompareResult.NOT_EQUAL:
      return order !== 0;
    case CompareResult.GREATER:
      return order > 0;
    case CompareResult.LESS:
      return order < 0;
    default:
      return true;
  }
}
