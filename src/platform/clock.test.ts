import { expect, test } from "vitest";
import { briefClock, systemClock } from "./clock.ts";

test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])(
  "a wait of %d ms is not over at once",
  async (delayMs) => {
    const over: string[] = [];
    const timers = [systemClock, briefClock].map((clock) =>
      clock.after(delayMs, () => over.push("long")),
    );
    await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)));
    for (const timer of timers) timer.cancel();
    expect(over).toEqual([]);
  },
);
