import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { decodeWatchResponse } from "../wire/gen/rpc.ts";
import { encodeKeyValueParts } from "../wire/key-value.ts";
import { WATCH_LIMITS } from "./limits.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { openStore } from "./testing/open-store.ts";
import { WatchHistory } from "./watch-history.ts";
import { WatchGroup } from "./watcher.ts";

const key = fc.constantFrom("a", "ab", "b", "c", "d");
const value = fc.integer({ min: 1, max: 90 }).map((size) => new Uint8Array(size));
const transaction = fc.array(fc.record({ key, tombstone: fc.boolean(), value }), {
  minLength: 1,
  maxLength: 4,
});
const range = fc.record({
  from: key,
  end: fc.option(key, { nil: undefined }),
  isSingleKey: fc.boolean(),
});

test("segments of history hold every change of a range once, and no revision is in two of them", () => {
  const limits = { ...WATCH_LIMITS, segmentRevisions: 5, segmentBytes: 300 };
  fc.assert(
    fc.property(fc.array(transaction, { minLength: 1, maxLength: 30 }), range, (changes, asked) => {
      const storage = new MemoryStorage();
      const expected: string[] = [];
      const group = new WatchGroup(asked, asked.isSingleKey, 1);
      changes.forEach((list, i) => {
        const main = i + 2;
        list.forEach((change, sub) => {
          const bytes = bytesFromLatin1(change.key);
          const stored = change.tombstone ? new Uint8Array(0) : change.value;
          storage.put(
            main,
            sub,
            change.tombstone,
            encodeKeyValueParts(bytes, 1, main, 1, stored, 0n),
          );
          const isAsked = asked.isSingleKey
            ? change.key === asked.from
            : change.key >= asked.from && (asked.end === undefined || change.key < asked.end);
          if (isAsked) expected.push(`${main} ${change.key} ${change.tombstone}`);
        });
      });
      const store = openStore(new MemoryStorage());
      const history = new WatchHistory(storage, limits);
      const end = changes.length + 2;
      const found: string[] = [];
      let next = 1;
      while (next < end) {
        expect(history.find(next)).toBeUndefined();
        const segment = history.load(next, end);
        expect(segment.from).toBe(next);
        expect(segment.end).toBeGreaterThan(next);
        expect(history.find(segment.end - 1)).toBe(segment);
        const events = segment.eventsOf(group);
        for (let batch = events.batchFrom(next, 0, store); batch !== undefined; ) {
          for (const { type, kv } of decodeWatchResponse(batch.bytes).events) {
            const name = String.fromCharCode(...(kv?.key ?? []));
            found.push(`${kv?.modRevision} ${name} ${type === 1}`);
          }
          batch = events.batchFrom(batch.lastRevision + 1, 0, store);
        }
        next = segment.end;
      }
      expect(next).toBe(end);
      expect(found).toEqual(expected);
    }),
  );
});

test("a segment that nobody needs is given back after a while", () => {
  const storage = new MemoryStorage();
  storage.put(
    2,
    0,
    false,
    encodeKeyValueParts(bytesFromLatin1("a"), 2, 2, 1, new Uint8Array(3), 0n),
  );
  const history = new WatchHistory(storage, WATCH_LIMITS);
  const segment = history.load(1, 3);
  history.sweep(10_000);
  expect(history.find(1)).toBe(segment);
  history.sweep(10_500);
  history.sweep(11_500);
  expect(history.find(1)).toBe(segment);
  history.sweep(12_600);
  history.sweep(13_700);
  expect(history.find(1)).toBeUndefined();
});
