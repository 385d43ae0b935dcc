/**
 * Linearizability of single keys, without believing any header: each key is a register of its own. What an
 * operation says about one key (a read of many, a transaction) is judged as an operation on that key; if the
 * whole is linearizable, so is each part. Weaker than `checkKvHistory`, and a second opinion.
 *
 * A key of a lease may be gone at any time. Answers of members that may be behind are left out.
 */
import type {
  Compare,
  History,
  KeyRange,
  KeyValue,
  KvRequest,
  Operation,
  Result,
} from "../history.ts";
import { isSerializable } from "./kv-facts.ts";
import { isInRange } from "./kv-state.ts";
import {
  checkLinearizable,
  type Interval,
  type Model,
  SEARCH_STEPS_MAX,
} from "./linearizability.ts";
import { describeOperation, type Violation } from "./violation.ts";

/** What one operation did with one key, in this order. */
interface KeyAction {
  readonly operation: Operation;
  /** A comparison with the answer that it gave. */
  readonly guard?: { readonly compare: Compare; readonly holds: boolean };
  readonly steps: readonly KeyStep[];
}

type KeyStep =
  | { readonly kind: "read"; readonly kv: KeyValue | undefined }
  /** `mod` is 0 when the answer is not known. */
  | {
      readonly kind: "put";
      readonly value: string;
      readonly mod: number;
      readonly isLeased: boolean;
      /** Of unknown outcome, and some read shows it: until that it stays. */
      readonly isAwaited?: boolean;
    }
  | { readonly kind: "delete"; readonly found?: boolean };

interface Held {
  readonly value: string;
  /** 0: not known yet. */
  readonly mod: number;
  readonly isLeased: boolean;
  /** A read comes next that shows it. Where it came from can be used only once, so nothing else may use it. */
  readonly isAwaited: boolean;
}

type Register = Held | undefined;

const KEY_MODEL: Model<Register, KeyAction> = {
  initial: undefined,
  step(state, { guard, steps }) {
    // A key of a lease may have gone just before.
    const mayBeGone = state?.isLeased === true && !state.isAwaited;
    const starts = mayBeGone ? [state, undefined] : [state];
    return starts.flatMap((start) => {
      if (start?.isAwaited === true && steps[0]?.kind !== "read") return [];
      if (guard !== undefined && contradicts(start, guard.compare, guard.holds)) return [];
      let current: Register | "impossible" = start;
      for (const step of steps) if (current !== "impossible") current = stepOnce(current, step);
      return current === "impossible" ? [] : [current];
    });
  },
  key(state) {
    return state === undefined
      ? ""
      : `${state.mod} ${state.isLeased ? "l" : ""}${state.isAwaited ? "a" : ""} ${state.value}`;
  },
};

function stepOnce(state: Register, step: KeyStep): Register | "impossible" {
  switch (step.kind) {
    case "put":
      return {
        ...{ value: step.value, mod: step.mod, isLeased: step.isLeased },
        isAwaited: step.isAwaited === true,
      };
    case "delete":
      return step.found !== undefined && step.found !== (state !== undefined)
        ? "impossible"
        : undefined;
    case "read": {
      const { kv } = step;
      if (state === undefined || kv === undefined) return state === kv ? state : "impossible";
      if (state.value !== kv.value) return "impossible";
      if (state.mod !== 0 && state.mod !== kv.mod) return "impossible";
      return { ...state, mod: kv.mod, isAwaited: false };
    }
  }
}

/** Whether a comparison certainly gives another answer. Versions and creations are not followed here. */
function contradicts(
  state: Register,
  { target, result, operand }: Compare,
  holds: boolean,
): boolean {
  if (target === "value") {
    if (state === undefined) return holds;
    if (result === "<" || result === ">") return false;
    return ((state.value === operand) === (result === "=")) !== holds;
  }
  if (result !== "=" || operand !== 0) return state === undefined && result === "=" && holds;
  return (state === undefined) !== holds;
}

/** The first key found that no order explains, or `undefined`. Searches that give up count as fine. */
export function keyViolation(history: History, stepsMax = SEARCH_STEPS_MAX): Violation | undefined {
  for (const [key, intervals] of keyHistories(history)) {
    const fails = (some: readonly Interval<KeyAction>[]) =>
      checkLinearizable(KEY_MODEL, some, stepsMax).kind === "violation";
    if (!fails(intervals)) continue;
    const shortest = shorten(intervals, fails);
    return {
      rule: "linearizability",
      summary: `no order of the operations on ${key} gives these answers`,
      lines: shortest.map(({ action }) => describeOperation(action.operation)),
    };
  }
  return undefined;
}

function keyHistories({ operations }: History): Map<string, Interval<KeyAction>[]> {
  const keys = keysOf(operations);
  const histories = new Map(keys.map((key) => [key, [] as Interval<KeyAction>[]]));
  for (const operation of operations) {
    if (operation.outcome.kind === "failed" || isSerializable(operation)) continue;
    for (const key of keysTouched(operation, keys)) {
      const { call } = operation;
      const returned = operation.outcome.kind === "unknown" ? Infinity : operation.return;
      for (const action of actionsOn(key, operation)) {
        if (returned === Infinity && action.steps.length === 0) continue;
        histories.get(key)?.push({ call, return: returned, action });
      }
    }
  }
  for (const intervals of histories.values()) {
    const values = valuesShown(intervals);
    for (const [at, each] of intervals.entries()) {
      if (each.return === Infinity)
        intervals[at] = { ...each, action: asMaybe(each.action, values) };
    }
  }
  return histories;
}

function keysOf(operations: readonly Operation[]): string[] {
  const keys = new Set<string>();
  for (const { request } of operations) {
    if (request.kind === "put") keys.add(request.key);
    if (request.kind !== "txn") continue;
    for (const part of [...request.success, ...request.failure]) {
      if (part.kind === "put") keys.add(part.key);
    }
  }
  return [...keys];
}

function keysTouched({ request }: Operation, keys: readonly string[]): readonly string[] {
  const touched = (range: KeyRange) =>
    (range.end ?? "") === "" ? [range.key] : keys.filter((key) => isInRange(key, range));
  if (request.kind === "txn") {
    const parts = [...request.compares, ...request.success, ...request.failure];
    return [...new Set(parts.flatMap((part) => touched(part)))];
  }
  return "key" in request ? touched(request) : [];
}

/** What an operation did with a key; of a transaction of unknown outcome, what each branch may have done. */
function actionsOn(key: string, operation: Operation): KeyAction[] {
  const { request, outcome } = operation;
  if (request.kind === "txn") {
    if (outcome.kind !== "ok" || !("succeeded" in outcome.result)) {
      return [request.success, request.failure]
        .map((branch) => stepsOf(key, branch, undefined, 0))
        .filter((steps) => steps.length > 0)
        .map((steps) => ({ operation, steps }));
    }
    const { succeeded, results } = outcome.result;
    const branch = succeeded ? request.success : request.failure;
    const steps = stepsOf(key, branch, results, outcome.revision);
    const compares = request.compares.filter((compare) => compare.key === key);
    // Of several comparisons that failed it is not known which.
    const isKnown = compares.length > 0 && (succeeded || request.compares.length === 1);
    return [
      {
        operation,
        steps,
        ...(isKnown ? { guard: { compare: compares[0], holds: succeeded } } : {}),
      },
    ];
  }
  if (!("key" in request)) return [];
  const isOk = outcome.kind === "ok";
  const steps = stepsOf(
    key,
    [request],
    isOk ? [outcome.result] : undefined,
    isOk ? outcome.revision : 0,
  );
  return [{ operation, steps }];
}

function stepsOf(
  key: string,
  requests: readonly KvRequest[],
  results: readonly Result[] | undefined,
  revision: number,
): KeyStep[] {
  return requests.flatMap((request, at): KeyStep[] => {
    if (!isInRange(key, request)) return [];
    const result = results?.[at];
    switch (request.kind) {
      case "put": {
        const isLeased = (request.lease ?? "0") !== "0";
        return [{ kind: "put", value: request.value, mod: revision, isLeased }];
      }
      case "delete": {
        const isOne = (request.end ?? "") === "" && result !== undefined && "deleted" in result;
        return [isOne ? { kind: "delete", found: result.deleted > 0 } : { kind: "delete" }];
      }
      case "range": {
        const isPartial = request.countOnly === true || (request.limit ?? 0) > 0;
        if (result === undefined || !("kvs" in result)) return [];
        if (isPartial || (request.revision ?? 0) > 0) return [];
        return [{ kind: "read", kv: result.kvs.find((kv) => kv.key === key) }];
      }
    }
  });
}

interface ValuesShown {
  readonly byReads: ReadonlySet<string>;
  readonly inCompares: ReadonlySet<string | number>;
}

function valuesShown(intervals: readonly Interval<KeyAction>[]): ValuesShown {
  const byReads = new Set<string>();
  const inCompares = new Set<string | number>();
  for (const { action } of intervals) {
    if (action.guard !== undefined) inCompares.add(action.guard.compare.operand);
    for (const step of action.steps) {
      if (step.kind === "read" && step.kv !== undefined) byReads.add(step.kv.value);
    }
  }
  return { byReads, inCompares };
}

/**
 * A write of unknown outcome: awaited when a read shows its value, which is unique; without its value when
 * nothing ever asks for that, so that all such writes are the same to the search.
 */
function asMaybe(action: KeyAction, { byReads, inCompares }: ValuesShown): KeyAction {
  const steps = action.steps.map((step): KeyStep => {
    if (step.kind !== "put" || inCompares.has(step.value)) return step;
    return byReads.has(step.value) ? { ...step, isAwaited: true } : { ...step, value: "" };
  });
  return { ...action, steps };
}

type Fails = (intervals: readonly Interval<KeyAction>[]) => boolean;

/**
 * The shortest beginning that fails, and of that, without what can be forgotten: a read can be left out; a
 * write can become one that perhaps did not happen, and such ones are left out where that changes nothing.
 */
function shorten(intervals: readonly Interval<KeyAction>[], fails: Fails): Interval<KeyAction>[] {
  const byReturn = intervals
    .filter((each) => each.return !== Infinity)
    .sort((a, b) => a.return - b.return);
  let low = 1;
  let high = byReturn.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (fails(beginning(intervals, byReturn[middle - 1].return))) high = middle;
    else low = middle + 1;
  }
  let current = beginning(intervals, byReturn[high - 1].return);
  for (const each of [...current].reverse()) {
    const without = current.filter((other) => other !== each);
    const isWrite = each.action.steps.some(({ kind }) => kind !== "read");
    const weaker = [...without, ...asUnknown(each)];
    if (isWrite && each.return === Infinity) continue;
    if (fails(weaker)) current = weaker;
  }
  const definite = current.filter((each) => each.return !== Infinity);
  const shown = new Set(definite.flatMap(({ action }) => valuesOf(action)));
  const maybe = current.filter(
    (each) => each.return === Infinity && valuesOf(each.action).some((value) => shown.has(value)),
  );
  return [...definite, ...maybe].sort((a, b) => a.call - b.call);
}

/** What had returned by a time; what had only been called may not have happened. */
function beginning(intervals: readonly Interval<KeyAction>[], time: number): Interval<KeyAction>[] {
  return intervals
    .filter((each) => each.call <= time)
    .flatMap((each) => (each.return <= time ? [each] : asUnknown(each)));
}

/** The same without its answer; nothing is left of reads. */
function asUnknown(each: Interval<KeyAction>): Interval<KeyAction>[] {
  if (each.return === Infinity) return [each];
  const { operation, steps } = each.action;
  const blind = steps.flatMap((step): KeyStep[] => {
    if (step.kind === "read") return [];
    return step.kind === "put" ? [{ ...step, mod: 0 }] : [{ kind: "delete" }];
  });
  if (blind.length === 0) return [];
  return [{ call: each.call, return: Infinity, action: { operation, steps: blind } }];
}

function valuesOf({ steps }: KeyAction): string[] {
  return steps.flatMap((step) =>
    step.kind === "put" ? [step.value] : step.kind === "read" && step.kv ? [step.kv.value] : [],
  );
}
