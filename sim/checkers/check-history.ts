/** Everything that can be said against a history. */
import type { History, KeyValue, Operation } from "../history.ts";
import { keyViolation } from "./key-histories.ts";
import { KvFacts } from "./kv-facts.ts";
import { checkKvHistory, EMPTY_STATE, type KvVerdict, type SearchOptions } from "./kv-history.ts";
import { leaseDues, type LeaseLimits, leaseViolation } from "./lease-guarantees.ts";
import type { Violation } from "./violation.ts";
import { watchViolation } from "./watch-guarantees.ts";

/** The first rule that the history breaks, or `undefined`. The history begins with an empty store. */
export function checkHistory(
  history: History,
  limits: LeaseLimits = {},
  entriesMax?: number,
): Violation | undefined {
  const verdict = findOrder(history, limits, entriesMax === undefined ? {} : { entriesMax });
  if (verdict.kind === "undecided") {
    return { ...verdict.violation, rule: `undecided ${verdict.violation.rule}` };
  }
  if (verdict.kind === "violation") return verdict.violation;
  const { revisions } = verdict;
  const facts = new KvFacts(history, EMPTY_STATE.revision);
  return (
    keyViolation(history) ??
    watchViolation(history, revisions) ??
    leaseViolation(history, revisions, (revision) => facts.seenBy(revision), limits)
  );
}

/**
 * Several orders may explain the same answers. One in which no lease ends early and watchers were shown what
 * happened is looked for first: only where there is none does another say something.
 */
function findOrder(history: History, limits: LeaseLimits, options: SearchOptions): KvVerdict {
  const dues = leaseDues(history, limits);
  const mayEnd = (lease: string, timeMs: number): boolean => timeMs >= (dues.get(lease) ?? 0);
  const verdict = checkKvHistory(history, EMPTY_STATE, {
    ...options,
    mayEnd,
    believesWatchers: true,
  });
  return verdict.kind === "violation" ? checkKvHistory(history, EMPTY_STATE, options) : verdict;
}

/** What a member holds at the end. */
export interface FinalState {
  readonly member: string;
  readonly timeMs: number;
  readonly revision: number;
  /** Sorted by key. */
  readonly kvs: readonly KeyValue[];
}

/**
 * The history together with what the members hold at its end, which becomes one more read of everything for
 * each: with that, whatever was acknowledged and is lost breaks linearizability.
 */
export function withFinalStates(history: History, states: readonly FinalState[]): History {
  const reads = states.map(
    ({ member, timeMs, revision, kvs }): Operation => ({
      ...{ client: -1, member, call: timeMs, return: timeMs },
      request: { kind: "range", key: "\0", end: "\0" },
      outcome: { kind: "ok", revision, result: { kvs, count: kvs.length } },
    }),
  );
  return { ...history, operations: [...history.operations, ...reads] };
}
