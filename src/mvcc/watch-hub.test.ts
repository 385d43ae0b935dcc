import { describe, expect, it } from "vitest";
import { AssertionError } from "../stdx/assert.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { createPutRequest, createWatchCreateRequest } from "../wire/gen/rpc.ts";
import { ChangeFeed } from "./change-feed.ts";
import { executePut } from "./kv-requests.ts";
import { WATCH_LIMITS, type WatchLimits } from "./limits.ts";
import { MemoryStorage } from "./memory-storage.ts";
import type { CompactionMark, RevisionStorage, RevisionVisitor } from "./storage.ts";
import { MemoryLeases } from "./testing/memory-leases.ts";
import { openStore } from "./testing/open-store.ts";
import { SMALL_LIMITS, WatchWorld, type WorldCounts } from "./testing/watch-world.ts";
import { WatchHub } from "./watch-hub.ts";
import type { WatchReceiver, WatchStream } from "./watch-stream.ts";
import type { KeyChange } from "./write-transaction.ts";

/** Lives of a random number of steps; `WATCH_SEEDS` and `WATCH_SEED` search elsewhere. */
const SEEDS = Number(process.env["WATCH_SEEDS"] ?? 300);
const FIRST_SEED = Number(process.env["WATCH_SEED"] ?? 1);

describe("WatchHub", { timeout: 20_000 + 50 * SEEDS }, () => {
  it("shows every watcher what it asked for, in every life", () => {
    const total: { -readonly [name in keyof WorldCounts]: number } = {
      events: 0,
      compacted: 0,
      cancelled: 0,
    };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const prng = new Prng(seed);
      const world = new WatchWorld(prng, seed % 4 === 0 ? WATCH_LIMITS : SMALL_LIMITS);
      try {
        for (let steps = prng.between(10, 500); steps > 0; steps--) world.step();
        world.drain();
      } catch (error) {
        throw new Error(`WATCH_SEED=${seed} WATCH_SEEDS=1 fails`, { cause: error });
      }
      const { events, compacted, cancelled } = world.counts;
      total.events += events;
      total.compacted += compacted;
      total.cancelled += cancelled;
    }
    expect(total.events).toBeGreaterThan(20 * SEEDS);
    expect(total.compacted).toBeGreaterThan(SEEDS / 10);
    expect(total.cancelled).toBeGreaterThan(SEEDS / 10);
  });

  it("is watched by an oracle that notices a lost, a late and a doubled change", () => {
    const sabotages = {
      lost: (changes: readonly KeyChange[]) => changes.slice(1),
      reordered: (changes: readonly KeyChange[]) => changes.toReversed(),
      doubled: (changes: readonly KeyChange[]) => [...changes, ...changes],
    };
    for (const [name, sabotage] of Object.entries(sabotages)) {
      const live = (): void => {
        const world = new WatchWorld(new Prng(3), WATCH_LIMITS);
        world.sabotage = sabotage;
        for (let steps = 300; steps > 0; steps--) world.step();
        world.drain();
      };
      expect(live, name).toThrow(AssertionError);
    }
  });
});

/** Streams that count what they are shown, over a store that counts how often it is scanned. */
class Audience {
  readonly storage = new CountingStorage();
  readonly #feed = new ChangeFeed();
  readonly store = openStore(this.storage, new MemoryLeases(), this.#feed);
  readonly hub: WatchHub;
  readonly shown: number[] = [];
  /** Watchers that were cancelled by a compaction. */
  compacted = 0;

  constructor(limits: WatchLimits = WATCH_LIMITS) {
    this.hub = new WatchHub(this.store, this.#feed, limits);
  }

  /** Opens a stream; its events are counted at its place in `shown`. */
  open(connection: number, hasRoom: () => boolean = () => true): WatchStream {
    const place = this.shown.push(0) - 1;
    const receiver: WatchReceiver = {
      onEvents: (_id, _fragment, batch) => {
        this.shown[place] += batch.events.length;
        return hasRoom();
      },
      onCompacted: () => {
        this.compacted++;
        return hasRoom();
      },
      onProgress: hasRoom,
      onStreamProgress: hasRoom,
    };
    return this.hub.open(receiver, connection, 1000);
  }

  watch(stream: WatchStream, key: string, startRevision = 0): void {
    const request = createWatchCreateRequest({ key: bytesFromLatin1(key), startRevision });
    expect(typeof this.hub.create(stream, request)).toBe("object");
  }

  put(key: string, bytes = 10): void {
    const value = new Uint8Array(bytes);
    executePut(this.store, createPutRequest({ key: bytesFromLatin1(key), value }));
  }
}

class CountingStorage implements RevisionStorage {
  scans = 0;
  readonly #inner = new MemoryStorage();

  put(main: number, sub: number, tombstone: boolean, value: Uint8Array): void {
    this.#inner.put(main, sub, tombstone, value);
  }

  get(main: number, sub: number): Uint8Array | undefined {
    return this.#inner.get(main, sub);
  }

  scan(fromMain: number, fromSub: number, endMain: number, visit: RevisionVisitor): void {
    this.scans++;
    this.#inner.scan(fromMain, fromSub, endMain, visit);
  }

  delete(main: number, sub: number, tombstone: boolean): void {
    this.#inner.delete(main, sub, tombstone);
  }

  compactionMark(mark: CompactionMark): number | undefined {
    return this.#inner.compactionMark(mark);
  }

  setCompactionMark(mark: CompactionMark, main: number): void {
    this.#inner.setCompactionMark(mark, main);
  }
}

describe("WatchHub under load", () => {
  it("reads old revisions once, however many watchers start there", () => {
    const audience = new Audience();
    const revisions = 10_000;
    for (let i = 0; i < revisions; i++) audience.put("a");
    const before = audience.storage.scans;
    for (let i = 0; i < 500; i++) audience.watch(audience.open(i % 7), "a", 2);
    while (audience.hub.pump(100, 0));
    expect(audience.shown.every((count) => count === revisions)).toBe(true);
    expect(audience.storage.scans - before).toBe(revisions / WATCH_LIMITS.segmentRevisions);
  });

  it("keeps little for a stream without room, and delays nobody for it", () => {
    const audience = new Audience({ ...WATCH_LIMITS, recentBytes: 100_000 });
    let isOpen = false;
    const slow = audience.open(1, () => isOpen);
    const fast = audience.open(2);
    for (const stream of [slow, fast]) audience.watch(stream, "a");
    for (let i = 1; i <= 3000; i++) {
      audience.put("a", 1000);
      audience.hub.pump(10, 0);
      expect(audience.shown[1]).toBe(i);
      expect(audience.hub.recentBytes).toBeLessThan(102_000);
    }
    expect(audience.shown[0]).toBe(1);
    isOpen = true;
    audience.hub.resume(slow);
    while (audience.hub.pump(10, 0));
    expect(audience.shown[0]).toBe(3000);
    expect(audience.hub.recentBytes).toBe(0);
  });

  it("does a bounded slice of work, with turns for connections, streams and watchers", () => {
    const audience = new Audience();
    for (let i = 0; i < 2000; i++) audience.watch(audience.open(i % 3), "a");
    const large = audience.open(4);
    for (let i = 0; i < 5000; i++) audience.watch(large, "a");
    audience.watch(large, "b");
    audience.watch(audience.open(5), "b");
    audience.put("a");
    audience.put("b");
    const total = (): number => audience.shown.reduce((sum, count) => sum + count, 0);
    expect(audience.hub.pump(256, 0)).toBe(true);
    expect(total()).toBeGreaterThan(200);
    expect(total()).toBeLessThanOrEqual(256);
    expect(audience.shown.at(-1)).toBe(1);
    let pumps = 1;
    for (; audience.hub.pump(256, 0); pumps++)
      expect(total()).toBeLessThanOrEqual(256 * pumps + 256);
    expect(total()).toBe(7002);
    expect(pumps).toBeLessThan(35);
  });

  it("keeps nothing of keys that nobody watches", () => {
    const audience = new Audience();
    const stream = audience.open(1);
    audience.watch(stream, "a");
    for (let i = 0; i < 100; i++) audience.put("b", 1000);
    expect(audience.hub.pump(10, 0)).toBe(false);
    expect(audience.hub.recentBytes).toBe(0);
    expect(audience.shown).toEqual([0]);
  });

  it("cancels nobody who is up to date when a compaction comes before the next pump", () => {
    const audience = new Audience();
    const [first, second] = [audience.open(1), audience.open(2)];
    for (const stream of [first, second, second]) audience.watch(stream, "a");
    for (let i = 0; i < 3; i++) {
      audience.put("a");
      audience.put("b");
      // Brings the change to the group, which loses a watcher before the others are told.
      audience.watch(first, "c");
      if (i === 1) expect(audience.hub.cancel(second, 1n)).toBe(true);
      expect(audience.store.compact(audience.store.revision)).toBeUndefined();
      while (audience.store.compactionPending) audience.store.compactStep(100);
      // The first slice tells one of them, and the next ones the others.
      while (audience.hub.pump(1, 0));
    }
    expect(audience.compacted).toBe(0);
    expect(audience.shown).toEqual([3, 4]);
  });
});
