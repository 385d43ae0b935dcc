import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeEntry } from "../wire/gen/raft.ts";
import type { Entry } from "../wire/gen/raft.ts";
import { countWithin, entriesBytes, entryBytes, payloadBytes } from "./entry-size.ts";

const entry: fc.Arbitrary<Entry> = fc.record({
  type: fc.nat(2),
  term: fc.maxSafeNat(),
  index: fc.maxSafeNat(),
  data: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
});

test("entryBytes is the length of the encoded entry", () => {
  fc.assert(
    fc.property(entry, (each) => {
      expect(entryBytes(each)).toBe(encodeEntry(each).length);
    }),
  );
});

test("countWithin takes the longest run within the bound, but never none", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), fc.nat(1500), (entries, bytesMax) => {
      const count = countWithin(entries, bytesMax);
      expect(count).toBeGreaterThanOrEqual(Math.min(1, entries.length));
      if (count > 1) expect(entriesBytes(entries.slice(0, count))).toBeLessThanOrEqual(bytesMax);
      if (count > 0 && count < entries.length) {
        expect(entriesBytes(entries.slice(0, count + 1))).toBeGreaterThan(bytesMax);
      }
    }),
  );
});

test("payloadBytes counts data and nothing else", () => {
  const data = new Uint8Array(5);
  const entries = [data, undefined, data].map((each) => ({
    type: 0,
    term: 9,
    index: 9,
    data: each,
  }));
  expect(payloadBytes(entries)).toBe(10);
});
