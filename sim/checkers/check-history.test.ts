import { describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import type { History, Operation, Outcome, Request, WatchEvent, WatchRecord } from "../history.ts";
import { checkHistory, withFinalStates } from "./check-history.ts";
import { generateHistory } from "./history-generator.ts";
import { describeViolation } from "./violation.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

function verdictOf(history: History, limits = {}): string {
  const violation = checkHistory(history, limits);
  return violation === undefined ? "fine" : describeViolation(violation);
}

test("histories of a perfect store with its final state break no rule", () => {
  for (const seed of SEEDS) {
    const { final, ...history } = generateHistory(seed);
    const state = { member: "m0", timeMs: 100_000, ...final };
    const whole = withFinalStates(history, [state]);
    expect(verdictOf(whole, { healthyFromMs: 0 }), `seed ${seed}`).toBe("fine");
  }
});

test("of several orders that explain the answers, the one that watchers saw is taken", () => {
  const options = { clients: 7, keys: 5, watches: 1, unknown: 0.15, leases: 1, operations: 493 };
  const { final, ...history } = generateHistory(1193, options);
  const state = { member: "m0", timeMs: 100_000, ...final };
  expect(verdictOf(withFinalStates(history, [state]))).toBe("fine");
});

test("what was acknowledged and is not in the final state is found", () => {
  for (const seed of SEEDS) {
    const { final, ...history } = generateHistory(seed, { unknown: 0, leases: 0 });
    const lost = final.kvs.slice(1);
    if (lost.length === final.kvs.length) continue;
    const state = { member: "m0", timeMs: 100_000, revision: final.revision, kvs: lost };
    expect(verdictOf(withFinalStates(history, [state]))).toContain("does not fit the state");
  }
});

type Breaks = (watch: WatchRecord, random: Prng) => WatchRecord | undefined;

/** Replaces the response at a random place that `change` can break. */
function breakResponse(
  change: (
    response: WatchRecord["responses"][number],
    watch: WatchRecord,
  ) => readonly WatchRecord["responses"][number][] | undefined,
): Breaks {
  return (watch, random) => {
    const places = watch.responses.map((_, at) => at);
    random.shuffle(places);
    for (const at of places) {
      const broken = change(watch.responses[at], watch);
      if (broken === undefined) continue;
      return { ...watch, responses: watch.responses.toSpliced(at, 1, ...broken) };
    }
    return undefined;
  };
}

const WATCH_MUTATIONS: Readonly<Record<string, Breaks>> = {
  "loses an event": breakResponse((response, { responses }) => {
    if (response.events.length < 2 || response === responses.at(-1)) return undefined;
    return [{ ...response, events: response.events.slice(1) }];
  }),
  "loses a whole response": breakResponse((response, { responses }) =>
    response.events.length === 0 || response === responses.at(-1) ? undefined : [],
  ),
  "shows a response twice": breakResponse((response) =>
    response.events.length === 0 ? undefined : [response, response],
  ),
  "shows events out of order": breakResponse((response) => {
    const { events } = response;
    if (events.length < 2 || events[0].kv.mod === events.at(-1)?.kv.mod) return undefined;
    return [{ ...response, events: events.toReversed() }];
  }),
  "splits a revision": breakResponse((response) => {
    const at = response.events.findIndex(
      ({ kv }, index) => index > 0 && response.events[index - 1].kv.mod === kv.mod,
    );
    if (at < 0) return undefined;
    const [first, second] = [response.events.slice(0, at), response.events.slice(at)];
    return [
      { ...response, events: first },
      { ...response, events: second },
    ];
  }),
  "shows what was not there before": breakResponse((response) => {
    const at = response.events.findIndex(({ prev }) => prev !== undefined);
    const event = response.events[at];
    if (event?.prev === undefined) return undefined;
    const broken: WatchEvent = { ...event, prev: { ...event.prev, version: 99 } };
    return [{ ...response, events: response.events.toSpliced(at, 1, broken) }];
  }),
  "turns a put into a deletion": breakResponse((response) => {
    const at = response.events.findIndex(({ type }) => type === "put");
    if (at < 0) return undefined;
    const broken: WatchEvent = { ...response.events[at], type: "delete" };
    return [{ ...response, events: response.events.toSpliced(at, 1, broken) }];
  }),
  "is notified of progress that is ahead": breakResponse((response, { responses }) =>
    response === responses.at(-1)
      ? [response, { ...response, revision: 1e6, events: [] }]
      : undefined,
  ),
  "is notified of progress before it was shown all": breakResponse((response) => {
    const last = response.events.at(-1);
    if (last === undefined) return undefined;
    return [{ ...response, revision: last.kv.mod, events: [] }, response];
  }),
  "begins before its start": (watch) => {
    const first = watch.responses.find(({ events }) => events.length > 0)?.events[0];
    return first === undefined ? undefined : { ...watch, start: first.kv.mod + 1 };
  },
};

describe("a watch that", () => {
  test.each(Object.entries(WATCH_MUTATIONS))("%s is found", (_name, mutate) => {
    let applied = 0;
    for (const seed of SEEDS) {
      const history = generateHistory(seed, { unknown: 0, leases: 0, watches: 1 });
      const watch = mutate(history.watches[0], new Prng(seed));
      if (watch === undefined) continue;
      applied++;
      expect(verdictOf({ ...history, watches: [watch] }), `seed ${seed}`).not.toBe("fine");
    }
    expect(applied).toBeGreaterThan(5);
  });
});

describe("a lease", () => {
  const lease = "5";
  const op = (call: number, request: Request, outcome: Outcome): Operation => ({
    ...{ client: 1, call, return: call + 5, request, outcome },
  });
  const ok = (revision: number, result = {}): Outcome => ({ kind: "ok", revision, result });
  const grant = op(0, { kind: "grant", lease, ttlSeconds: 2 }, ok(1, { ttlSeconds: 2 }));
  const put = op(10, { kind: "put", key: "a", value: "x", lease }, ok(2));
  const alive = (call: number, ttlSeconds: number) =>
    op(call, { kind: "alive", lease }, ok(1, { ttlSeconds }));
  const kv = { key: "a", value: "x", create: 2, mod: 2, version: 1, lease };
  const read = (call: number, isThere: boolean) =>
    op(
      call,
      { kind: "range", key: "a" },
      isThere ? ok(2, { kvs: [kv], count: 1 }) : ok(3, { kvs: [], count: 0 }),
    );
  const check = (operations: Operation[], limits = {}) =>
    verdictOf({ operations, watches: [] }, limits);

  test("may end when its time is over, not before", () => {
    expect(check([grant, put, alive(1500, 2), read(3400, true), read(3600, false)])).toBe("fine");
    const early = check([grant, put, alive(1500, 2), read(3400, false)]);
    expect(early).toContain("lease 5 was gone at 3405, and was due at 3500");
  });

  test("that a keep-alive does not find is gone", () => {
    expect(check([grant, alive(1900, 0)])).toContain("lease: not before its time");
    expect(check([grant, alive(2100, 0)])).toBe("fine");
  });

  test("may end before its time by as much as clocks differ, or when it is revoked", () => {
    expect(check([grant, put, read(1990, false)], { clockDrift: 0.01 })).toBe("fine");
    const revoke = op(500, { kind: "revoke", lease }, { kind: "unknown" });
    expect(check([grant, put, revoke, read(600, false)])).toBe("fine");
  });

  test("is gone soon after its time in a healthy cluster", () => {
    const limits = { healthyFromMs: 1000, slackMs: 3000 };
    expect(check([grant, put, read(5990, true)], limits)).toBe("fine");
    expect(check([grant, put, read(6010, true)], limits)).toContain(
      "should have ended before 6000",
    );
  });
});
