import { describe, expect, test } from "vitest";
import { BLOCKING_AVERAGE_MS_MAX, BLOCKING_BYTES_MAX, DiskPace, STALL_MS } from "./disk-pace.ts";

const FAST_MS = BLOCKING_AVERAGE_MS_MAX / 2;

/** Fast writes until the loop may wait; how many it took. */
function prove(pace: DiskPace): number {
  let writes = 0;
  for (; !pace.mayBlock(100, 0); writes++) pace.observe(FAST_MS, false);
  return writes;
}

describe("DiskPace", () => {
  test("mayBlock() only after the device proved fast, for few bytes, with nothing else under way", () => {
    const pace = new DiskPace();
    expect(pace.mayBlock(100, 0)).toBe(false);
    const proof = prove(pace);
    expect(proof).toBeGreaterThan(32);
    expect(proof).toBeLessThan(128);
    expect(pace.mayBlock(100, 1)).toBe(false);
    expect(pace.mayBlock(BLOCKING_BYTES_MAX + 1, 0)).toBe(false);
  });

  test("mayBlock() stays true over an outlier and ends when the average grows", () => {
    const pace = new DiskPace();
    prove(pace);
    for (let n = 0; n < 100; n++) pace.observe(FAST_MS, true);
    pace.observe(STALL_MS / 2, true);
    expect(pace.mayBlock(100, 0)).toBe(true);
    for (let n = 0; n < 10; n++) pace.observe(4 * BLOCKING_AVERAGE_MS_MAX, true);
    expect(pace.mayBlock(100, 0)).toBe(false);
  });

  test("a stall while the loop waits sends writes to the pool, longer each time", () => {
    const pace = new DiskPace();
    prove(pace);
    const pauses: number[] = [];
    for (let stall = 0; stall < 6; stall++) {
      pace.observe(STALL_MS, true);
      expect(pace.mayBlock(100, 0)).toBe(false);
      pauses.push(prove(pace));
    }
    expect(pauses).toEqual([64, 512, 4096, 32_768, 32_768, 32_768]);
  });

  test("a stall in the pool only counts for the average", () => {
    const pace = new DiskPace();
    prove(pace);
    pace.observe(STALL_MS * 4, false);
    expect(pace.mayBlock(100, 0)).toBe(false);
    expect(prove(pace)).toBeLessThan(200);
  });

  test("a long time without stalls brings the short penalty back", () => {
    const pace = new DiskPace();
    prove(pace);
    pace.observe(STALL_MS, true);
    prove(pace);
    pace.observe(STALL_MS, true);
    for (let n = 0; n < 70_000; n++) pace.observe(FAST_MS, false);
    pace.observe(STALL_MS, true);
    expect(prove(pace)).toBe(64);
  });
});
