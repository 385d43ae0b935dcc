import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { executePut } from "../mvcc/kv-requests.ts";
import { executeRange } from "../mvcc/range.ts";
import type { Store } from "../mvcc/store.ts";
import { openStore } from "../mvcc/testing/open-store.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import {
  createPutRequest,
  createRangeRequest,
  decodeRangeResponse,
  encodeRawRangeResponse,
  type RangeRequest,
} from "../wire/gen/rpc.ts";
import { unprovenPeer } from "../ports/client-peer.ts";
import { RANGE_UNSENT_BYTES_MAX, RANGES_RETRY_MS, RANGES_WAITING_BYTES_MAX } from "./limits.ts";
import { LongRanges, type RangeAnswer } from "./long-ranges.ts";
import type { RangeAsker } from "./connection-ranges.ts";

const member = { id: 0n, term: 0 };

/** Who asks, on a connection of its own. */
function newAsker(unsentBytes = 0): { -readonly [K in keyof RangeAsker]: RangeAsker[K] } {
  return { open: true, peer: unprovenPeer("peer"), unsentBytes };
}

/** A clock on which every look costs time: a slice is a few steps. */
class SlowClock extends ManualClock {
  override nowMs(): number {
    this.advance(3);
    return super.nowMs();
  }
}

class World {
  store: Store = filled(1000);
  readonly clock = new SlowClock();
  readonly ranges = new LongRanges({
    ...{ clusterId: 0n, member, clock: this.clock },
    store: () => this.store,
  });

  /** Asks, with what happens between the slices; tells the answer, or undefined when there was none. */
  ask(
    request: Partial<RangeRequest>,
    between: (slice: number) => void = () => {},
    asker: RangeAsker = newAsker(),
  ): { readonly answer: RangeAnswer | EtcdError | undefined; readonly slices: number } {
    let answer: RangeAnswer | EtcdError | undefined;
    const own = createRangeRequest({ key: bytesFromLatin1("k"), rangeEnd: bytesFromLatin1("l") });
    const asked = Object.assign(own, request);
    this.ranges.answer(asker, asked, (result) => {
      answer = result;
    });
    // Whoever asked may use the memory of the request again.
    asked.key.fill(0);
    let slices = 0;
    for (; answer === undefined && this.clock.runDeferred() > 0; slices++) between(slices + 1);
    return { answer, slices };
  }
}

function filled(count: number): Store {
  const store = openStore();
  for (let at = 0; at < count; at++) put(store, at, "old");
  return store;
}

function put(store: Store, at: number, value: string): void {
  const key = bytesFromLatin1(`k${String(at).padStart(4, "0")}`);
  executePut(store, createPutRequest({ key, value: bytesFromLatin1(value) }));
}

/** What one uninterrupted read gives. */
function whole(store: Store, request: Partial<RangeRequest> = {}): Uint8Array {
  const own = createRangeRequest({ key: bytesFromLatin1("k"), rangeEnd: bytesFromLatin1("l") });
  const response = executeRange(store, Object.assign(own, request));
  if (response instanceof EtcdError) throw response;
  return encodeRawRangeResponse(response);
}

function bytesOf(answer: RangeAnswer | EtcdError | undefined): Uint8Array | undefined {
  return answer instanceof EtcdError ? undefined : answer?.bytes;
}

describe("LongRanges", () => {
  test("answers what one read gives, byte for byte, while writes go on", () => {
    const request = fc.record({
      limit: fc.nat(1200),
      sortOrder: fc.integer({ min: 0, max: 2 }),
      sortTarget: fc.integer({ min: 0, max: 4 }),
      keysOnly: fc.boolean(),
      countOnly: fc.boolean(),
      minModRevision: fc.constantFrom(0, 500),
    }) as fc.Arbitrary<Partial<RangeRequest>>;
    const world = new World();
    fc.assert(
      fc.property(request, (asked) => {
        const expected = whole(world.store, asked);
        let written = 0;
        const { answer } = world.ask(asked, () => put(world.store, (written += 7), "new"));
        expect(bytesOf(answer)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("takes many slices for many keys, and none for few", () => {
    const world = new World();
    expect(world.ask({}).slices).toBeGreaterThan(4);
    expect(world.ask({ limit: 10 }).slices).toBe(0);
  });

  test("reads take turns", () => {
    const world = new World();
    const order: string[] = [];
    const ask = (name: string, limit: number): void => {
      const own = { key: bytesFromLatin1("k"), rangeEnd: bytesFromLatin1("l"), limit };
      world.ranges.answer(newAsker(), createRangeRequest(own), () => order.push(name));
    };
    ask("long", 1000);
    ask("shorter", 400);
    while (world.clock.runDeferred() > 0);
    expect(order).toEqual(["shorter", "long"]);
  });

  test("holds compactions back while it reads, and no longer", () => {
    const world = new World();
    const expected = whole(world.store);
    const removed: boolean[] = [];
    const { answer } = world.ask({}, (slice) => {
      for (let at = 0; at < 20; at++) put(world.store, at, "new");
      if (slice === 1) world.store.compact(world.store.revision);
      removed.push(world.store.compactStep(1_000_000) !== undefined);
    });
    expect(bytesOf(answer)).toEqual(expected);
    expect(removed.slice(0, -1)).not.toContain(true);
    world.store.compactStep(1_000_000);
    expect(world.store.compactionPending).toBe(false);
    expect(world.ask({ revision: 5 }).answer).toBe(Errors.Compacted);
  });

  test("begins anew when another store has taken the place of the one that it read", () => {
    const world = new World();
    const { answer } = world.ask({}, (slice) => {
      if (slice === 2) world.store = filled(700);
    });
    expect(bytesOf(answer)).toEqual(whole(world.store));
    expect(decodeRangeResponse(bytesOf(answer) ?? new Uint8Array()).count).toBe(700);
  });

  test("stops when nobody waits any more", () => {
    const world = new World();
    const asker = newAsker();
    const { answer, slices } = world.ask(
      {},
      (slice) => {
        asker.open = slice < 2;
      },
      asker,
    );
    expect([answer, slices]).toEqual([undefined, 3]);
    world.store.compact(3);
    world.store.compactStep(1_000_000);
    expect(world.store.compactionPending).toBe(false);
  });

  test("reads nothing for a connection that takes nothing, until it does, and goes on for others", () => {
    const world = new World();
    const full = newAsker(RANGE_UNSENT_BYTES_MAX + 1);
    const order: string[] = [];
    const ask = (name: string, asker: RangeAsker): void => {
      const own = { key: bytesFromLatin1("k"), rangeEnd: bytesFromLatin1("l") };
      world.ranges.answer(asker, createRangeRequest(own), () => order.push(name));
    };
    ask("first of the full one", full);
    ask("second of the full one", full);
    ask("of another", newAsker());
    while (world.clock.runDeferred() > 0);
    expect(order).toEqual(["of another"]);
    // Nor does anybody else wait until one looks at the full one again.
    ask("of a third", newAsker());
    while (world.clock.runDeferred() > 0);
    expect(order.splice(1)).toEqual(["of a third"]);
    // What waits has not begun: compactions need not.
    world.store.compact(3);
    world.store.compactStep(1_000_000);
    expect(world.store.compactionPending).toBe(false);
    full.unsentBytes = 0;
    world.clock.advance(RANGES_RETRY_MS);
    while (world.clock.runDeferred() > 0);
    expect(order).toEqual(["of another", "first of the full one", "second of the full one"]);
  });

  test("of large answers a connection gets one at a time, with short ones between its slices", () => {
    const world = new World();
    for (let at = 0; at < 1000; at++) put(world.store, at, "v".repeat(4096));
    const asker = newAsker();
    const order: string[] = [];
    const ask = (name: string, limit: number): void => {
      const own = { key: bytesFromLatin1("k"), rangeEnd: bytesFromLatin1("l"), limit };
      world.ranges.answer(asker, createRangeRequest(own), () => order.push(name));
    };
    ask("large", 0);
    ask("second large", 0);
    ask("short", 50);
    expect(order).toEqual(["short"]);
    // It takes what it was sent only after a while: until then nothing more is read for it.
    while (world.clock.runDeferred() > 0) {
      if (order.includes("large")) asker.unsentBytes = RANGE_UNSENT_BYTES_MAX + 1;
    }
    expect(order).toEqual(["short", "large"]);
    world.store.compact(3);
    world.store.compactStep(1_000_000);
    expect(world.store.compactionPending).toBe(false);
    asker.unsentBytes = 0;
    world.clock.advance(RANGES_RETRY_MS);
    while (world.clock.runDeferred() > 0);
    expect(order).toEqual(["short", "large", "second large"]);
  });

  test("what waits on one connection is bounded, and those that are gone do not count", () => {
    const world = new World();
    const full = newAsker(RANGE_UNSENT_BYTES_MAX + 1);
    const key = new Uint8Array(RANGES_WAITING_BYTES_MAX / 4);
    const answers: (RangeAnswer | EtcdError)[] = [];
    const ask = (asker: RangeAsker): void => {
      const request = createRangeRequest({ key, rangeEnd: bytesFromLatin1("l") });
      world.ranges.answer(asker, request, (answer) => answers.push(answer));
    };
    const gone = { ...full };
    for (let i = 0; i < 3; i++) ask(i === 1 ? gone : full);
    expect(answers).toEqual([]);
    ask(full);
    expect(answers).toEqual([Errors.TooManyRequests]);
    gone.open = false;
    ask(full);
    expect(answers).toEqual([Errors.TooManyRequests]);
  });

  test("short ranges have their turns, too, when there are many at once", () => {
    const world = new World();
    const answered: number[] = [];
    let round = 0;
    for (let i = 0; i < 100; i++) {
      const own = { key: bytesFromLatin1("k"), rangeEnd: bytesFromLatin1("l"), limit: 50 };
      world.ranges.answer(newAsker(), createRangeRequest(own), () => answered.push(round));
    }
    expect(answered.length).toBeGreaterThan(30);
    expect(answered.length).toBeLessThan(60);
    while (world.clock.runDeferred() > 0) round++;
    expect(answered).toHaveLength(100);
    expect(new Set(answered.slice(45)).size).toBeGreaterThan(40);
  });
});
