import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Pacer } from "./pacer.ts";

describe("Pacer", () => {
  test.each([150, 1000, 8000, 15_000])("gives %d permits a second with timers of 1 ms", (rate) => {
    const pacer = new Pacer(rate, 0);
    let taken = 0;
    let nowMs = 0;
    while (nowMs < 60_000) {
      taken += pacer.take(nowMs, 1_000_000);
      nowMs += Math.max(1, Math.ceil(pacer.waitMs));
    }
    expect(taken / 60).toBeGreaterThan(rate * 0.999);
    expect(taken / 60).toBeLessThan(rate * 1.001);
  });

  test("never gives more than its rate and a short burst, however it is asked", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(150, 15_000),
        fc.array(fc.record({ stepMs: fc.nat(200), wanted: fc.nat(500) }), { maxLength: 60 }),
        (rate, asks) => {
          const pacer = new Pacer(rate, 0);
          let [nowMs, taken] = [0, 0];
          for (const { stepMs, wanted } of asks) {
            nowMs += stepMs;
            const some = pacer.take(nowMs, wanted);
            expect(some).toBeLessThanOrEqual(wanted);
            taken += some;
            expect(taken).toBeLessThanOrEqual(Math.ceil(((nowMs + 20) * rate) / 1000 + 1));
          }
        },
      ),
    );
  });

  test("does not make up for a pause", () => {
    const pacer = new Pacer(150, 0);
    expect(pacer.take(0, 10)).toBe(1);
    expect(pacer.take(5000, 1000)).toBe(3);
    expect(pacer.waitMs).toBeCloseTo(1000 / 150);
  });
});
