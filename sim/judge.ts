/** What clients did and saw, and what members hold at the end, judged by checkers that know only the history. */
import { executeRange } from "../src/mvcc/range.ts";
import type { Store } from "../src/mvcc/store.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { decodeKeyValue } from "../src/wire/gen/kv.ts";
import { createRangeRequest } from "../src/wire/gen/rpc.ts";
import { checkHistory, type FinalState, withFinalStates } from "./checkers/check-history.ts";
import type { LeaseLimits } from "./checkers/lease-guarantees.ts";
import { describeViolation } from "./checkers/violation.ts";
import { keyValue } from "./history-wire.ts";
import { Violation } from "./cluster/violation.ts";
import type { History } from "./history.ts";

/** How long a search for an order may be before a seed counts as undecided: it must not hold up the others. */
const ENTRIES_MAX = 50_000;

/** The smallest key, and the end of all keys. */
const ALL_KEYS = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };

/** Throws the first rule that is broken; returns whether the judges could come to a verdict. */
export function judge(
  history: History,
  states: readonly FinalState[],
  limits: LeaseLimits,
): "sound" | "undecided" {
  const found = checkHistory(withFinalStates(history, states), limits, ENTRIES_MAX);
  if (found === undefined) return "sound";
  if (found.rule.startsWith("undecided")) return "undecided";
  throw new Violation(found.rule, describeViolation(found));
}

/** Everything that a member holds. */
export function finalStateOf(member: string, timeMs: number, store: Store): FinalState {
  const response = executeRange(store, createRangeRequest(ALL_KEYS));
  if (response instanceof EtcdError) throw response;
  const kvs = response.kvs.map((bytes) => keyValue(decodeKeyValue(bytes)));
  kvs.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { member, timeMs, revision: store.revision, kvs };
}
