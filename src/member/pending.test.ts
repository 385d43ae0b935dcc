import fc from "fast-check";
import { expect, test } from "vitest";
import { Pending } from "./pending.ts";
import { RequestIds } from "./request-ids.ts";

test("Pending expires exactly what has waited the limit, oldest first", () => {
  const action = fc.oneof(fc.constant("add" as const), fc.constant("tick" as const), fc.nat(50));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(action), (limit, actions) => {
      const pending = new Pending<number>(limit);
      const model = new Map<number, number>();
      let key = 0;
      let tick = 0;
      for (const step of actions) {
        if (step === "add") {
          pending.add(++key, key);
          model.set(key, tick);
        } else if (step === "tick") {
          tick++;
          const late = [...model].filter(([, since]) => tick - since > limit).map(([k]) => k);
          for (const k of late) model.delete(k);
          expect(pending.tick()).toEqual(late);
        } else {
          expect(pending.take(step)).toBe(model.has(step) ? step : undefined);
          model.delete(step);
        }
        expect(pending.size).toBe(model.size);
      }
      expect(pending.takeAll()).toEqual([...model.keys()]);
    }),
  );
});

test("RequestIds has the member's low 16 bits on top and a counter that starts at the time", () => {
  const ids = new RequestIds(0x8e9e05c52164694dn, 0x123456789ab);
  const key = ids.next();
  expect(ids.idOf(key)).toBe(0x694d23456789ab01n);
  expect(ids.next()).toBe(key + 1);
});

test("RequestIds keys grow on where the counter wraps around, and are found by the counter", () => {
  const ids = new RequestIds(1n, 2 ** 40 - 1);
  let before = 0;
  for (let i = 0; i < 600; i++) {
    const key = ids.next();
    expect(key).toBeGreaterThan(before);
    expect(ids.keyOf(Number(ids.idOf(key) & (2n ** 48n - 1n)))).toBe(key);
    before = key;
  }
});
