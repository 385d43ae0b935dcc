import { describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import type { Operation, Result } from "../history.ts";
import { generateHistory } from "./history-generator.ts";
import { keyViolation } from "./key-histories.ts";
import { checkLinearizable, type Interval, type Model } from "./linearizability.ts";
import { describeViolation } from "./violation.ts";

type Action = readonly ["write" | "read", number];

/** A number that is read and written. */
const NUMBER: Model<number, Action> = {
  initial: 0,
  step: (state, [kind, value]) => {
    if (kind === "write") return [value];
    return state === value ? [state] : [];
  },
  key: String,
};

function interval(call: number, returned: number, ...action: Action): Interval<Action> {
  return { call, return: returned, action };
}

/** The same question, answered by trying every order. */
function isLinearizableByForce(left: readonly Interval<Action>[], state: number): boolean {
  if (left.every((each) => each.return === Infinity)) return true;
  const firstReturn = Math.min(...left.map((each) => each.return));
  return left.some((each) => {
    if (each.call > firstReturn) return false;
    const rest = left.filter((other) => other !== each);
    return NUMBER.step(state, each.action).some((after) => isLinearizableByForce(rest, after));
  });
}

describe("checkLinearizable", () => {
  test("takes overlapping operations in any order, others in theirs", () => {
    const write = interval(0, 10, "write", 1);
    const verdict = (...intervals: Interval<Action>[]) => checkLinearizable(NUMBER, intervals).kind;
    expect(verdict(write, interval(1, 2, "read", 1), interval(3, 4, "read", 1))).toBe(
      "linearizable",
    );
    expect(verdict(write, interval(1, 2, "read", 1), interval(3, 4, "read", 0))).toBe("violation");
    expect(verdict(write, interval(11, 12, "read", 0))).toBe("violation");
  });

  test("agrees with trying every order", () => {
    const random = new Prng(5);
    const counts = { linearizable: 0, violation: 0, undecided: 0 };
    for (let round = 0; round < 3000; round++) {
      const intervals = Array.from({ length: 2 + random.below(5) }, () => {
        const call = random.below(12);
        const returned = random.chance(0.2) ? Infinity : call + random.below(8);
        const kind = returned === Infinity || random.chance(0.5) ? "write" : "read";
        return interval(call, returned, kind, random.below(3));
      });
      const { kind } = checkLinearizable(NUMBER, intervals);
      counts[kind]++;
      expect(kind === "linearizable", JSON.stringify(intervals)).toBe(
        isLinearizableByForce(intervals, 0),
      );
    }
    expect(Math.min(counts.linearizable, counts.violation)).toBeGreaterThan(300);
  });

  test("says which operations none of could follow", () => {
    const verdict = checkLinearizable(NUMBER, [
      interval(0, 1, "write", 1),
      interval(2, 3, "read", 7),
      interval(2, 9, "read", 1),
    ]);
    if (verdict.kind !== "violation") throw new Error(verdict.kind);
    expect(verdict.order.map(({ action }) => action)).toEqual([
      ["write", 1],
      ["read", 1],
    ]);
    expect(verdict.stuck.map(({ action }) => action)).toEqual([["read", 7]]);
  });

  test("gives up after as many steps as it may take", () => {
    const intervals = Array.from({ length: 30 }, (_, at) => interval(0, 100, "write", at));
    expect(checkLinearizable(NUMBER, intervals, 10).kind).toBe("undecided");
  });
});

describe("keyViolation", () => {
  test("finds nothing in histories of a perfect store", () => {
    for (let seed = 0; seed < 25; seed++) {
      const violation = keyViolation(generateHistory(seed));
      expect(violation && describeViolation(violation), `seed ${seed}`).toBeUndefined();
    }
  });

  test("is quick with long histories", () => {
    const history = generateHistory(2, {
      ...{ operations: 20_000, clients: 20, keys: 20, watches: 0, unknown: 0.03 },
    });
    expect(keyViolation(history)).toBeUndefined();
  });

  test("finds values from the past and shows little more than the contradiction", () => {
    let found = 0;
    for (let seed = 0; seed < 25; seed++) {
      const history = generateHistory(seed, { leases: 0, unknown: 0.02 });
      const operations = withValueFromThePast(history.operations);
      if (operations === undefined) continue;
      const violation = keyViolation({ operations, watches: [] });
      expect(violation, `seed ${seed}`).toBeDefined();
      expect(violation?.lines.length, `seed ${seed}`).toBeLessThan(8);
      found++;
    }
    expect(found).toBeGreaterThan(15);
  });
});

/** Lets the last read that can show what a client read twenty times of the clock and more before. */
function withValueFromThePast(all: readonly Operation[]): Operation[] | undefined {
  const reads = all.filter(
    ({ request, outcome }) =>
      request.kind === "range" &&
      request.end === undefined &&
      request.serializable !== true &&
      outcome.kind === "ok",
  );
  const resultOf = ({ outcome }: Operation): Result =>
    outcome.kind === "ok" ? outcome.result : {};
  const keyOf = ({ request }: Operation) => ("key" in request ? request.key : "");
  const modOf = (operation: Operation) => {
    const result = resultOf(operation);
    return "kvs" in result ? result.kvs.at(0)?.mod : undefined;
  };
  for (const late of [...reads].reverse()) {
    const between = (early: Operation) =>
      reads.some(
        (each) =>
          keyOf(each) === keyOf(late) &&
          each.call > early.return &&
          each.return < late.call &&
          modOf(each) !== modOf(early),
      );
    const early = reads.find(
      (each) =>
        keyOf(each) === keyOf(late) &&
        modOf(each) !== undefined &&
        modOf(each) !== modOf(late) &&
        between(each),
    );
    if (early === undefined || late.outcome.kind !== "ok") continue;
    const { revision } = late.outcome;
    const broken: Operation = {
      ...late,
      outcome: { kind: "ok", revision, result: resultOf(early) },
    };
    return all.map((each) => (each === late ? broken : each));
  }
  return undefined;
}
