import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { createRangeRequest, type RangeRequest } from "../../wire/gen/rpc.ts";
import { RangeCache } from "./range-cache.ts";

const ask = (key: string, rangeEnd = "", more: Partial<RangeRequest> = {}): RangeRequest =>
  createRangeRequest({ key: bytesFromUtf8(key), rangeEnd: bytesFromUtf8(rangeEnd), ...more });

const range = (key: string, rangeEnd = "") => ({
  key: bytesFromUtf8(key),
  rangeEnd: bytesFromUtf8(rangeEnd),
});

function keep(cache: RangeCache, request: RangeRequest, text: string): void {
  cache.ended(cache.begin(request), bytesFromUtf8(text));
}

test("an answer serves those who ask the same and take what may be old", () => {
  const cache = new RangeCache();
  keep(cache, ask("a"), "1");
  expect(cache.find(ask("a", "", { serializable: true }))).toEqual(bytesFromUtf8("1"));
  expect(cache.find(ask("a", "", { serializable: true, keysOnly: true }))).toBeUndefined();
  expect(cache.find(ask("b", "", { serializable: true }))).toBeUndefined();
});

test("answers to ranges that a change touches go, kept or on their way", () => {
  // Ranges over keys of one letter, against the plain meaning of a range.
  const letters = ["a", "b", "c", "d"];
  const holds = (key: string, end: string, letter: string): boolean =>
    end === "" ? letter === key : letter >= key && (end === "\u0000" || letter < end);
  const letter = fc.constantFrom(...letters);
  const end = fc.constantFrom("", "\u0000", ...letters);
  fc.assert(
    fc.property(letter, end, letter, end, (key, keyEnd, changed, changedEnd) => {
      const cache = new RangeCache();
      keep(cache, ask(key, keyEnd), "1");
      const pending = cache.begin(ask(key, keyEnd, { limit: 1 }));
      cache.invalidate(range(changed, changedEnd));
      cache.ended(pending, bytesFromUtf8("2"));
      const touches = letters.some(
        (each) => holds(key, keyEnd, each) && holds(changed, changedEnd, each),
      );
      if (touches) expect(cache.size).toBe(0);
      // More may be dropped, but not of other single keys.
      else if (keyEnd === "" && changedEnd === "") expect(cache.size).toBe(2);
    }),
    { numRuns: 500 },
  );
});

test("what a revision held does not become old, but is compacted", () => {
  const cache = new RangeCache();
  const old = ask("a", "", { revision: 5 });
  keep(cache, old, "5");
  cache.invalidate(range("a"));
  expect(cache.find(old)).toEqual(bytesFromUtf8("5"));
  cache.compact(6);
  expect(cache.find(old)).toBe("compacted");
  keep(cache, ask("a", "", { revision: 6 }), "6");
  expect(cache.size).toBe(0);
});

test("the number and the bytes of what is kept are bounded", () => {
  const cache = new RangeCache();
  for (let index = 0; index < 3000; index++) keep(cache, ask(`key ${index}`), "1");
  expect(cache.size).toBe(2048);
  expect(cache.find(ask("key 0"))).toBeUndefined();
  expect(cache.find(ask("key 2999"))).toBeDefined();
  const large = new Uint8Array(20 * 1024 * 1024);
  for (let index = 0; index < 5; index++) {
    cache.ended(cache.begin(ask(`large ${index}`)), large);
  }
  expect(cache.size).toBeLessThanOrEqual(4);
  cache.ended(cache.begin(ask("too large")), new Uint8Array(40 * 1024 * 1024));
  expect(cache.find(ask("too large"))).toBeUndefined();
  cache.clear();
  expect(cache.size).toBe(0);
});

test("whatever is kept and dropped, an index of nothing remains", () => {
  const key = fc.constantFrom("a", "b", "c");
  const step = fc.tuple(fc.constantFrom("keep", "change"), key, fc.constantFrom("", "c", "\u0000"));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cache = new RangeCache();
      for (const [what, first, end] of steps) {
        if (what === "keep") keep(cache, ask(first, end), "1");
        else cache.invalidate(range(first, end));
      }
      cache.invalidate(range("a", "\u0000"));
      expect(cache.size).toBe(0);
    }),
  );
});
