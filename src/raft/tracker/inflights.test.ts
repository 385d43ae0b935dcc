import fc from "fast-check";
import { expect, test } from "vitest";
import { Inflights } from "./inflights.ts";

type Operation =
  | { readonly kind: "add"; readonly step: number; readonly bytes: number }
  | { readonly kind: "free"; readonly back: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), step: fc.nat(3), bytes: fc.nat(10) }),
  fc.record({ kind: fc.constant("free" as const), back: fc.nat(12) }),
);

test("Inflights behaves like a list of messages", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(Number.POSITIVE_INFINITY, 15, 1),
      fc.array(operation, { maxLength: 60 }),
      (countMax, bytesMax, operations) => {
        const inflights = new Inflights(countMax, bytesMax);
        let model: { index: number; bytes: number }[] = [];
        let index = 0;
        for (const each of operations) {
          if (each.kind === "free") {
            inflights.freeUpTo(index - each.back);
            model = model.filter((message) => message.index > index - each.back);
          } else if (!inflights.full) {
            index += each.step;
            inflights.add(index, each.bytes);
            model.push({ index, bytes: each.bytes });
          }
          const bytes = model.reduce((sum, message) => sum + message.bytes, 0);
          expect(inflights.count).toBe(model.length);
          expect(inflights.bytes).toBe(bytes);
          expect(inflights.full).toBe(model.length === countMax || bytes >= bytesMax);
        }
      },
    ),
  );
});

test("Inflights.clone is independent", () => {
  const inflights = new Inflights(3, Number.POSITIVE_INFINITY);
  for (const index of [1, 2, 3]) inflights.add(index, index);
  inflights.freeUpTo(1);
  inflights.add(4, 4);
  const copy = inflights.clone();
  inflights.freeUpTo(4);
  expect([copy.count, copy.bytes]).toEqual([3, 9]);
  copy.freeUpTo(3);
  expect([copy.count, copy.bytes]).toEqual([1, 4]);
});

test("Inflights.add refuses a full window", () => {
  const inflights = new Inflights(1, Number.POSITIVE_INFINITY);
  inflights.add(1, 1);
  expect(() => inflights.add(2, 1)).toThrow("full");
  inflights.reset();
  expect(inflights.count).toBe(0);
});
