import fc from "fast-check";
import { expect, test } from "vitest";
import { TurnQueue } from "./watch-stream.ts";

test("TurnQueue is first come, first served, with each element in it at most once", () => {
  const command = fc.oneof(fc.nat(12), fc.constant("shift" as const));
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const elements = Array.from({ length: 13 }, (_, id) => ({ id, queuedForTurn: false }));
      const queue = new TurnQueue<(typeof elements)[number]>();
      const model: number[] = [];
      for (const each of commands) {
        if (each === "shift") {
          expect(queue.shift()?.id).toBe(model.shift());
        } else {
          queue.push(elements[each]);
          if (!model.includes(each)) model.push(each);
        }
        expect(queue.isEmpty).toBe(model.length === 0);
        expect(elements.filter(({ queuedForTurn }) => queuedForTurn).length).toBe(model.length);
      }
    }),
  );
});
