import { describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import type { History, KeyValue, Operation, Outcome, Request, Result } from "../history.ts";
import { generateHistory } from "./history-generator.ts";
import { isAnswered, isSerializable, wrote } from "./kv-facts.ts";
import { checkKvHistory } from "./kv-history.ts";
import { describeViolation } from "./violation.ts";

function ok(revision: number, result: Result = {}): Outcome {
  return { kind: "ok", revision, result };
}

function op(call: number, returned: number, request: Request, outcome: Outcome): Operation {
  return { client: 1, call, return: returned, request, outcome };
}

function put(call: number, returned: number, value: string, outcome: Outcome): Operation {
  return op(call, returned, { kind: "put", key: "a", value }, outcome);
}

function read(call: number, returned: number, revision: number, ...kvs: KeyValue[]): Operation {
  const result = { kvs, count: kvs.length };
  return op(call, returned, { kind: "range", key: "a" }, ok(revision, result));
}

function kv(value: string, mod: number, create = mod, version = 1): KeyValue {
  return { key: "a", value, mod, create, version };
}

function verdictOf(...operations: Operation[]): string {
  const verdict = checkKvHistory({ operations, watches: [] });
  return verdict.kind === "linearizable" ? verdict.kind : describeViolation(verdict.violation);
}

const UNKNOWN: Outcome = { kind: "unknown", error: "timed out" };

describe("a history by hand", () => {
  test("is linearizable when reads see what was written before them", () => {
    const text = verdictOf(put(0, 1, "x", ok(2)), read(2, 3, 2, kv("x", 2)), read(0, 9, 1));
    expect(text).toBe("linearizable");
  });

  test("is not when a read misses a write that had returned", () => {
    const text = verdictOf(put(0, 1, "x", ok(2)), read(2, 3, 1));
    expect(text).toContain("revision 2 had been seen before an operation that got 1 was called");
  });

  test("is not when two writes made the same revision", () => {
    const text = verdictOf(put(0, 1, "x", ok(2)), put(2, 3, "y", ok(2)));
    expect(text).toContain("two operations made revision 2");
  });

  test("is not when a value that was acknowledged is gone", () => {
    const text = verdictOf(put(0, 1, "x", ok(2)), put(2, 3, "y", ok(3)), read(4, 5, 3, kv("x", 2)));
    expect(text).toContain("an answer does not fit the state at revision 3");
    expect(text).toContain("put a=y");
  });

  test("explains a revision by a write of unknown outcome, once", () => {
    const unknown = put(0, 9, "x", UNKNOWN);
    expect(verdictOf(unknown, read(2, 3, 1), read(20, 21, 2, kv("x", 2)))).toBe("linearizable");
    expect(verdictOf(unknown, read(20, 21, 1))).toBe("linearizable");
    const twice = verdictOf(unknown, read(20, 21, 3, kv("x", 3, 2, 2)));
    expect(twice).toContain("nothing explains revision 2");
  });

  test("does not explain a revision by a write that failed, or was called later", () => {
    const failed = put(0, 9, "x", { kind: "failed", error: "too large" });
    expect(verdictOf(failed, read(20, 21, 2, kv("x", 2)))).toContain("nothing explains");
    const late = put(30, 31, "x", UNKNOWN);
    expect(verdictOf(late, read(20, 21, 2, kv("x", 2)))).toContain("nothing explains");
  });

  test("goes back when the first explanation turns out wrong", () => {
    const operations = [
      put(0, 1, "x", UNKNOWN),
      op(0, 1, { kind: "put", key: "b", value: "y" }, UNKNOWN),
      // Revision 2 was b, or a would be there.
      read(5, 6, 2),
    ];
    expect(verdictOf(...operations)).toBe("linearizable");
  });

  test("lets all keys of a lease vanish together only", () => {
    const lease = "7";
    const put = (at: number, key: string) =>
      op(at, at + 1, { kind: "put", key, value: key, lease }, ok(at));
    const readAll = (kvs: KeyValue[]) =>
      op(9, 10, { kind: "range", key: "a", end: "z" }, ok(4, { kvs, count: kvs.length }));
    expect(verdictOf(put(2, "a"), put(3, "b"), readAll([]))).toBe("linearizable");
    const half = readAll([{ ...kv("a", 2), lease }]);
    expect(verdictOf(put(2, "a"), put(3, "b"), half)).toContain("nothing explains revision 4");
  });

  test("lets several leases end at one revision, as where a member is alone", () => {
    const put = (at: number, key: string, lease: string) =>
      op(at, at + 1, { kind: "put", key, value: key, lease }, ok(at));
    const all = (revision: number) =>
      op(9, 10, { kind: "range", key: "a", end: "z" }, ok(revision, { kvs: [], count: 0 }));
    const puts = [put(2, "a", "7"), put(3, "b", "8")];
    expect(verdictOf(...puts, all(4))).toBe("linearizable");
    expect(verdictOf(...puts, all(6))).toContain("nothing explains revision");
  });

  test("shows a past state for reads at a revision and for serializable ones", () => {
    const at = (request: Partial<Request>, revision: number, kvs: KeyValue[]) =>
      op(
        9,
        10,
        { kind: "range", key: "a", ...request } as Request,
        ok(revision, { kvs, count: kvs.length }),
      );
    const writes = [put(0, 1, "x", ok(2)), put(2, 3, "y", ok(3))];
    const old = kv("x", 2);
    expect(verdictOf(...writes, at({ revision: 2 }, 3, [old]))).toBe("linearizable");
    expect(verdictOf(...writes, at({ serializable: true }, 2, [old]))).toBe("linearizable");
    expect(verdictOf(...writes, at({ serializable: true }, 3, [old]))).toContain("does not fit");
  });

  test("takes both branches of a transaction as etcd does", () => {
    const txn = (call: number, revision: number, succeeded: boolean) =>
      op(
        call,
        call + 1,
        {
          kind: "txn",
          compares: [{ key: "a", target: "create", result: "=", operand: 0 }],
          success: [{ kind: "put", key: "a", value: "x" }],
          failure: [],
        },
        ok(revision, { succeeded, results: succeeded ? [{}] : [] }),
      );
    expect(verdictOf(txn(0, 2, true), txn(2, 2, false))).toBe("linearizable");
    expect(verdictOf(txn(0, 2, true), txn(2, 3, true))).toContain("does not fit");
    expect(verdictOf(txn(0, 1, false))).toContain("which changes keys");
  });
});

type Mutation = (operations: Operation[], random: Prng) => boolean;

/** Replaces one of the operations that `change` can break; false when there is none. */
function breakOne(
  change: (operation: Operation, all: Operation[]) => Operation | undefined,
): Mutation {
  return (operations, random) => {
    const indexes = operations.map((_, index) => index);
    random.shuffle(indexes);
    for (const index of indexes) {
      const broken = change(operations[index], operations);
      if (broken === undefined) continue;
      operations[index] = broken;
      return true;
    }
    return false;
  };
}

function withResult(operation: Operation, change: (result: Result) => Result | undefined) {
  if (!isAnswered(operation)) return undefined;
  const result = change(operation.outcome.result);
  return result === undefined
    ? undefined
    : { ...operation, outcome: { ...operation.outcome, result } };
}

function isSeenLater(operation: Operation, all: Operation[]): boolean {
  if (!isAnswered(operation)) return false;
  const { revision } = operation.outcome;
  return all.some(
    (other) => other !== operation && isAnswered(other) && other.outcome.revision > revision,
  );
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a value nobody wrote": breakOne((operation) =>
    withResult(operation, (result): Result | undefined => {
      if (!("kvs" in result) || result.kvs.length === 0) return undefined;
      return { ...result, kvs: [{ ...result.kvs[0], value: "?" }, ...result.kvs.slice(1)] };
    }),
  ),
  "a version that was skipped": breakOne((operation) =>
    withResult(operation, (result): Result | undefined => {
      if (!("kvs" in result) || result.kvs.length === 0) return undefined;
      const [first, ...rest] = result.kvs;
      return { ...result, kvs: [{ ...first, version: first.version + 1 }, ...rest] };
    }),
  ),
  "a key that a read does not show": breakOne((operation) =>
    withResult(operation, (result): Result | undefined =>
      "kvs" in result && result.kvs.length > 0 ? { kvs: [], count: 0 } : undefined,
    ),
  ),
  "a read from the past": breakOne((operation, all) => {
    if (!isAnswered(operation) || operation.request.kind !== "range") return undefined;
    if (isSerializable(operation)) return undefined;
    const seen = all.filter(
      (other) => isAnswered(other) && other.return < operation.call && wrote(other),
    );
    if (seen.length === 0) return undefined;
    return { ...operation, outcome: ok(1, { kvs: [], count: 0 }) };
  }),
  "a write that failed and happened": breakOne((operation, all) => {
    if (!isAnswered(operation) || !wrote(operation) || !isSeenLater(operation, all))
      return undefined;
    return { ...operation, outcome: { kind: "failed", error: "refused" } };
  }),
  "an acknowledged write that did not happen": breakOne((operation, all) => {
    if (!isAnswered(operation) || !wrote(operation) || !isSeenLater(operation, all))
      return undefined;
    const { revision } = operation.outcome;
    const next = all.find(
      (other) => isAnswered(other) && wrote(other) && other.outcome.revision === revision + 1,
    );
    return next === undefined
      ? undefined
      : { ...operation, outcome: { ...operation.outcome, revision: revision + 1 } };
  }),
  "a deletion that says nothing was there": breakOne((operation) =>
    withResult(operation, (result) =>
      "deleted" in result && result.deleted > 0 ? { deleted: 0 } : undefined,
    ),
  ),
  "a comparison that went the other way": breakOne((operation) =>
    withResult(operation, (result): Result | undefined => {
      if (!("succeeded" in result) || !result.succeeded) return undefined;
      return { succeeded: false, results: [{ kvs: [], count: 0 }] };
    }),
  ),
};

const SEEDS = Array.from({ length: 25 }, (_, seed) => seed);

function describeVerdict(history: History): string {
  const verdict = checkKvHistory(history);
  return verdict.kind === "linearizable" ? verdict.kind : describeViolation(verdict.violation);
}

describe("histories of a perfect store", () => {
  test("are linearizable, with and without watchers", () => {
    for (const seed of SEEDS) {
      const history = generateHistory(seed);
      expect(describeVerdict(history), `seed ${seed}`).toBe("linearizable");
      expect(describeVerdict({ ...history, watches: [] }), `seed ${seed}`).toBe("linearizable");
    }
  });

  test.each(Object.entries(MUTATIONS))("are not any more with %s", (_name, mutate) => {
    let applied = 0;
    for (const seed of SEEDS) {
      const history = generateHistory(seed, { unknown: 0, leases: 0 });
      const operations = [...history.operations];
      if (!mutate(operations, new Prng(seed))) continue;
      applied++;
      expect(checkKvHistory({ ...history, operations }).kind, `seed ${seed}`).toBe("violation");
    }
    expect(applied).toBeGreaterThan(10);
  });

  test("are judged in a moment when they are long", () => {
    const history = generateHistory(1, {
      ...{ operations: 20_000, clients: 20, keys: 20, watches: 3, unknown: 0.03 },
    });
    expect(describeVerdict(history)).toBe("linearizable");
  });
});
