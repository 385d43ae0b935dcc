import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeapEntry, MinHeap, NOT_IN_HEAP } from "./heap.ts";

const RANK = fc.integer({ min: 0, max: 20 });

const action = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), rank: RANK }),
  fc.record({ kind: fc.constant("pop" as const) }),
  fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("update" as const), which: fc.nat(), rank: RANK }),
);

test("MinHeap has the least rank on top after every change", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const heap = new MinHeap<HeapEntry>();
      const model: HeapEntry[] = [];
      const take = (entry: HeapEntry): void => {
        model.splice(model.indexOf(entry), 1);
        heap.remove(entry);
        expect(entry.place).toBe(NOT_IN_HEAP);
      };
      for (const step of actions) {
        if (step.kind === "add") {
          const entry = { rank: step.rank, place: NOT_IN_HEAP };
          model.push(entry);
          heap.add(entry);
        } else if (model.length > 0) {
          if (step.kind === "pop") take(heap.top ?? model[0]);
          else if (step.kind === "remove") take(model[step.which % model.length]);
          else heap.update(model[step.which % model.length], step.rank);
        }
        expect(heap.size).toBe(model.length);
        const least = Math.min(...model.map(({ rank }) => rank));
        expect(heap.top?.rank ?? Number.POSITIVE_INFINITY).toBe(least);
      }
      const drained: number[] = [];
      for (let entry = heap.top; entry !== undefined; entry = heap.top) {
        drained.push(entry.rank);
        heap.remove(entry);
      }
      expect(drained).toEqual(model.map(({ rank }) => rank).sort((a, b) => a - b));
    }),
  );
});

test("MinHeap refuses an entry that is in it already, and to remove one that is not", () => {
  const heap = new MinHeap<HeapEntry>();
  const entry = { rank: 1, place: NOT_IN_HEAP };
  heap.add(entry);
  expect(() => heap.add(entry)).toThrow("Cannot add an entry that is in a heap");
  heap.remove(entry);
  expect(() => heap.remove(entry)).toThrow("Cannot remove an entry that is not in the heap");
});
