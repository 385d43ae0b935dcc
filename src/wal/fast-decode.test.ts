import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../stdx/bytes.ts";
import { decodeEntry, encodeEntry } from "../wire/gen/raft.ts";
import { decodeRecord, encodeRecord } from "../wire/gen/wal.ts";
import { viewEntry, viewRecord } from "./fast-decode.ts";
import type { RecordView } from "./fast-decode.ts";

/** The answer, or the text of the refusal. */
function outcome<T>(step: () => T): T | string {
  try {
    return step();
  } catch (error) {
    return String(error);
  }
}

function recordOf(bytes: Uint8Array, start: number, end: number): object {
  const view: RecordView = { type: 0, crc: 0, bytes, dataStart: -1, dataEnd: -1 };
  viewRecord(bytes, start, end, view);
  const data = view.dataStart < 0 ? undefined : view.bytes.subarray(view.dataStart, view.dataEnd);
  return { type: view.type, crc: view.crc, data };
}

/** Encoded messages as they are, cut, damaged in one byte, followed by more, and plain noise. */
function variants(encoded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    encoded,
    fc.tuple(encoded, fc.nat(400)).map(([bytes, cut]) => bytes.subarray(0, cut)),
    fc.tuple(encoded, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
      const damaged = bytes.slice();
      damaged[at % Math.max(1, bytes.length)] = value;
      return damaged;
    }),
    fc.tuple(encoded, encoded).map((parts) => concatBytes(parts)),
    fc.uint8Array({ maxLength: 40 }),
  );
}

const data = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined });
const records = fc
  .record({ type: fc.integer({ min: -1, max: 300 }), crc: fc.nat(0xffffffff), data })
  .map((record) => encodeRecord(record));
const entries = fc
  .record({ type: fc.nat(3), term: fc.maxSafeNat(), index: fc.maxSafeNat(), data })
  .map((entry) => encodeEntry(entry));

/** The message in the middle of other bytes, as in a piece of a segment. */
function inside(bytes: Uint8Array): { all: Uint8Array; start: number; end: number } {
  const all = concatBytes([Uint8Array.of(0x1a, 9), bytes, Uint8Array.of(0x22, 1, 0xff, 0xff)]);
  return { all, start: 2, end: 2 + bytes.length };
}

describe("fast decoders", () => {
  test("viewRecord() answers as the generated decoder does, for any bytes", () => {
    fc.assert(
      fc.property(variants(records), (bytes) => {
        const { all, start, end } = inside(bytes);
        expect(outcome(() => recordOf(all, start, end))).toEqual(
          outcome(() => ({ ...decodeRecord(bytes) })),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("viewEntry() answers as the generated decoder does, for any bytes", () => {
    fc.assert(
      fc.property(variants(entries), (bytes) => {
        const { all, start, end } = inside(bytes);
        expect(outcome(() => viewEntry(all, start, end))).toEqual(
          outcome(() => decodeEntry(bytes)),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
