import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Gate, LoadReport } from "./check-load.ts";

describe("Gate", () => {
  test("lets through what was let in, also after it was closed", async () => {
    const gate = new Gate(2);
    const early = gate.pass();
    expect(gate.room).toBe(3);
    gate.letIn(3);
    expect(gate.room).toBe(0);
    gate.close();
    expect(await Promise.all([early, gate.pass(), gate.pass(), gate.pass()])).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const other = new Gate(1);
    const late = other.pass();
    other.close();
    expect(await late).toBe(false);
  });
});

test("LoadReport has the numbers that a look at all times would give", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1 }), (all) => {
      const report = new LoadReport();
      for (const seconds of all) report.took(seconds);
      const mean = all.reduce((sum, each) => sum + each, 0) / all.length;
      const variance = all.reduce((sum, each) => sum + (each - mean) ** 2, 0) / all.length;
      expect(report.count).toBe(all.length);
      expect(report.slowest).toBe(Math.max(...all));
      expect(report.standardDeviation).toBeCloseTo(Math.sqrt(variance), 6);
    }),
  );
});
