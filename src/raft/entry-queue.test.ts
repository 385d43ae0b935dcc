import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "../wire/gen/raft.ts";
import { EntryQueue } from "./entry-queue.ts";
import { ENTRY_QUEUE_MOVE_MIN } from "./limits.ts";

function entriesFrom(index: number, count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 0,
    term: 1,
    index: index + i,
    data: undefined,
  }));
}

const size = fc.nat(2 * ENTRY_QUEUE_MOVE_MIN);
const operation = fc.tuple(fc.constantFrom("push", "dropFront", "truncate"), size);

test("EntryQueue behaves like an array", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 20 }), (operations) => {
      const queue = new EntryQueue();
      let model: Entry[] = [];
      let index = 0;
      for (const [kind, size] of operations) {
        const count = Math.min(size, model.length);
        if (kind === "push") {
          const entries = entriesFrom(index, size);
          index += size;
          queue.push(entries);
          model.push(...entries);
        } else if (kind === "dropFront") {
          queue.dropFront(count);
          model = model.slice(count);
        } else {
          queue.truncate(count);
          model = model.slice(0, count);
        }
        expect(queue.length).toBe(model.length);
      }
      expect(queue.slice(0, queue.length)).toEqual(model);
      if (model.length > 0) expect(queue.at(model.length - 1)).toBe(model[model.length - 1]);
    }),
    { numRuns: 60 },
  );
});

test("EntryQueue.slice is a copy", () => {
  const queue = new EntryQueue();
  queue.push(entriesFrom(1, 3));
  queue.slice(0, 3).length = 0;
  expect(queue.length).toBe(3);
});

test("EntryQueue refuses what is outside of it", () => {
  const queue = new EntryQueue();
  queue.push(entriesFrom(1, 3));
  queue.dropFront(1);
  expect(() => queue.at(2)).toThrow("outside");
  expect(() => queue.slice(0, 3)).toThrow("outside");
  expect(() => queue.dropFront(3)).toThrow("more entries");
  expect(() => queue.truncate(3)).toThrow("more entries");
});
